"""Guide pictures as outlines: what in a drawing or photograph is the shape, and what is ground."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from techniques.errors import BadInputError
from techniques.pictures import Picture, read_picture

__all__ = ["Guide", "moved_onto", "read_guide", "scaled"]

_LARGEST = 2048  # px, the side of the square that a guide is kept in
_LEAST = 16  # pixels of shape, and of ground, in that square

Plane = NDArray[np.float32]


@dataclass(frozen=True)
class Guide:
    """A shape in a square. ``mask`` [n, n] is 1 on the shape and 0 on the ground, row 0 on top; ``light``
    [n, n] is the picture's lightness in 0..1. ``read_as`` says in words how the shape was found.
    """

    name: str
    mask: Plane
    light: Plane
    read_as: str

    @property
    def share(self) -> float:
        """How much of the square is shape."""
        return float(self.mask.mean())


def read_guide(path: Path, *, threshold: float = 0.5, invert: bool = False) -> Guide:
    """The shape in the picture at ``path``: what is opaque, or what stands out from the picture's rim.

    A picture with transparency is divided by it, any other by ``threshold`` of its lightness; the side to
    which most of the rim belongs is ground. ``invert`` exchanges the two. Pictures that are not square get
    ground added to their shorter side.

    Raises:
        BadInputError: the picture cannot be read, or everything in it, or nothing, is shape.
    """
    picture = read_picture(path)
    light = picture.over_white() @ np.array([0.299, 0.587, 0.114], dtype=np.float32)
    shape, read_as = _divided(picture, light, threshold)
    if invert:
        shape, read_as = ~shape, f"{read_as}, inverted"
    count = int(shape.sum())
    if count < _LEAST or shape.size - count < _LEAST:
        seen = "no shape" if count < _LEAST else "nothing but shape"
        raise BadInputError(
            f"{path} holds {seen} ({read_as}). A guide is a silhouette, such as black on white; "
            "--threshold and --invert say what is shape."
        )
    mask, light = _square(shape.astype(np.float32), 0.0), _square(light, 1.0)
    if len(mask) > _LARGEST:
        mask, light = scaled(mask, _LARGEST), scaled(light, _LARGEST)
    return Guide(path.name, mask, light, read_as)


def scaled(plane: Plane, size: int) -> Plane:
    """``plane`` [n, n] as [size, size]: means where it shrinks, bilinear where it grows."""
    kind = Image.Resampling.BOX if size <= len(plane) else Image.Resampling.BILINEAR
    image = Image.fromarray(np.ascontiguousarray(plane, dtype=np.float32))
    return np.asarray(image.resize((size, size), kind), dtype=np.float32).clip(0, 1)


def moved_onto(guide: Guide, target: tuple[float, float, float]) -> Guide:
    """``guide`` with its shape's bounding box at x, y of ``target``, its longer side ``target`` [2] long.

    All three are shares of the square, from its upper left corner.

    Raises:
        BadInputError: nothing of the shape would be left inside the square.
    """
    n = len(guide.mask)
    rows, columns = np.nonzero(guide.mask > 0.5)
    left, right, top, bottom = columns.min(), columns.max() + 1, rows.min(), rows.max() + 1
    factor = target[2] * n / max(right - left, bottom - top)
    x, y = (left + right) / 2, (top + bottom) / 2
    inverse = (1 / factor, 0, x - target[0] * n / factor, 0, 1 / factor, y - target[1] * n / factor)

    def moved(plane: Plane, ground: float) -> Plane:
        image = Image.fromarray(np.ascontiguousarray(plane - ground))
        turned = image.transform((n, n), Image.Transform.AFFINE, inverse, Image.Resampling.BILINEAR)
        return np.asarray(turned, dtype=np.float32) + np.float32(ground)

    mask = (moved(guide.mask, 0.0) > 0.5).astype(np.float32)
    if mask.sum() < _LEAST:
        raise BadInputError(f"{guide.name}: --align leaves nothing of the shape. Take a larger picture.")
    return Guide(guide.name, mask, moved(guide.light, 1.0), f"{guide.read_as}, aligned")


def _divided(picture: Picture, light: Plane, threshold: float) -> tuple[NDArray[np.bool_], str]:
    if picture.alpha is not None and (picture.alpha < 0.5).any() and (picture.alpha >= 0.5).any():
        return picture.alpha >= 0.5, "what is opaque"
    bright = light >= threshold
    rim = np.concatenate([bright[0], bright[-1], bright[:, 0], bright[:, -1]])
    if rim.mean() >= 0.5:
        return ~bright, "dark on light"
    return bright, "light on dark"


def _square(plane: Plane, ground: float) -> Plane:
    height, width = plane.shape
    side = max(height, width)
    whole = np.full((side, side), ground, dtype=np.float32)
    top, left = (side - height) // 2, (side - width) // 2
    whole[top : top + height, left : left + width] = plane
    return whole
