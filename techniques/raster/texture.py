"""Texture lookup: nearest, bilinear, or trilinear over a pyramid of halved textures (mip maps)."""

from typing import Literal

import torch
import torch.nn.functional as F  # noqa: N812 - the name that everybody reads
from torch import Tensor

from techniques.errors import BadInputError
from techniques.raster.rows import distinct_rows, weighted_rows

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
    inside: Tensor | None = None,
) -> Tensor:
    """The colours of ``texels`` at ``uv``.

    ``texels`` (1 or B, h, w, C), whose row 0 is v = 0; ``uv`` (B, H, W, 2); ``uv_changes`` (B, H, W, 4) as
    (du/dX, du/dY, dv/dX, dv/dY): (B, H, W, C). Without a ``filter_mode`` it is trilinear when there are
    ``uv_changes``, else bilinear. Differentiable in all three tensors (but for the steps of "nearest").
    Where ``inside`` (B, H, W), if there is one, is false, nothing is looked up and the colour is 0.
    Williams 1983 is the pyramid's source.

    Raises:
        BadInputError: trilinear was asked for without ``uv_changes``, or a side cannot be halved that often.
    """
    mode = filter_mode or ("linear" if uv_changes is None else "linear-mipmap-linear")
    if mode == "linear-mipmap-linear" and uv_changes is None:
        raise BadInputError("A mip-mapped texture needs the derivatives of its coordinates.")
    shape = uv.shape[:-1]
    points = uv.reshape(-1, 2)
    changes = None if uv_changes is None else uv_changes.reshape(-1, 4)
    view = torch.arange(len(texels), device=uv.device).view(-1, 1, 1).expand(shape).reshape(-1)
    if inside is None:
        return _looked_up(texels, points, changes, view, mode, boundary, max_mip_level).view(*shape, -1)
    # Most pixels of most views see no surface at all: looking them up costs more than the rest together.
    pixel = inside.reshape(-1).nonzero().squeeze(1)
    if changes is not None:
        changes = distinct_rows(changes, pixel)
    found = _looked_up(
        texels, distinct_rows(points, pixel), changes, view[pixel], mode, boundary, max_mip_level
    )
    image = found.new_zeros(len(points), found.shape[1]).index_copy(0, pixel, found)
    return image.view(*shape, -1)


def _looked_up(
    texels: Tensor,
    points: Tensor,
    changes: Tensor | None,
    view: Tensor,
    mode: Filter,
    boundary: Boundary,
    max_mip_level: int | None,
) -> Tensor:
    """The colours (P, C) at ``points`` (P, 2) of the textures ``view`` (P,), where ``changes`` are (P, 4)."""
    if mode != "linear-mipmap-linear" or changes is None:
        flat = _taps(points, view, texels.shape, 0, nearest=mode == "nearest", boundary=boundary)
        return weighted_rows(texels.reshape(-1, texels.shape[3]), *flat)
    levels = pyramid(texels, max_mip_level)
    level = mip_level(changes, texels.shape[2], texels.shape[1]).clamp(0, len(levels) - 1)
    lower = level.detach().floor().clamp(max=max(len(levels) - 2, 0))
    above = (level - lower).unsqueeze(1)
    near = _taps_in(levels, points, view, lower.long(), boundary)
    if len(levels) == 1:
        return weighted_rows(texels.reshape(-1, texels.shape[3]), *near)
    far = _taps_in(levels, points, view, lower.long() + 1, boundary)
    table = torch.cat([each.reshape(-1, each.shape[3]) for each in levels])
    taps = torch.cat([near[0], far[0]], dim=1)
    weights = torch.cat([near[1] * (1 - above), far[1] * above], dim=1)
    return weighted_rows(table, taps, weights)


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
        across = [((x.detach() + 0.5).floor(), torch.ones_like(x))]
        up = [((y.detach() + 0.5).floor(), torch.ones_like(y))]
    else:
        if boundary == "clamp":
            x, y = _clamped(x, width), _clamped(y, height)
        left, low = x.detach().floor(), y.detach().floor()
        across = [(left, 1 - (x - left)), (left + 1, x - left)]
        up = [(low, 1 - (y - low)), (low + 1, y - low)]
    base = first + view * (height * width)
    columns = [_within(place, width, share, boundary) for place, share in across]
    lines = [_within(place, height, share, boundary) for place, share in up]
    taps = [base + (line * width + column) for line, _ in lines for column, _ in columns]
    weights = [high * wide for _, high in lines for _, wide in columns]
    return torch.stack(taps, dim=1), torch.stack(weights, dim=1)


def _within(place: Tensor, size: Tensor | int, share: Tensor, boundary: Boundary) -> tuple[Tensor, Tensor]:
    """Whole numbers ``place`` (P,) as those of texels 0..size - 1, and the shares that these have."""
    if boundary == "zero":
        share = share * ((place >= 0) & (place < size))
    whole = place.long()
    return whole % size if boundary == "wrap" else _clamped(whole, size), share


def _clamped(value: Tensor, size: Tensor | int) -> Tensor:
    if isinstance(size, Tensor):
        return torch.minimum(value.clamp(min=0), (size - 1).to(value))
    return value.clamp(0, size - 1)
