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
    corners, number = _on_screen(positions.double(), triangles.long(), height, width)
    best = torch.full((batch * height * width,), _EMPTY, dtype=torch.int64, device=positions.device)
    if len(number):
        spans = _spans(corners, height, width)
        view, triangle = number // count, number % count
        for part in _chunks(spans[2]):
            _resolve(best, corners, [s[part] for s in spans], view, triangle, height, width)
    found = torch.where(best == _EMPTY, -1, best & 0xFFFFFFFF)
    return found.view(batch, height, width)


Corners = tuple[Tensor, Tensor, Tensor]
"""x, y and z/w on the screen, each (3 corners, n): operations run over contiguous memory."""


def _on_screen(positions: Tensor, triangles: Tensor, height: int, width: int) -> tuple[Corners, Tensor]:
    """The triangles that can cover a pixel centre, their corners sorted by y, and their numbers (n,)."""
    flat = triangles.T.reshape(-1)
    x, y, z = (
        axis.index_select(1, flat).view(len(axis), 3, -1).transpose(0, 1).reshape(3, -1)
        for axis in to_screen(positions, height, width)
    )
    (left, right), (low, high), (near, far) = _extent(x), _extent(y), _extent(z)
    kept = (
        (left <= width - 1) & (right > 0)
        & (low <= height - 1) & (high > 0)
        & (near <= 1) & (far >= -1)
        & (left.ceil() < right.ceil()) & (low.ceil() < high.ceil())
    )  # fmt: skip
    number = kept.nonzero().squeeze(1)
    corners = [list(axis.index_select(1, number)) for axis in (x, y, z)]
    for k in (0, 1, 0):  # bubbles: corners of one height stay in their order
        swap = corners[1][k] > corners[1][k + 1]
        for axis in corners:
            axis[k : k + 2] = [
                torch.where(swap, axis[k + 1], axis[k]), torch.where(swap, axis[k], axis[k + 1])
            ]  # fmt: skip
    a, b, c = (torch.stack(axis) for axis in corners)
    return (a, b, c), number


def _extent(axis: Tensor) -> tuple[Tensor, Tensor]:
    a, b, c = axis
    return torch.minimum(torch.minimum(a, b), c), torch.maximum(torch.maximum(a, b), c)


def _spans(corners: Corners, height: int, width: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """(triangle, first column, columns, screen row) of each stretch of covered pixel centres."""
    x, y, _ = corners
    first = y[0].ceil().clamp(min=0)
    last = (y[2].ceil() - 1).clamp(max=height - 1)
    index, row = _expanded(first, (last - first + 1).clamp(min=0).long())
    # Each edge from its lower to its upper end, so that both of its triangles compute the same crossing.
    slope = torch.stack([(x[b] - x[a]) / (y[b] - y[a]) for a, b in ((0, 1), (1, 2))]).view(-1)
    upper = row >= y[1][index]  # which of the two short edges the row crosses
    start = torch.where(upper, index + x.shape[1], index)
    short = x.view(-1)[start] + (row - y.view(-1)[start]) * slope[start]
    long = x[0][index] + (row - y[0][index]) * ((x[2] - x[0]) / (y[2] - y[0]))[index]
    left = torch.minimum(short, long).ceil().clamp(min=0)
    right = (torch.maximum(short, long).ceil() - 1).clamp(max=width - 1)
    columns = (right - left + 1).clamp(min=0).long()
    some = columns.nonzero().squeeze(1)
    return index[some], left[some], columns[some], row[some]


def _resolve(
    best: Tensor,
    corners: Corners,
    spans: list[Tensor],
    view: Tensor,
    triangle: Tensor,
    height: int,
    width: int,
) -> None:
    """Lower ``best`` (pixels,) to the keys of the samples in ``spans``."""
    index, left, columns, row = spans
    # z/w is linear on the screen: along a span it takes equal steps.
    x, y, z = corners
    xb, yb, zb, xc, yc, zc = x[1] - x[0], y[1] - y[0], z[1] - z[0], x[2] - x[0], y[2] - y[0], z[2] - z[0]
    area = xb * yc - yb * xc
    along_x, along_y = ((zb * yc - zc * yb) / area)[index], ((zc * xb - zb * xc) / area)[index]
    start = z[0][index] + along_x * (left - x[0][index]) + along_y * (row - y[0][index])
    pixel = (view[index] * height + row.long()) * width + left.long()
    nearest, farthest = (bound[index] for bound in _extent(z))
    span, step = _expanded(torch.zeros_like(columns), columns)
    depth = start[span] + along_x[span] * step
    # A sliver's plane is ill-conditioned, its corners are not.
    depth = depth.clamp(nearest[span], farthest[span])
    key = ((depth + 1) * (0.5 * _DEPTHS)).long() << 32 | triangle[index][span]
    clipped = (depth < -1) | (depth > 1)
    best.scatter_reduce_(0, pixel[span] + step, torch.where(clipped, _EMPTY, key), "amin")


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
