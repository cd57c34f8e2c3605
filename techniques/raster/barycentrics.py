"""Rasterisation with nvdiffrast's documented conventions: barycentrics, depth and triangle of each pixel."""

import torch
from torch import Tensor

from techniques.errors import BadInputError
from techniques.raster.rows import rows
from techniques.raster.screen import in_front
from techniques.raster.visible import visible

__all__ = ["covered", "owners", "rasterize"]

_LARGEST = 2**24  # the numbers that a float32 channel holds exactly


def rasterize(
    positions: Tensor, triangles: Tensor, height: int, width: int, *, derivatives: bool = True
) -> tuple[Tensor, Tensor]:
    """What each pixel centre sees.

    ``positions`` (B, V, 4) in clip space, ``triangles`` int32 (T, 3). Gives ``(u, v, z/w, number + 1)`` and
    ``(du/dX, du/dY, dv/dX, dv/dY)``, both (B, height, width, 4); X and Y count pixels, row 0 is the bottom,
    u and v belong to corners 0 and 1, and pixels that see nothing are 0 throughout. u, v and their
    derivatives are differentiable in ``positions``, and perspective-correct without a division by w
    (homogeneous rasterisation: Olano and Greer 1997). Without ``derivatives`` the second tensor has 0
    channels.

    Raises:
        BadInputError: there are more triangles than the number's channel can tell apart.
        WorkFailedError: a vertex lies behind the eye.
    """
    if len(triangles) >= _LARGEST:
        raise BadInputError(
            f"The mesh has {len(triangles):,} triangles; {_LARGEST - 1:,} are the most that can be rendered. "
            "Decimate it first."
        )
    in_front(positions, triangles)
    batch, count = positions.shape[:2]
    number = visible(positions, triangles, height, width)
    pixel = (number.view(-1) >= 0).nonzero().squeeze(1)
    triangle = number.view(-1)[pixel]
    view = pixel // (height * width)
    corner = triangles.long()[triangle] + (view * count).unsqueeze(1)  # (P, 3)
    # (3 corners, P) arrays: every operation below runs over contiguous memory.
    x, y, z, w = rows(positions.reshape(-1, 4), corner.T.contiguous()).unbind(-1)
    column, row = (pixel % width).to(x), (pixel // width % height).to(x)
    fx, fy = (2 * column + 1) / width - 1, (2 * row + 1) / height - 1
    ex, ey = x - fx * w, y - fy * w
    area = _cross(ex, ey)
    whole = 1 / area.sum(0)
    share = area[:2] * whole  # u, v
    with torch.no_grad():
        depth = (z * area).sum(0) / (w * area).sum(0)
    values = torch.stack([share[0], share[1], depth, (triangle + 1).to(x)], dim=1)
    raster = _dense(values, pixel, batch, height, width)
    if not derivatives:
        return raster, raster.new_zeros(batch, height, width, 0)
    by_fx, by_fy = _cross(y, w), _cross(w, x)
    by_x = (by_fx[:2] - share * by_fx.sum(0)) * whole * (2 / width)
    by_y = (by_fy[:2] - share * by_fy.sum(0)) * whole * (2 / height)
    changes = torch.stack([by_x[0], by_y[0], by_x[1], by_y[1]], dim=1)
    return raster, _dense(changes, pixel, batch, height, width)


def covered(raster: Tensor) -> Tensor:
    """The flat indices (P,) of the pixels of ``raster`` (B, H, W, 4) that see something."""
    return raster.detach()[..., 3].reshape(-1).nonzero().squeeze(1)


def owners(raster: Tensor, pixel: Tensor) -> Tensor:
    """The triangles (P,) that the pixels at the flat indices ``pixel`` see."""
    return raster.detach()[..., 3].reshape(-1)[pixel].long() - 1


def _cross(a: Tensor, b: Tensor) -> Tensor:
    """Row k: a[k+1] b[k+2] - a[k+2] b[k+1], indices modulo 3."""
    return a.roll(-1, 0) * b.roll(-2, 0) - a.roll(-2, 0) * b.roll(-1, 0)


def _dense(values: Tensor, pixel: Tensor, batch: int, height: int, width: int) -> Tensor:
    empty = values.new_zeros(batch * height * width, values.shape[1])
    return empty.index_copy(0, pixel, values).view(batch, height, width, -1)
