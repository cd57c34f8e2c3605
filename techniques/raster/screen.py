"""From clip space to the screen: pixel centres are the integer points, and row 0 is the bottom."""

import torch
from torch import Tensor

from techniques.errors import WorkFailedError

__all__ = ["in_front", "to_screen"]


def to_screen(positions: Tensor, height: int, width: int) -> tuple[Tensor, Tensor, Tensor]:
    """Screen x, y (pixels) and depth z/w of clip-space ``positions`` (..., 4); each has shape (...).

    x = (X/W + 1) width/2 - 1/2, and likewise y, which grows upwards; z/w grows away from the eye.
    """
    x, y, z, w = positions.unbind(-1)
    return (x / w + 1) * (width / 2) - 0.5, (y / w + 1) * (height / 2) - 0.5, z / w


def in_front(positions: Tensor, triangles: Tensor) -> None:
    """Refuse ``triangles`` with a corner behind the eye: nothing here clips at the near plane.

    Vertices that no triangle has may lie anywhere.

    Raises:
        WorkFailedError: a vertex has w <= 0, or a coordinate that is not a number.
    """
    seen = positions.detach()
    if not bool(((seen[..., 3] > 0) & torch.isfinite(seen).all(-1)).all()):
        seen = seen[:, triangles.long().unique()]  # type: ignore[no-untyped-call]
    if not bool((seen[..., 3] > 0).all() | torch.isnan(seen).any()):
        raise WorkFailedError(
            "A part of the mesh lies behind the camera, or has moved beyond all bounds. Put the camera "
            "farther away (distance), or lower the step size."
        )
    if not bool(torch.isfinite(seen).all()):
        raise WorkFailedError("A vertex has a coordinate that is not a number any more. Lower the step size.")
