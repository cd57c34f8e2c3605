"""Texture lookup: nearest, bilinear, or trilinear over a pyramid of halved textures (mip maps)."""

from typing import Literal

import torch
import torch.nn.functional as F  # noqa: N812 - the name that everybody reads
from torch import Tensor

from techniques.errors import BadInputError
from techniques.raster.rows import weighted_rows

__all__ = ["Boundary", "Filter", "mip_level", "pyramid", "texture"]

Filter = Literal["nearest", "linear", "linear-mipmap-linear"]
Boundary = Literal["wrap", "clamp", "zero"]


def texture(
    texels: Tensor,
    uv: Tensor,
    uv_changes: Tensor | None = None,
    *,
    filter_mode: Filter | None = None,
    boundary: Boundary = "wrap",
    max_mip_level: int | None = None,
) -> Tensor:
    """The colours of ``texels`` at ``uv``.

    ``texels`` (1 or B, h, w, C), whose row 0 is v = 0; ``uv`` (B, H, W, 2); ``uv_changes`` (B, H, W, 4) as
    (du/dX, du/dY, dv/dX, dv/dY): (B, H, W, C). Without a ``filter_mode`` it is trilinear when there are
    ``uv_changes``, else bilinear. Differentiable in all three tensors (but for the steps of "nearest").
    Williams 1983 is the pyramid's source.

    Raises:
        BadInputError: trilinear was asked for without ``uv_changes``, or a side cannot be halved that often.
    """
    mode = filter_mode or ("linear" if uv_changes is None else "linear-mipmap-linear")
    if mode == "linear-mipmap-linear" and uv_changes is None:
        raise BadInputError("A mip-mapped texture needs the derivatives of its coordinates.")
    shape = uv.shape[:-1]
    view = torch.zeros(shape, dtype=torch.int64, device=uv.device)
    if len(texels) > 1:
        view = view + torch.arange(len(texels), device=uv.device).view(-1, 1, 1)
    view, points = view.reshape(-1), uv.reshape(-1, 2)
    if mode != "linear-mipmap-linear" or uv_changes is None:
        taps, weights = _taps(points, view, texels.shape, 0, nearest=mode == "nearest", boundary=boundary)
        return weighted_rows(texels.reshape(-1, texels.shape[3]), taps, weights).view(*shape, -1)
    levels = pyramid(texels, max_mip_level)
    level = mip_level(uv_changes.reshape(-1, 4), texels.shape[2], texels.shape[1]).clamp(0, len(levels) - 1)
    lower = level.detach().floor().clamp(max=max(len(levels) - 2, 0))
    above = (level - lower).unsqueeze(1)
    near = _taps_in(levels, points, view, lower.long(), boundary)
    if len(levels) == 1:
        return weighted_rows(texels.reshape(-1, texels.shape[3]), *near).view(*shape, -1)
    far = _taps_in(levels, points, view, lower.long() + 1, boundary)
    table = torch.cat([each.reshape(-1, each.shape[3]) for each in levels])
    taps = torch.cat([near[0], far[0]], dim=1)
    weights = torch.cat([near[1] * (1 - above), far[1] * above], dim=1)
    return weighted_rows(table, taps, weights).view(*shape, -1)


def pyramid(texels: Tensor, max_mip_level: int | None = None) -> list[Tensor]:
    """``texels`` (n, h, w, C) and its halvings by means of 2 x 2 texels, down to one or the level asked.

    Raises:
        BadInputError: a side above 1 becomes odd before the last level.
    """
    levels = [texels]
    while max(levels[-1].shape[1:3]) > 1 and (max_mip_level is None or len(levels) <= max_mip_level):
        height, width = levels[-1].shape[1:3]
        if (height > 1 and height % 2) or (width > 1 and width % 2):
            raise BadInputError(
                f"A texture of {texels.shape[2]} x {texels.shape[1]} cannot be halved {len(levels)} times. "
                "Give it sides that are powers of two, or a lower max_mip_level."
            )
        window = (min(height, 2), min(width, 2))
        levels.append(F.avg_pool2d(levels[-1].permute(0, 3, 1, 2), window).permute(0, 2, 3, 1))
    return levels


def mip_level(changes: Tensor, width: int, height: int) -> Tensor:
    """log2 of how many texels a pixel is long, along the longer axis of its footprint: (P,).

    ``changes`` (P, 4) as (du/dX, du/dY, dv/dX, dv/dY). With J their 2 x 2 matrix in texels, it is half log2
    of the larger eigenvalue of J J^T.
    """
    a, b = changes[:, 0] * width, changes[:, 1] * width
    c, d = changes[:, 2] * height, changes[:, 3] * height
    along, across, mixed = a * a + b * b, c * c + d * d, a * c + b * d
    apart = ((along - across).square() + 4 * mixed.square() + 1e-20).sqrt()
    return 0.5 * (0.5 * (along + across + apart)).clamp(min=1e-12).log2()


def _taps_in(
    levels: list[Tensor], points: Tensor, view: Tensor, level: Tensor, boundary: Boundary
) -> tuple[Tensor, Tensor]:
    """Taps into all levels laid one behind the other, each point in its own ``level`` (P,)."""
    device = points.device
    sizes = torch.tensor([each.shape[1:3] for each in levels], device=device)[level]
    counts = torch.tensor([each.shape[0] * each.shape[1] * each.shape[2] for each in levels], device=device)
    first = (counts.cumsum(0) - counts)[level]
    size = (len(levels[0]), sizes[:, 0], sizes[:, 1])
    return _taps(points, view, size, first, nearest=False, boundary=boundary)


def _taps(
    points: Tensor,
    view: Tensor,
    size: tuple[int, Tensor, Tensor] | torch.Size,
    first: Tensor | int,
    *,
    nearest: bool,
    boundary: Boundary,
) -> tuple[Tensor, Tensor]:
    """Rows of the texel table (P, 4 or 1) and their weights; texel i has its centre at (i + 1/2) / w."""
    height, width = size[1], size[2]
    if boundary == "wrap":
        points = points - points.detach().floor()
    x, y = points[:, 0] * width - 0.5, points[:, 1] * height - 0.5
    if nearest:
        left, low = (x.detach() + 0.5).floor(), (y.detach() + 0.5).floor()
        corners = [(left, low, torch.ones_like(x))]
    else:
        if boundary == "clamp":
            x, y = _clamped(x, width), _clamped(y, height)
        left, low = x.detach().floor(), y.detach().floor()
        right_share, high_share = x - left, y - low
        left_share, low_share = 1 - right_share, 1 - high_share
        corners = [
            (left, low, left_share * low_share),
            (left + 1, low, right_share * low_share),
            (left, low + 1, left_share * high_share),
            (left + 1, low + 1, right_share * high_share),
        ]
    taps, weights = [], []
    for column, row, weight in corners:
        if boundary == "zero":
            inside = (column >= 0) & (column < width) & (row >= 0) & (row < height)
            weight = weight * inside
        across, up = column.long(), row.long()
        across = across % width if boundary == "wrap" else _clamped(across, width)
        up = up % height if boundary == "wrap" else _clamped(up, height)
        taps.append(first + (view * height + up) * width + across)
        weights.append(weight)
    return torch.stack(taps, dim=1), torch.stack(weights, dim=1)


def _clamped(value: Tensor, size: Tensor | int) -> Tensor:
    if isinstance(size, Tensor):
        return torch.minimum(value.clamp(min=0), (size - 1).to(value))
    return value.clamp(0, size - 1)
