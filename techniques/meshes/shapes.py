"""Plain shapes, made rather than loaded: samples of known form and free licence."""

import numpy as np

from techniques.meshes.mesh import Mesh

__all__ = ["box", "icosphere"]

_BOX_FACES = ((0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3))


def box(size: tuple[float, float, float] = (2.0, 2.0, 2.0)) -> Mesh:
    """A closed box of 12 triangles about the origin, outside facing outwards. ``size`` in x, y and z."""
    signs = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], dtype=np.float64)
    faces = [triangle for a, b, c, d in _BOX_FACES for triangle in ((a, b, c), (a, c, d))]
    return Mesh.from_triangles(signs * np.array(size) / 2, faces)


def icosphere(subdivisions: int = 3) -> Mesh:
    """A unit sphere of 20 x 4^subdivisions triangles of nearly one size: an icosahedron, edges halved."""
    golden = (1 + 5**0.5) / 2
    corners = [(-1, golden, 0), (1, golden, 0), (-1, -golden, 0), (1, -golden, 0)]
    points = np.array([*corners, *[(z, x, y) for x, y, z in corners], *[(y, z, x) for x, y, z in corners]])
    faces = _nearest_triples(points)
    for _ in range(subdivisions):
        points, faces = _halved(points, faces)
        points = points / np.linalg.norm(points, axis=1, keepdims=True)
    return Mesh.from_triangles(points / np.linalg.norm(points, axis=1, keepdims=True), faces)


def _nearest_triples(points: np.ndarray) -> np.ndarray:
    """The icosahedron's faces: all triples of neighbours, counter-clockwise from outside."""
    near = np.isclose(np.linalg.norm(points[:, None] - points[None], axis=2), 2.0)
    triples = [
        (a, b, c)
        for a in range(12)
        for b in range(a + 1, 12)
        for c in range(b + 1, 12)
        if near[a, b] and near[b, c] and near[a, c]
    ]
    faces = np.array(triples, dtype=np.int64)
    inward = np.linalg.det(points[faces]) < 0
    faces[inward] = faces[inward][:, ::-1]
    return faces


def _halved(points: np.ndarray, faces: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Every triangle as four, through the middles of its edges."""
    sides = np.sort(faces[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2), axis=1)
    edges, which = np.unique(sides, axis=0, return_inverse=True)
    ab, bc, ca = (which.reshape(-1, 3) + len(points)).T
    a, b, c = faces.T
    four = np.stack([a, ab, ca, ab, b, bc, ca, bc, c, ab, bc, ca], axis=1)
    return np.concatenate([points, points[edges].mean(axis=1)]), four.reshape(-1, 3)
