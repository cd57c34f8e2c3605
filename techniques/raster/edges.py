"""The edges of a triangle mesh, each with the corners that lie opposite to it."""

from dataclasses import dataclass

import torch
from torch import Tensor

__all__ = ["EdgeTable", "edge_table"]


@dataclass(frozen=True)
class EdgeTable:
    """Once for each topology. ``ends`` int64 (E, 2), the lower vertex first.

    ``opposite`` (E, 2) holds the third corners of the first two triangles at each edge; a boundary edge has
    -1 as its second. ``more`` (M, 2) holds (edge, third corner) where an edge has further triangles.
    Triangles with the same three corners count once, and triangles with a corner twice not at all.
    """

    ends: Tensor
    opposite: Tensor
    more: Tensor

    def to(self, device: torch.device) -> "EdgeTable":
        """The same table on ``device``."""
        return EdgeTable(self.ends.to(device), self.opposite.to(device), self.more.to(device))


def edge_table(triangles: Tensor) -> EdgeTable:
    """The edges of ``triangles`` (T, 3), whose vertices must be shared: equal corners, equal numbers."""
    corners = triangles.long().sort(dim=1).values
    proper = (corners[:, 0] < corners[:, 1]) & (corners[:, 1] < corners[:, 2])
    a, b, c = corners[proper].unique(dim=0).unbind(1)  # type: ignore[no-untyped-call]
    sides = torch.stack([torch.cat([a, a, b]), torch.cat([b, c, c])], dim=1)
    third = torch.cat([c, b, a])
    distinct = sides.unique(dim=0, return_inverse=True, return_counts=True)  # type: ignore[no-untyped-call]
    ends, edge, counts = distinct
    order = edge.argsort(stable=True)
    edge, third = edge[order], third[order]
    place = torch.arange(len(edge), device=edge.device) - (counts.cumsum(0) - counts)[edge]
    opposite = torch.full((len(ends), 2), -1, dtype=torch.int64, device=edge.device)
    first, second, beyond = place == 0, place == 1, place > 1
    opposite[edge[first], 0] = third[first]
    opposite[edge[second], 1] = third[second]
    return EdgeTable(ends, opposite, torch.stack([edge[beyond], third[beyond]], dim=1))
