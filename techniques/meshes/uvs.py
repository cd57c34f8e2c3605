"""Other texture coordinates for a mesh that keeps its polygons wherever they allow it."""

from dataclasses import replace

import numpy as np

from techniques.meshes.mesh import Floats, Ints, Mesh, Polygons
from techniques.meshes.weld import places

__all__ = ["with_uvs"]


def with_uvs(mesh: Mesh, uvs: Floats, uv_faces: Ints) -> tuple[Mesh, int]:
    """``mesh`` with texture coordinates ``uvs`` [T, 2], ``uv_faces`` [F, 3], and how many polygons were cut.

    A polygon whose triangles disagree at a shared corner, because a seam runs through it, cannot stay one
    polygon: it is cut into its triangles. Spare triangles take the coordinates of the one that they repeat.
    """
    torn = _torn(mesh, uv_faces)
    if len(torn):
        mesh = _cut(mesh, torn)
    given = np.full(len(mesh.polygons.vertices), -1, dtype=np.int64)
    given[mesh.spare.ravel()] = _of_spares(mesh, uv_faces).ravel()
    given[mesh.corners.ravel()] = uv_faces.ravel()
    polygons = replace(mesh.polygons, uvs=_all_or_none(mesh.polygons, given))
    return replace(mesh, polygons=polygons, uvs=uvs), len(torn)


def _torn(mesh: Mesh, uv_faces: Ints) -> Ints:
    given = np.full(len(mesh.polygons.vertices), -1, dtype=np.int64)
    given[mesh.corners.ravel()] = uv_faces.ravel()
    return np.unique(mesh.face_polygons[(given[mesh.corners] != uv_faces).any(axis=1)])


def _of_spares(mesh: Mesh, uv_faces: Ints) -> Ints:
    """UV indices [E, 3] of the spare triangles: those of the twin's corner at the same place."""
    place = places(mesh.vertices)
    anywhere = np.full(len(mesh.vertices), -1, dtype=np.int64)
    anywhere[place[mesh.faces.ravel()]] = uv_faces.ravel()
    own = place[mesh.polygons.vertices[mesh.spare]]
    found = anywhere[own]
    twins = np.flatnonzero(mesh.spare_of >= 0)
    of = mesh.spare_of[twins]
    for corner in range(3):
        same = own[twins] == place[mesh.faces[of, corner]][:, None]
        found[twins] = np.where(same, uv_faces[of, corner][:, None], found[twins])
    return found


def _all_or_none(polygons: Polygons, given: Ints) -> Ints:
    """OBJ allows UVs at all corners of a face or at none."""
    lacking = np.add.reduceat(given < 0, polygons.offsets[:-1]) if len(polygons) else np.zeros(0)
    return np.where(np.repeat(lacking > 0, polygons.sizes), -1, given)


def _cut(mesh: Mesh, torn: Ints) -> Mesh:
    """The same mesh with the polygons ``torn`` replaced by their triangles, in the same order."""
    old = mesh.polygons
    triangles = np.concatenate([mesh.corners, mesh.spare])
    owner = np.searchsorted(old.offsets, triangles[:, 0], side="right") - 1
    is_torn = np.zeros(len(old), dtype=bool)
    is_torn[torn] = True
    # New polygons: the whole ones as they were, and the triangles of the torn ones, sorted by old polygon.
    loose = np.flatnonzero(is_torn[owner])
    whole = np.flatnonzero(~is_torn)
    origin = np.concatenate([whole, owner[loose]])
    order = np.argsort(origin, kind="stable")
    sizes = np.concatenate([old.sizes[whole], np.full(len(loose), 3)])[order]
    offsets = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    begins = np.empty(len(order), dtype=np.int64)
    begins[order] = offsets[:-1]
    flat = np.empty(offsets[-1], dtype=np.int64)
    moved = np.zeros(len(old), dtype=np.int64)
    moved[whole] = begins[: len(whole)] - old.offsets[whole]
    stays = np.repeat(~is_torn, old.sizes)
    at = np.arange(len(old.vertices))
    flat[(at + np.repeat(moved, old.sizes))[stays]] = at[stays]
    renamed = triangles + moved[owner][:, None]
    renamed[loose] = begins[len(whole) :, None] + np.arange(3)
    flat[renamed[loose]] = triangles[loose]
    polygons = Polygons(
        offsets,
        old.vertices[flat],
        old.uvs[flat],
        old.normals[flat],
        old.materials[origin[order]],
        old.groups[origin[order]],
        old.smoothing[origin[order]],
    )
    count = len(mesh.corners)
    return replace(mesh, polygons=polygons, corners=renamed[:count], spare=renamed[count:])
