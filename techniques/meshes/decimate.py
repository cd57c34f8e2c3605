"""Fewer triangles, where someone asks for it: quadric error metrics (Garland and Heckbert 1997)."""

import fast_simplification
import numpy as np

from techniques.errors import BadInputError
from techniques.meshes.mesh import Mesh
from techniques.meshes.weld import weld

__all__ = ["decimated"]


def decimated(mesh: Mesh, faces: int) -> Mesh:
    """About ``faces`` triangles with the form of ``mesh``, which has more.

    Vertices are welded and new ones are put where the form suffers least, so polygons, texture coordinates,
    materials and groups of the file have no place any more. Units, origin and axes stay.

    Raises:
        BadInputError: nothing is left at so few triangles.
    """
    welded = weld(mesh)
    # About the middle, because the library works in float32.
    centre = (welded.vertices.min(axis=0) + welded.vertices.max(axis=0)) / 2
    points, triangles = fast_simplification.simplify(
        (welded.vertices - centre).astype(np.float32), welded.faces.astype(np.int32), target_count=faces
    )
    if not len(triangles):
        raise BadInputError(f"--faces {faces}: nothing is left of the mesh. Give a larger number.")
    return Mesh.from_triangles(points.astype(np.float64) + centre, triangles, up=mesh.up)
