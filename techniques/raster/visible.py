"""Which triangle is seen at each pixel centre: the one step of the rasteriser that is not differentiable.

Scan conversion without loops: triangles are expanded to (triangle, row) pairs, those to (triangle, row,
column) samples, and one minimum over 64-bit keys of depth and number decides. The work grows with the number
of covered samples, so that slivers cost no bounding boxes.
"""

from itertools import pairwise

import torch
from torch import Tensor

from techniques.raster.screen import to_screen

__all__ = ["visible"]

_CHUNK = 4_000_000  # samples at a time: 0.3 GB of temporaries
_EMPTY = torch.iinfo(torch.int64).max
_DEPTHS = 2**31 - 1


@torch.no_grad()
def visible(positions: Tensor, triangles: Tensor, height: int, width: int) -> Tensor:
    """The nearest triangle at each pixel centre.

    ``positions`` (B, V, 4) in clip space with w > 0, ``triangles`` (T, 3): int64 (B, height, width), -1
    where there is none. Two triangles with a common edge cover each pixel centre near it exactly once: both
    compute its crossings from the same two corners in the same order. Samples with z/w outside -1..1 are
    clipped, as OpenGL does; of two at one depth the lower number wins.
    """
    batch, count = len(positions), len(triangles)
    screen = torch.stack(to_screen(positions.double(), height, width), dim=-1)  # (B, V, 3)
    corners = screen[:, triangles.long()].reshape(batch * count, 3, 3)
    corners, number = _on_screen(corners, height, width)
    best = torch.full((batch * height * width,), _EMPTY, dtype=torch.int64, device=positions.device)
    if len(corners):
        spans = _spans(corners, height, width)
        view, triangle = number // count, number % count
        for part in _chunks(spans[2]):
            _resolve(best, corners, [s[part] for s in spans], view, triangle, height, width)
    found = torch.where(best == _EMPTY, -1, best & 0xFFFFFFFF)
    return found.view(batch, height, width)


def _on_screen(corners: Tensor, height: int, width: int) -> tuple[Tensor, Tensor]:
    """The triangles (n, 3 corners sorted by y, xyz) that can cover a pixel centre, and their numbers."""
    low, high = corners.amin(1), corners.amax(1)
    kept = (
        (low[:, 0] <= width - 1) & (high[:, 0] > 0)
        & (low[:, 1] <= height - 1) & (high[:, 1] > 0)
        & (low[:, 2] <= 1) & (high[:, 2] >= -1)
        & (low[:, :2].ceil() < high[:, :2].ceil()).all(1)
    )  # fmt: skip
    number = kept.nonzero().squeeze(1)
    corners = corners[number]
    order = corners[:, :, 1].argsort(dim=1, stable=True)
    return corners.gather(1, order.unsqueeze(2).expand(-1, -1, 3)), number


def _spans(corners: Tensor, height: int, width: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """(row of ``corners``, first column, columns, screen row) of each stretch of covered pixel centres."""
    x, y = corners[..., 0], corners[..., 1]
    first = y[:, 0].ceil().clamp(min=0)
    last = (y[:, 2].ceil() - 1).clamp(max=height - 1)
    index, row = _expanded(first, (last - first + 1).clamp(min=0).long())
    # Each edge from its lower to its upper end, so that both of its triangles compute the same crossing.
    slope = torch.stack(
        [(x[:, b] - x[:, a]) / (y[:, b] - y[:, a]) for a, b in ((0, 1), (1, 2), (0, 2))], dim=1
    )
    upper = (row >= y[index, 1]).long()  # which of the two short edges the row crosses
    short = x[index, upper] + (row - y[index, upper]) * slope[index, upper]
    long = x[index, 0] + (row - y[index, 0]) * slope[index, 2]
    left = torch.minimum(short, long).ceil().clamp(min=0)
    right = (torch.maximum(short, long).ceil() - 1).clamp(max=width - 1)
    columns = (right - left + 1).clamp(min=0).long()
    some = columns.nonzero().squeeze(1)
    return index[some], left[some], columns[some], row[some]


def _resolve(
    best: Tensor,
    corners: Tensor,
    spans: list[Tensor],
    view: Tensor,
    triangle: Tensor,
    height: int,
    width: int,
) -> None:
    """Lower ``best`` (pixels,) to the keys of the samples in ``spans``."""
    index, left, columns, row = spans
    # z/w is linear on the screen: along a span it takes equal steps.
    origin, to_b, to_c = corners[:, 0], corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    area = to_b[:, 0] * to_c[:, 1] - to_b[:, 1] * to_c[:, 0]
    along_x = (to_b[:, 2] * to_c[:, 1] - to_c[:, 2] * to_b[:, 1]) / area
    along_y = (to_c[:, 2] * to_b[:, 0] - to_b[:, 2] * to_c[:, 0]) / area
    begin = origin[index]
    start = begin[:, 2] + along_x[index] * (left - begin[:, 0]) + along_y[index] * (row - begin[:, 1])
    span, column = _expanded(left, columns)
    owner = index[span]
    depth = start[span] + along_x[owner] * (column - left[span])
    # A sliver's plane is ill-conditioned, its corners are not.
    depth = depth.clamp(corners[:, :, 2].amin(1)[owner], corners[:, :, 2].amax(1)[owner])
    key = ((depth + 1) * (0.5 * _DEPTHS)).long() << 32 | triangle[owner]
    pixel = (view[owner] * height + row[span].long()) * width + column.long()
    clipped = (depth < -1) | (depth > 1)
    best.scatter_reduce_(0, pixel, torch.where(clipped, _EMPTY, key), "amin")


def _expanded(first: Tensor, counts: Tensor) -> tuple[Tensor, Tensor]:
    """For each i: i repeated ``counts[i]`` times, and first[i], first[i] + 1, ..."""
    index = torch.repeat_interleave(counts)
    starts = counts.cumsum(0) - counts
    offset = torch.arange(len(index), device=first.device) - starts[index]
    return index, first[index] + offset


def _chunks(counts: Tensor) -> list[slice]:
    """Slices of ``counts`` whose sums are at most about ``_CHUNK``."""
    ends = counts.cumsum(0)
    total = int(ends[-1]) if len(ends) else 0
    steps = torch.arange(1, total // _CHUNK + 1, device=counts.device) * _CHUNK
    cuts = torch.searchsorted(ends, steps, right=True)
    bounds = [0, *sorted(set(cuts.tolist())), len(counts)]
    return [slice(a, b) for a, b in pairwise(bounds) if b > a]
