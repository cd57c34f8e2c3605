"""Vertex attributes at pixels."""

from collections.abc import Sequence

import torch
from torch import Tensor

from techniques.raster.barycentrics import covered, owners
from techniques.raster.rows import distinct_rows, weighted_rows

__all__ = ["interpolate"]


def interpolate(
    attributes: Tensor,
    raster: Tensor,
    triangles: Tensor,
    changes: Tensor | None = None,
    differentiate: Sequence[int] = (),
) -> tuple[Tensor, Tensor]:
    """The attributes that each pixel sees, and how the ones in ``differentiate`` change over the image.

    ``attributes`` (V, A) or (B, V, A), ``raster`` and ``changes`` as ``rasterize`` gives them, ``triangles``
    (T, 3) into the attributes (which may be other indices than those of the positions, as for UVs). Gives
    (B, H, W, A), 0 where nothing is seen, and (B, H, W, 2 D) with (dA/dX, dA/dY) for each named attribute.
    """
    batch, height, width = raster.shape[:3]
    pixel = covered(raster)
    corner = triangles.long()[owners(raster, pixel)]
    if attributes.dim() == 3:
        if len(attributes) > 1:
            corner = corner + (pixel // (height * width) * attributes.shape[1]).unsqueeze(1)
        attributes = attributes.reshape(-1, attributes.shape[2])
    share = distinct_rows(raster.reshape(-1, 4), pixel)
    u, v = share[:, 0], share[:, 1]
    values = weighted_rows(attributes, corner, torch.stack([u, v, 1 - u - v], dim=1))
    image = values.new_zeros(batch * height * width, values.shape[1]).index_copy(0, pixel, values)
    image = image.view(batch, height, width, -1)
    if not differentiate or changes is None:
        return image, image.new_zeros(batch, height, width, 0)
    chosen = attributes[:, list(differentiate)]
    du_dx, du_dy, dv_dx, dv_dy = distinct_rows(changes.reshape(-1, 4), pixel).unbind(1)
    by_x = weighted_rows(chosen, corner, torch.stack([du_dx, dv_dx, -du_dx - dv_dx], dim=1))
    by_y = weighted_rows(chosen, corner, torch.stack([du_dy, dv_dy, -du_dy - dv_dy], dim=1))
    both = torch.stack([by_x, by_y], dim=2).flatten(1)
    slopes = both.new_zeros(batch * height * width, both.shape[1]).index_copy(0, pixel, both)
    return image, slopes.view(batch, height, width, -1)
