"""Topology across seams: vertices at one place are one vertex, whatever indices a file gave them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from techniques.meshes.mesh import Floats, Ints, Mesh

__all__ = ["Welded", "places", "weld"]


@dataclass(frozen=True, eq=False)
class Welded:
    """A mesh's surface with one vertex a place.

    ``vertices`` [W, 3] float64 in the file's units; ``faces`` [F, 3] index them, in the order of the mesh's
    triangles; ``index`` [V] says which of them each of the mesh's own vertices is, so that values at welded
    vertices go back with ``values[index]``.
    """

    vertices: Floats
    faces: Ints
    index: Ints


def weld(mesh: Mesh) -> Welded:
    """Weld the vertices of ``mesh`` that lie at exactly the same place.

    SketchUp and Rhino write every face with vertices of its own; without welding each edge would count as
    an outline, and a surface would fall apart when it moves. The mesh itself keeps its vertices.
    """
    index = places(mesh.vertices)
    count = int(index.max()) + 1 if len(index) else 0
    vertices = np.zeros((count, 3))
    vertices[index[::-1]] = mesh.vertices[::-1]
    return Welded(vertices, index[mesh.faces], index)


def places(vertices: Floats) -> Ints:
    """A number for each of ``vertices`` [V, 3], the same for those at exactly the same place.

    Numbers are given in the order of first appearance: where nothing is doubled they are 0 to V - 1.
    """
    return first_seen(vertices + 0.0)  # makes -0.0 and 0.0 the same bits


def first_seen(rows: NDArray[np.generic]) -> Ints:
    """For each of ``rows`` [n, k] the number of its value, counted in the order of first appearance."""
    # Whole rows as one opaque value sort faster than by axis.
    rows = np.ascontiguousarray(rows)
    keys: NDArray[np.void] = rows.view(np.dtype((np.void, rows.dtype.itemsize * rows.shape[1]))).ravel()
    _, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
    rank = np.empty(len(first), dtype=np.int64)
    rank[np.argsort(first, kind="stable")] = np.arange(len(first))
    return rank[inverse.ravel()]
