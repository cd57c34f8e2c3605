"""Fewer triangles, where someone asks for it: quadric error metrics (Garland and Heckbert 1997)."""

import fast_simplification
import numpy as np

from techniques.errors import BadInputError
from techniques.meshes.draft import with_notes
from techniques.meshes.mesh import Mesh
from techniques.meshes.weld import weld

__all__ = ["decimated", "reduced"]

_MANY = 200_000  # triangles: beyond it a step on a processor takes seconds


def reduced(mesh: Mesh, faces: int | None) -> Mesh:
    """``mesh`` with at most ``faces`` triangles if that is asked for, else as it is, however many it has.

    What it cost, or that many triangles take their time, is a line of its ``repaired``. Raises as
    ``decimated``.
    """
    count = len(mesh.faces)
    if faces is not None and faces < count:
        fewer = decimated(mesh, faces)
        return with_notes(
            fewer,
            *mesh.repaired,
            f"--faces: {count:,} triangles were reduced to {len(fewer.faces):,}; polygons, texture "
            "coordinates, colours and groups of the file are gone.",
        )
    if count > _MANY:
        line = f"{count:,} triangles. Nothing is reduced unless you ask: --faces 100000 would."
        return with_notes(mesh, line)
    return mesh


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
