"""Polygons of formats that have triangles only."""

import numpy as np

from techniques.meshes.mesh import Ints, Polygons

__all__ = ["polygons_of", "stacked"]


def polygons_of(
    faces: Ints,
    *,
    uvs: Ints | None = None,
    normals: Ints | None = None,
    materials: Ints | None = None,
    groups: Ints | None = None,
) -> Polygons:
    """Each of ``faces`` [F, 3] as a polygon; ``uvs``, ``normals`` [F, 3], ``materials``, ``groups`` [F]."""
    count = len(faces)

    def flat(index: Ints | None, length: int) -> Ints:
        return np.full(length, -1, dtype=np.int64) if index is None else index.ravel().astype(np.int64)

    return Polygons(
        offsets=np.arange(0, 3 * count + 1, 3, dtype=np.int64),
        vertices=faces.ravel().astype(np.int64),
        uvs=flat(uvs, 3 * count),
        normals=flat(normals, 3 * count),
        materials=flat(materials, count),
        groups=flat(groups, count),
        smoothing=np.zeros(count, dtype=np.int64),
    )


def stacked(lists: list[Ints]) -> tuple[Ints, Ints]:
    """Offsets [P + 1] and flat corners [C] of polygons given one by one."""
    sizes = [len(one) for one in lists]
    offsets = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    return offsets, np.concatenate(lists).astype(np.int64) if lists else np.zeros(0, dtype=np.int64)
