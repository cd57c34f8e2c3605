"""Topology across seams: vertices at one place are one vertex, whatever indices a file gave them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from techniques.meshes.mesh import Floats, Ints, Mesh

__all__ = ["Welded", "weld"]


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
    # + 0.0 makes -0.0 and 0.0 the same bits; whole rows as one opaque value sort faster.
    rows = np.ascontiguousarray(mesh.vertices + 0.0)
    keys: NDArray[np.void] = rows.view(np.dtype((np.void, rows.dtype.itemsize * 3))).ravel()
    _, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
    # In the order of first appearance: a mesh without doubles keeps its own numbering.
    order = np.argsort(first, kind="stable")
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    index = rank[inverse.ravel()].astype(np.int64)
    return Welded(mesh.vertices[first[order]], index[mesh.faces], index)
