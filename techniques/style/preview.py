"""A picture of the work while it goes on, in a file that a viewer or a notebook can show."""

import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - the name that everybody reads
from torch import Tensor

from techniques.errors import WorkFailedError
from techniques.optimise import Step, Verdict
from techniques.pictures import Picture, fit, save_picture

__all__ = ["LivePreview", "picture_of"]

_FIRST, _SPACING = 2.0, 5.0  # seconds until the first one, and between later ones
_SHARE = 0.03  # of the run's time may go into them
_LONGEST = 1024  # px


class LivePreview:
    """A callback that writes the picture as it is to ``path``, every few seconds, at most 1024 px large."""

    def __init__(self, path: Path, content: Picture) -> None:
        self.path = path
        self._content = replace(content, alpha=None, height_map=False)
        self._next = time.monotonic() + _FIRST

    def __call__(self, step: Step) -> Verdict:
        """Write the picture after ``step``, if it is time. A full disk is the checkpoint's to report."""
        began = time.monotonic()
        if began >= self._next:
            image = step.parameters()["image"]
            scale = min(1.0, _LONGEST / max(image.shape[-2:]))
            if scale < 1:
                image = F.interpolate(image, scale_factor=scale, mode="area")
            with suppress(WorkFailedError):
                save_picture(self.path, picture_of(image, self._content))
            self._next = began + max(_SPACING, (time.monotonic() - began) / _SHARE)
        return Verdict.GO_ON


def picture_of(image: Tensor, content: Picture) -> Picture:
    """``image`` (1, 3, H, W), cut off at 0 and 1, with what belongs to the file of ``content``."""
    with torch.no_grad():
        rgb = image[0].clamp(0, 1).permute(1, 2, 0).cpu().numpy().astype(np.float32)
    return replace(fit(content, (rgb.shape[1], rgb.shape[0])), rgb=rgb)
