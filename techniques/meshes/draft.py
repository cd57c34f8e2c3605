"""From what a reader found to a mesh that can be computed with; every mending is counted and told."""

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from techniques.errors import BadInputError
from techniques.meshes.limits import LIMITS
from techniques.meshes.mesh import Floats, Group, Ints, Material, Mesh, Polygons, Up, Wire
from techniques.meshes.triangulate import triangulate
from techniques.meshes.weld import first_seen, places

__all__ = ["Draft", "build", "counted", "no_faces", "too_large", "with_notes"]


@dataclass(frozen=True, eq=False)
class Draft:
    """A mesh as its file has it, not yet checked. Field by field as in ``Mesh``."""

    path: Path
    vertices: Floats
    polygons: Polygons
    uvs: Floats = field(default_factory=lambda: np.zeros((0, 2)))
    normals: Floats = field(default_factory=lambda: np.zeros((0, 3)))
    colors: Floats | None = None
    materials: tuple[Material, ...] = ()
    groups: tuple[Group, ...] = ()
    wires: tuple[Wire, ...] = ()
    up: Up = "y"
    notes: tuple[str, ...] = ()


def counted(count: int, one: str, many: str) -> str:
    """``1 face`` or ``2 faces``: the number with the word that goes with it."""
    return f"{count:,} {one if count == 1 else many}"


def no_faces(path: Path) -> BadInputError:
    """What a file without a surface is refused with."""
    return BadInputError(
        f"{path} has no faces: there is no surface to work on. Export it again as a mesh of polygons, "
        "not of curves, NURBS or points."
    )


def too_large(path: Path, what: str, limit: int) -> BadInputError:
    """What a file beyond a limit is refused with."""
    return BadInputError(
        f"{path} has more than {limit:,} {what}, the most that is read. Reduce or split it in your modelling "
        "program first."
    )


def build(draft: Draft) -> Mesh:
    """The mesh of ``draft``: checked, in triangles, with a line in ``repaired`` for each kind of mending.

    Raises:
        BadInputError: an index points nowhere, a vertex is not a number, or no face has any extent.
    """
    path, polygons = draft.path, draft.polygons
    _check_vertices(path, draft.vertices)
    _check_indices(path, polygons, draft)
    notes = list(draft.notes)
    uvs, normals = _finite(draft.uvs), _finite(draft.normals)
    for before, after, name in ((draft.uvs, uvs, "texture coordinate"), (draft.normals, normals, "normal")):
        if after is not before:
            count = int((~np.isfinite(before)).any(axis=1).sum())
            notes.append(f"{counted(count, name, name + 's')} held no number and became 0.")
    if not len(polygons):
        raise no_faces(path)
    place = places(draft.vertices)
    triangles, fans = triangulate(draft.vertices, polygons.offsets, polygons.vertices, place)
    if fans:
        notes.append(
            f"{counted(fans, 'polygon crosses itself', 'polygons cross themselves')} or nearly no area; "
            "cut as a fan."
        )
    kept, spare, spare_of = _sorted_out(place[polygons.vertices[triangles]])
    if not len(kept):
        raise no_faces(path)
    corners = polygons.vertices[triangles[kept]]
    # Nearly always the first few settle it.
    if not _have_area(draft.vertices, corners[:100]) and not _have_area(draft.vertices, corners):
        raise BadInputError(
            f"{path} has faces without area only: all of their corners lie on lines. Check the export's "
            "scale, and whether an axis was lost."
        )
    flat = int((spare_of < 0).sum()) + int((polygons.sizes < 3).sum())
    if flat:
        notes.append(
            f"{counted(flat, 'face has', 'faces have')} no extent (corners at one place): kept in the file, "
            "left out of the computation."
        )
    if doubles := int((spare_of >= 0).sum()):
        notes.append(
            f"{counted(doubles, 'triangle is', 'triangles are')} there twice: kept in the file, used once."
        )
    return Mesh(
        draft.vertices,
        polygons,
        triangles[kept],
        uvs=uvs,
        normals=normals,
        colors=draft.colors,
        materials=draft.materials,
        groups=draft.groups,
        wires=draft.wires,
        spare=triangles[spare],
        spare_of=spare_of,
        up=draft.up,
        repaired=tuple(notes),
    )


def _have_area(vertices: Floats, faces: Ints) -> bool:
    """Whether one of ``faces`` [F, 3] is more than a line, as ``health`` counts it."""
    a, b, c = (vertices[faces[:, k]] for k in range(3))
    doubled = np.linalg.norm(np.cross(b - a, c - a), axis=1)
    longest = np.max([np.square(side).sum(1) for side in (b - a, c - b, a - c)], axis=0)
    return bool((doubled > 2e-12 * longest).any())


def _sorted_out(place: Ints) -> tuple[Ints, Ints, Ints]:
    """Which triangles [F, 3] of places to compute with, which are spare, and what each spare one repeats.

    Spare are those with two corners at one place, and repetitions in either winding. A sliver of three
    places stays: it may be what closes the surface.
    """
    ordered = np.sort(place, axis=1)
    flat = (ordered[:, 0] == ordered[:, 1]) | (ordered[:, 1] == ordered[:, 2])
    number = first_seen(ordered) if len(ordered) else np.zeros(0, dtype=np.int64)
    first = np.full(len(ordered), -1, dtype=np.int64)
    first[number[::-1]] = np.arange(len(ordered))[::-1]
    doubled = ~flat & (first[number] != np.arange(len(ordered)))
    kept, spare = np.flatnonzero(~flat & ~doubled), np.flatnonzero(flat | doubled)
    rank = np.cumsum(~flat & ~doubled) - 1
    return kept, spare, np.where(flat[spare], -1, rank[first[number[spare]]])


def _check_vertices(path: Path, vertices: Floats) -> None:
    bad = np.flatnonzero(~np.isfinite(vertices).all(axis=1))
    if len(bad):
        raise BadInputError(
            f"{path}: vertex {bad[0] + 1} is not a point ({', '.join(map(str, vertices[bad[0]]))})"
            f"{f', and {len(bad) - 1:,} more like it' if len(bad) > 1 else ''}. "
            "Export the mesh again, or mend it in your modelling program."
        )
    if len(vertices) and np.abs(vertices).max() > LIMITS.coordinate:
        raise BadInputError(
            f"{path} has coordinates beyond {LIMITS.coordinate:g}: no unit of length makes sense of them. "
            "Check the export's scale."
        )


def _check_indices(path: Path, polygons: Polygons, draft: Draft) -> None:
    for index, count, name, lowest in (
        (polygons.vertices, len(draft.vertices), "vertex", 0),
        (polygons.uvs, len(draft.uvs), "texture coordinate", -1),
        (polygons.normals, len(draft.normals), "normal", -1),
    ):
        wrong = np.flatnonzero((index < lowest) | (index >= count))
        if len(wrong):
            polygon = int(np.searchsorted(polygons.offsets, wrong[0], side="right"))
            raise BadInputError(
                f"{path}: face {polygon:,} uses {name} {index[wrong[0]] + 1}, but there are {count:,}. "
                "The file is damaged or cut short; export or upload it again."
            )


def _finite(values: Floats) -> Floats:
    good = np.isfinite(values)
    return values if good.all() else np.where(good.all(axis=1, keepdims=True), values, 0.0)


def with_notes(mesh: Mesh, *lines: str) -> Mesh:
    """The same mesh with more ``lines`` in its report of repairs."""
    return replace(mesh, repaired=(*mesh.repaired, *lines))
