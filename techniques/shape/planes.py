"""What came flat and what came straight: groups of coplanar faces and chains of collinear edges."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

__all__ = ["Planes", "find_planes", "neighbours"]

_FLAT = np.cos(np.radians(0.5))  # between normals of neighbours that count as one plane
_STRAIGHT = np.cos(np.radians(1.0))


@dataclass(frozen=True)
class Planes:
    """Vertices by group. ``flat`` and ``straight`` are (vertex, group) pairs, int64 (N, 2); a vertex on two
    planes is in both. Groups of three vertices (two on a line) are left out: they are always flat.
    """

    flat: Tensor
    straight: Tensor

    def parts(self) -> Iterator[tuple[Tensor, Tensor, int, int]]:
        """Vertices, their groups, how many groups, and along how many axes a group must have no extent."""
        for pairs, axes in ((self.flat, 1), (self.straight, 2)):
            if len(pairs):
                yield pairs[:, 0], pairs[:, 1], int(pairs[:, 1].max()) + 1, axes

    @property
    def counts(self) -> tuple[int, int]:
        """How many planes, and how many lines."""
        flat, straight = (int(p[:, 1].max()) + 1 if len(p) else 0 for p in (self.flat, self.straight))
        return flat, straight

    def to(self, device: torch.device) -> "Planes":
        """The same groups on ``device``."""
        return Planes(self.flat.to(device), self.straight.to(device))


def neighbours(faces: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Pairs of faces (N, 2) that share an edge which no third face has, and those edges (N, 2)."""
    sides = np.sort(faces[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2), axis=1)
    edges, which, counts = np.unique(sides, axis=0, return_inverse=True, return_counts=True)
    which = which.ravel()
    order = np.argsort(which, kind="stable")
    first = np.concatenate([[0], np.cumsum(counts)[:-1]])
    inner = counts == 2
    pairs = np.stack([order[first[inner]], order[first[inner] + 1]], axis=1) // 3
    return pairs, edges[inner]


def find_planes(vertices: NDArray[np.float64], faces: NDArray[np.int64]) -> Planes:
    """The planes and lines of a mesh as it came: ``vertices`` (V, 3), ``faces`` (F, 3) with shared ones."""
    pairs, edges = neighbours(faces)
    corners = vertices[faces]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    lengths = np.linalg.norm(normals, axis=1, keepdims=True)
    normals = np.divide(normals, lengths, out=np.zeros_like(normals), where=lengths > 0)
    # Either sense counts: SketchUp's back faces make a wall of mixed winding.
    level = np.abs((normals[pairs[:, 0]] * normals[pairs[:, 1]]).sum(1)) > _FLAT
    plane = _joined(len(faces), pairs[level])
    members = np.unique(np.stack([faces.ravel(), np.repeat(plane, 3)], axis=1), axis=0)
    folds = edges[~level]
    return Planes(_numbered(members, 4), _lines(vertices, folds))


def _lines(vertices: NDArray[np.float64], folds: NDArray[np.int64]) -> Tensor:
    """Chains of fold edges that go straight on at each vertex where exactly one of them does."""
    if not len(folds):
        return torch.zeros(0, 2, dtype=torch.int64)
    ends = np.concatenate([folds, folds[:, ::-1]])
    edge = np.concatenate([np.arange(len(folds))] * 2)
    way = vertices[ends[:, 1]] - vertices[ends[:, 0]]
    lengths = np.linalg.norm(way, axis=1, keepdims=True)
    way = np.divide(way, lengths, out=np.zeros_like(way), where=lengths > 0)
    order = np.argsort(ends[:, 0], kind="stable")
    start = ends[order, 0]
    links = []
    # Compare each half edge with the next few that leave the same vertex: creases rarely meet in dozens.
    for gap in range(1, 9):
        same = start[gap:] == start[:-gap]
        a, b = order[:-gap][same], order[gap:][same]
        on = (way[a] * way[b]).sum(1) < -_STRAIGHT
        links.append(np.stack([edge[a[on]], edge[b[on]]], axis=1))
    chain = _joined(len(folds), np.concatenate(links))
    members = np.unique(np.stack([folds.ravel(), np.repeat(chain, 2)], axis=1), axis=0)
    return _numbered(members, 3)


def _numbered(members: NDArray[np.int64], least: int) -> Tensor:
    """(vertex, group) pairs of the groups with at least ``least`` vertices, groups numbered from 0."""
    _, group, counts = np.unique(members[:, 1], return_inverse=True, return_counts=True)
    group = group.ravel()
    kept = counts[group] >= least
    _, dense = np.unique(group[kept], return_inverse=True)
    return torch.from_numpy(np.stack([members[kept, 0], dense.ravel()], axis=1).astype(np.int64))


def _joined(count: int, pairs: NDArray[np.int64]) -> NDArray[np.int64]:
    """The connected component of each of ``count`` things, named by its least member."""
    name = np.arange(count)
    while True:
        low = np.minimum(name[pairs[:, 0]], name[pairs[:, 1]])
        before = name.copy()
        np.minimum.at(name, pairs[:, 0], low)
        np.minimum.at(name, pairs[:, 1], low)
        name = name[name]  # jump to the component's present name
        if np.array_equal(name, before):
            return name
