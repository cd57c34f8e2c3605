"""Looking at a picture as a classifier's training did: at random parts, sizes, angles and mirrored.

What a network calls a fountain only from one exact position is noise; what it calls one from everywhere is
drawn so that others see it too (Athalye et al., Synthesizing Robust Adversarial Examples, 2018).
"""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F  # noqa: N812 - the name that everybody reads
from torch import Tensor

from techniques.dream.canvas import pooled

__all__ = ["Box", "Views"]


@dataclass(frozen=True)
class Box:
    """A part of a picture, as shares of its width and height in 0..1."""

    left: float = 0.0
    top: float = 0.0
    right: float = 1.0
    bottom: float = 1.0


@dataclass(frozen=True)
class Views:
    """``count`` random views of a picture at a time, each as large as the network wants it.

    The side of a view is a random share between ``least`` and ``most`` of the largest box of its aspect that
    fits into the picture; it is turned by up to ``turn`` degrees, and mirrored half the times. Its middle
    lies in ``region`` if that is possible without leaving the picture.
    """

    count: int = 2
    least: float = 0.45
    most: float = 1.0
    turn: float = 8.0
    mirror: bool = True
    region: Box = Box()

    def take(self, image: Tensor, size: tuple[int, int], random: torch.Generator) -> Tensor:
        """Views of ``image`` (1, 3, H, W): (``count``, 3, height, width) for a ``size`` of width and height.

        All draws come from ``random``, a generator on the CPU, so that every device sees the same views.
        """
        height, width = image.shape[-2:]
        whole = min(width / size[0], height / size[1])
        draw = torch.rand(self.count, 5, generator=random)
        # Equally likely in proportions: as often from half the size as from twice.
        scale = whole * self.most * (self.least / self.most) ** draw[:, 0]
        across, down = scale * size[0], scale * size[1]
        x = _between(across / 2, width - across / 2, self.region.left, self.region.right, width, draw[:, 1])
        y = _between(down / 2, height - down / 2, self.region.top, self.region.bottom, height, draw[:, 2])
        angle = (draw[:, 3] * 2 - 1) * math.radians(self.turn)
        side = torch.where((draw[:, 4] < 0.5) & torch.tensor(self.mirror), -1.0, 1.0)
        cosine, sine = angle.cos(), angle.sin()
        grid = torch.zeros(self.count, 2, 3)
        grid[:, 0, 0] = side * cosine * across / width
        grid[:, 0, 1] = -sine * down / width
        grid[:, 0, 2] = 2 * x / width - 1
        grid[:, 1, 0] = side * sine * across / height
        grid[:, 1, 1] = cosine * down / height
        grid[:, 1, 2] = 2 * y / height - 1
        where = F.affine_grid(grid.to(image.device), [self.count, 3, size[1], size[0]], align_corners=False)
        # Interpolation looks at four pixels; where a view shrinks the picture more, it is averaged before.
        halvings = max(0, math.floor(math.log2(max(1.0, float(scale.mean())))))
        small = pooled(image, halvings).expand(self.count, -1, -1, -1)
        return F.grid_sample(small, where, mode="bilinear", padding_mode="reflection", align_corners=False)


def _between(least: Tensor, most: Tensor, first: float, last: float, pixels: int, draw: Tensor) -> Tensor:
    """A random middle between ``least`` and ``most`` px, in the region from ``first`` to ``last``."""
    low = torch.clamp(torch.full_like(least, first * pixels), min=least, max=most)
    high = torch.clamp(torch.full_like(least, last * pixels), min=least, max=most)
    return low + (high - low) * draw
