"""A mesh's surface as it is worked on, one vertex a place in the unit frame, and the way back to its file."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from techniques.meshes.frame import Frame
from techniques.meshes.mesh import Mesh
from techniques.meshes.weld import Welded, weld

__all__ = ["UnitSurface", "unit_surface"]


@dataclass(frozen=True, eq=False)
class UnitSurface:
    """The surface of ``mesh``: ``welded``, and its ``vertices`` [W, 3], float32, in the unit ``frame``. Those
    of no face, wherever they lie, are 0.
    """

    mesh: Mesh
    frame: Frame
    welded: Welded
    vertices: NDArray[np.float32]

    def moved(self, vertices: NDArray[np.float32]) -> Mesh:
        """The mesh with every vertex moved as its place has been to ``vertices`` [W, 3], in the file's own
        units, origin and axes.
        """
        there = self.frame.vertices.copy()
        changed = (vertices != self.vertices).any(axis=1)[self.welded.index]
        there[changed] = vertices[self.welded.index[changed]]
        return self.mesh.moved(self.frame.back(there))


def unit_surface(mesh: Mesh) -> UnitSurface:
    """The surface of ``mesh`` in the unit frame."""
    frame, welded = mesh.normalised(), weld(mesh)
    vertices = np.zeros((len(welded.vertices), 3), dtype=np.float32)
    vertices[welded.index] = frame.vertices
    vertices[np.setdiff1d(np.arange(len(vertices)), welded.faces)] = 0
    return UnitSurface(mesh, frame, welded, vertices)
