"""Small scenes in clip space, made of numbers alone."""

import math

import torch

from techniques.raster.cameras import Camera
from techniques.raster.project import clip_positions, matrices


def icosphere(subdivisions, dtype=torch.float64):
    """A unit sphere of 20 * 4**subdivisions triangles: (vertices, faces)."""
    g = (1 + 5**0.5) / 2
    points = [(-1, g, 0), (1, g, 0), (-1, -g, 0), (1, -g, 0)]
    points += [(z, x, y) for x, y, z in points[:4]] + [(y, z, x) for x, y, z in points[:4]]
    points = [tuple(c / math.hypot(*p) for c in p) for p in points]
    faces = [
        (a, b, c)
        for a in range(12)
        for b in range(a + 1, 12)
        for c in range(b + 1, 12)
        if all(math.dist(points[i], points[j]) < 1.2 for i, j in ((a, b), (b, c), (a, c)))
    ]
    for _ in range(subdivisions):
        middle = {}

        def half(a, b, points=points, middle=middle):
            key = (min(a, b), max(a, b))
            if key not in middle:
                m = [(p + q) / 2 for p, q in zip(points[a], points[b], strict=True)]
                middle[key] = len(points)
                points.append(tuple(c / math.hypot(*m) for c in m))
            return middle[key]

        faces = [
            f
            for a, b, c in faces
            for ab, bc, ca in [(half(a, b), half(b, c), half(c, a))]
            for f in ((a, ab, ca), (b, bc, ab), (c, ca, bc), (ab, bc, ca))
        ]
    return torch.tensor(points, dtype=dtype), torch.tensor(faces, dtype=torch.int32)


def cube(dtype=torch.float64):
    corners = [(x, y, z) for x in (-0.6, 0.6) for y in (-0.6, 0.6) for z in (-0.6, 0.6)]
    quads = ((0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3))
    faces = [t for a, b, c, d in quads for t in ((a, b, c), (a, c, d))]
    return torch.tensor(corners, dtype=dtype), torch.tensor(faces, dtype=torch.int32)


def seen(vertices, *cameras):
    """Clip positions (B, V, 4) of ``vertices`` through ``cameras``."""
    return clip_positions(vertices, matrices(cameras, vertices))


OBLIQUE = Camera(azimuth=33, elevation=21)
FLAT = Camera(azimuth=200, elevation=-40, projection="orthographic")
