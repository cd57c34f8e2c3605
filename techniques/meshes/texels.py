"""Between a surface and its texture: which triangle a texel lies on, and what lies between charts."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F  # noqa: N812 - the name that everybody reads
from torch import Tensor

from techniques.raster.visible import visible

__all__ = ["Texels", "dilated", "texels"]

_RINGS = 4  # of texels about a chart that take their neighbours' colour exactly


@dataclass(frozen=True)
class Texels:
    """The texels of a square texture of ``size`` whose centres lie on a triangle.

    ``index`` (N,) into the flattened texture, row 0 being v = 0; ``triangle`` (N,); ``shares`` (N, 3) of the
    triangle's corners, which add up to 1.
    """

    size: int
    index: Tensor
    triangle: Tensor
    shares: Tensor

    def at(self, values: Tensor, faces: Tensor) -> Tensor:
        """``values`` (V, C) of the corners that ``faces`` (F, 3) name, interpolated: (N, C)."""
        return (values[faces[self.triangle]] * self.shares.unsqueeze(2)).sum(1)


def texels(uvs: Tensor, uv_faces: Tensor, size: int) -> Texels:
    """The texels that triangles with coordinates ``uvs`` (T, 2), ``uv_faces`` (F, 3) cover. Nothing wraps."""
    flat = torch.cat([uvs.double() * 2 - 1, torch.zeros(len(uvs), 1), torch.ones(len(uvs), 1)], dim=1)
    owner = visible(flat.unsqueeze(0), uv_faces, size, size).view(-1)
    index = (owner >= 0).nonzero().squeeze(1)
    triangle = owner[index]
    point = torch.stack([index % size, index // size], dim=1).add(0.5).div(size).double()
    a, b, c = uvs.double()[uv_faces[triangle]].unbind(1)
    area = _cross(b - a, c - a)
    v, w = _cross(point - a, c - a) / area, _cross(b - a, point - a) / area
    shares = torch.stack([1 - v - w, v, w], dim=1).clamp(0, 1)
    return Texels(size, index, triangle, (shares / shares.sum(1, keepdim=True)).to(uvs.dtype))


def dilated(texture: Tensor, covered: Tensor) -> Tensor:
    """``texture`` (H, W, C) with every texel filled that is not ``covered`` (H, W, bool).

    The nearest rings take the mean of their covered neighbours, so that bilinear lookups at a chart's border
    meet its own colour; what is farther takes ever coarser means, so that mip levels do too.
    """
    image = texture.permute(2, 0, 1).unsqueeze(0)
    known = covered[None, None].to(image.dtype)
    image = image * known
    for _ in range(_RINGS):
        count = F.avg_pool2d(known, 3, 1, 1)
        mean = F.avg_pool2d(image * known, 3, 1, 1) / count.clamp(min=1e-12)
        fresh = ((known == 0) & (count > 0)).to(image.dtype)
        image, known = image + fresh * mean, known + fresh
    return _pulled(image, known)[0].permute(1, 2, 0)


def _pulled(image: Tensor, known: Tensor) -> Tensor:
    """``image`` (1, C, H, W) where it is ``known``, elsewhere the mean of a picture of half the size."""
    if min(image.shape[2:]) <= 1:
        return image
    count = F.avg_pool2d(known, 2, ceil_mode=True)
    mean = F.avg_pool2d(image * known, 2, ceil_mode=True) / count.clamp(min=1e-12)
    coarse = _pulled(mean, (count > 0).to(image.dtype))
    wide = F.interpolate(coarse, image.shape[2:], mode="nearest")
    return image * known + wide * (1 - known)


def _cross(a: Tensor, b: Tensor) -> Tensor:
    return a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]
