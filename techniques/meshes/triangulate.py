"""Polygons to triangles: concave ones by ear clipping, where a fan would cover what is outside them."""

import mapbox_earcut
import numpy as np
from numpy.typing import NDArray

from techniques.meshes.mesh import Floats, Ints

__all__ = ["triangulate"]


def triangulate(
    vertices: Floats, offsets: Ints, corners: Ints, place: Ints | None = None
) -> tuple[Ints, int]:
    """Triangles of the polygons that ``offsets`` [P + 1] cut out of ``corners`` [C] (vertex indices).

    ``place`` [V] numbers the places of the vertices (left away: each vertex is one). A polygon that is there
    twice, from another corner on or backwards, gets the same triangles both times.

    Returns indices into ``corners``, [F, 3], sorted by polygon and wound as it is, and how many polygons
    cross themselves or enclose nothing, so that they became fans. Polygons of one or two corners give none.
    """
    sizes, begins = np.diff(offsets), offsets[:-1]
    places = corners if place is None else place[corners]
    threes, fours, many = (np.flatnonzero(m) for m in (sizes == 3, sizes == 4, sizes > 4))
    found = [begins[threes, None] + np.arange(3)]
    owners = [threes]
    if len(fours):
        four = begins[fours, None] + np.arange(4)
        found.append(_quads(vertices[corners[four]], places[four].argmin(axis=1), begins[fours]))
        owners.append(np.repeat(fours, 2))
    fans = 0
    for polygon in many:
        inside = slice(begins[polygon], offsets[polygon + 1])
        ring, backwards = _canonical(places[inside])
        triangles = _clipped(vertices[corners[inside]][ring])
        if triangles is None:
            triangles, fans = _fan(len(ring)), fans + 1
        triangles = ring[triangles]
        found.append(begins[polygon] + (triangles[:, ::-1] if backwards else triangles))
        owners.append(np.full(len(triangles), polygon))
    order = np.argsort(np.concatenate(owners), kind="stable")
    return np.concatenate(found)[order].astype(np.int64), fans


def _quads(points: Floats, lowest: Ints, begins: Ints) -> Ints:
    """Two triangles for each quadrilateral ``points`` [n, 4, 3].

    Cut at the corner that points inwards; where none does, at the one whose place has the ``lowest`` number.
    """
    points = points - points[:, :1]
    normal = np.cross(points[:, 2] - points[:, 0], points[:, 3] - points[:, 1])

    def inwards(corner: int) -> NDArray[np.bool_]:
        ahead = points[:, (corner + 1) % 4] - points[:, corner]
        behind = points[:, corner - 1] - points[:, corner]
        return np.asarray((np.cross(ahead, behind) * normal).sum(axis=1) < 0)

    odd = np.where(inwards(0) | inwards(2), False, inwards(1) | inwards(3) | (lowest % 2 == 1))
    even_cut, odd_cut = np.array([[0, 1, 2], [0, 2, 3]]), np.array([[0, 1, 3], [1, 2, 3]])
    cuts = np.where(odd[:, None, None], odd_cut, even_cut)
    return np.asarray((begins[:, None, None] + cuts).reshape(-1, 3))


def _canonical(places: Ints) -> tuple[Ints, bool]:
    """The corners' order that begins at the lowest place and goes on to its lower neighbour."""
    start, count = int(places.argmin()), len(places)
    backwards = bool(places[start - 1] < places[(start + 1) % count])
    steps = np.arange(count)
    return (start - steps if backwards else start + steps) % count, backwards


def _clipped(points: Floats) -> Ints | None:
    """Triangles of one polygon ``points`` [n, 3]; None if ear clipping does not cover it."""
    points = points - points[0]
    # Newell's normal: its length is twice the area, for any planar or nearly planar polygon.
    normal = np.cross(points, np.roll(points, -1, axis=0)).sum(axis=0)
    length = float(np.linalg.norm(normal))
    if not length > 0:
        return None
    helper = np.eye(3)[np.abs(normal).argmin()]
    across = np.cross(helper, normal / length)
    across /= np.linalg.norm(across)
    flat = np.stack([points @ across, points @ np.cross(normal / length, across)], axis=1)
    ends = np.array([len(points)], dtype=np.uint32)
    triangles = mapbox_earcut.triangulate_float64(flat, ends).astype(np.int64).reshape(-1, 3)
    a, b, c = flat[triangles].transpose(1, 0, 2)
    twice = (b[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1]) - (b[:, 1] - a[:, 1]) * (c[:, 0] - a[:, 0])
    triangles[twice < 0] = triangles[twice < 0][:, ::-1]
    # Whole polygons only: what crosses itself comes out of ear clipping with parts missing or doubled.
    return triangles if abs(np.abs(twice).sum() - length) <= 1e-6 * length else None


def _fan(count: int) -> Ints:
    after = np.arange(1, count - 1)
    return np.stack([np.zeros_like(after), after, after + 1], axis=1)
