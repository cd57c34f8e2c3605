"""What a mesh's surface is like, and what has been done to it: the figures that every report shows."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from techniques.meshes.mesh import Floats, Ints, Mesh
from techniques.meshes.weld import weld

__all__ = ["Change", "Health", "change_between", "health_of"]


@dataclass(frozen=True)
class Health:
    """Figures of one welded surface.

    ``degenerate`` triangles have no area to speak of (below 1e-12 of the longest edge squared),
    ``boundary`` edges have one triangle, ``nonmanifold`` ones three or more, at ``mixed`` ones the two run
    the same way, so that one of them shows its back. ``euler`` is vertices - edges + faces: 2 for a closed
    surface without holes. ``spare`` faces of the file take no part.
    """

    vertices: int
    triangles: int
    polygons: int
    spare: int
    degenerate: int
    boundary: int
    nonmanifold: int
    mixed: int
    euler: int
    parts: int

    @property
    def closed(self) -> bool:
        """Whether the surface encloses a volume, as printing wants it."""
        return not (self.boundary or self.nonmanifold or self.mixed)

    def described(self) -> dict[str, Any]:
        """As plain data, for the record."""
        return {**asdict(self), "closed": self.closed}


@dataclass(frozen=True)
class Change:
    """What was done to a surface whose triangles are the same before and after.

    ``flipped`` triangles point away from where they pointed; ``stretch`` is the 99th percentile of the factor
    by which edges grew or shrank (1: none did); ``displacement`` the mean and ``farthest`` the largest way
    of a vertex, in the file's units; ``moved`` how many vertices are elsewhere at all.
    """

    flipped: int
    stretch: float
    displacement: float
    farthest: float
    moved: int

    def described(self) -> dict[str, Any]:
        """As plain data, for the record."""
        return asdict(self)


def health_of(mesh: Mesh) -> Health:
    """The figures of ``mesh`` as it is."""
    welded = weld(mesh)
    corners = welded.vertices[welded.faces]
    areas = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1) / 2
    longest = np.linalg.norm(corners - np.roll(corners, 1, axis=1), axis=2).max(axis=1)
    ends, which, counts = _edges(welded.faces)
    sides = welded.faces[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2)
    forward = np.bincount(which, weights=sides[:, 0] < sides[:, 1], minlength=len(ends))
    used = np.unique(welded.faces)
    return Health(
        vertices=len(used),
        triangles=len(mesh.faces),
        polygons=len(mesh.polygons),
        spare=len(mesh.spare),
        degenerate=int((areas <= 1e-12 * longest**2).sum()),
        boundary=int((counts == 1).sum()),
        nonmanifold=int((counts > 2).sum()),
        mixed=int(((counts == 2) & (forward != 1)).sum()),
        euler=len(used) - len(ends) + len(welded.faces),
        parts=_parts(welded.faces, len(welded.vertices)),
    )


def change_between(before: Mesh, after: Mesh) -> Change:
    """What happened between ``before`` and ``after``, which have the same triangles.

    Raises:
        ValueError: they have not.
    """
    if before.faces.shape != after.faces.shape or (before.faces != after.faces).any():
        raise ValueError("the triangles differ")
    old, new = before.vertices, after.vertices
    flipped = ((_normals(old, before.faces) * _normals(new, before.faces)).sum(axis=1) < 0).sum()
    ends, _, _ = _edges(before.faces)
    lengths = [np.linalg.norm(points[ends[:, 0]] - points[ends[:, 1]], axis=1) for points in (old, new)]
    real = (lengths[0] > 0) & (lengths[1] > 0)
    factors = np.exp(np.abs(np.log(lengths[1][real] / lengths[0][real])))
    ways = np.linalg.norm(new - old, axis=1)[np.unique(before.faces)]
    return Change(
        flipped=int(flipped),
        stretch=float(np.percentile(factors, 99)) if len(factors) else 1.0,
        displacement=float(ways.mean()),
        farthest=float(ways.max()),
        moved=int((ways > 0).sum()),
    )


def _normals(vertices: Floats, faces: Ints) -> Floats:
    a, b, c = vertices[faces].transpose(1, 0, 2)
    return np.asarray(np.cross(b - a, c - a))


def _edges(faces: Ints) -> tuple[Ints, Ints, Ints]:
    """Undirected edges [E, 2], the edge of each of 3 F sides, and how many sides each edge has."""
    sides = np.sort(faces[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2), axis=1)
    keys = sides[:, 0] * (int(faces.max()) + 1) + sides[:, 1]
    _, first, which, counts = np.unique(keys, return_index=True, return_inverse=True, return_counts=True)
    return sides[first], which.ravel(), counts


def _parts(faces: Ints, count: int) -> int:
    """Connected parts: each vertex takes the lowest number about it until nothing changes any more."""
    label = np.arange(count)
    while True:
        lowest = label[faces].min(axis=1)
        fresh = label.copy()
        for corner in range(3):
            np.minimum.at(fresh, faces[:, corner], lowest)
        fresh = fresh[fresh]  # jumps along chains of labels
        if (fresh == label).all():
            return len(np.unique(label[np.unique(faces)]))
        label = fresh
