"""From a picture to what a classifier was trained on: one place for training, dreaming and judging."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from techniques.pictures import Picture
from techniques.weights.registry import InputConvention, View

__all__ = ["Interpolation", "Normalise", "Preprocessing", "Rule", "view"]

Rule = Literal["crop", "squash"]
Interpolation = Literal["bilinear", "bicubic", "lanczos"]


@dataclass(frozen=True)
class Preprocessing:
    """Which part of a picture at which size (``view``), and in which numbers (``numbers``)."""

    view: View
    numbers: InputConvention


class Normalise(nn.Module):
    """RGB in 0..1, (N, 3, H, W), to the numbers that a network was trained on, of the same shape."""

    def __init__(self, numbers: InputConvention) -> None:
        super().__init__()
        self._flip = numbers.order == "BGR"
        self._maximum = numbers.maximum
        self.register_buffer("_mean", torch.tensor(numbers.mean).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("_deviation", torch.tensor(numbers.deviation).view(1, 3, 1, 1), persistent=False)

    def forward(self, image: Tensor) -> Tensor:
        """Normalise ``image``."""
        x = image.flip(1) if self._flip else image
        return (x * self._maximum - self.get_buffer("_mean")) / self.get_buffer("_deviation")


def view(picture: Picture, how: View) -> Tensor:
    """What a classifier sees of ``picture``: (3, height, width), float32 RGB in 0..1, transparency white.

    Rule "crop" takes the largest box of the view's aspect in the middle, shrunk to the part ``crop`` of
    each side (224 of 256 px is 0.875); "squash" takes that part of the whole picture and changes its
    aspect. Scaled once, with antialiasing.
    """
    width, height = picture.size
    if how.rule == "crop":
        scale = min(width / how.width, height / how.height) * how.crop
        part = how.width * scale, how.height * scale
    else:
        part = width * how.crop, height * how.crop
    # Rounding may lead out of the picture by 1e-14, which Pillow refuses.
    left, top = max(0.0, (width - part[0]) / 2), max(0.0, (height - part[1]) / 2)
    box = (left, top, min(width, width - left), min(height, height - top))
    method = Image.Resampling[how.interpolation.upper()]
    planes = [
        Image.fromarray(np.ascontiguousarray(plane)).resize((how.width, how.height), method, box=box)
        for plane in np.moveaxis(picture.over_white(), -1, 0)
    ]
    return torch.from_numpy(np.stack([np.asarray(plane, dtype=np.float32) for plane in planes])).clamp(0, 1)
