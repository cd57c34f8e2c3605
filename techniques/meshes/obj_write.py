"""Wavefront OBJ with its MTL and textures: what was read is written back, to the last bit of a coordinate."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from techniques.files import write_text, written_whole
from techniques.meshes.mesh import Group, Material, Mesh, Texture

__all__ = ["Written", "write_obj"]


@dataclass(frozen=True)
class Written:
    """The files that were written of one mesh: the mesh itself, and what it needs beside it."""

    mesh: Path
    beside: tuple[Path, ...] = ()


def write_obj(path: Path, mesh: Mesh, *, replacing: Collection[Path] = ()) -> Written:
    """Write ``mesh`` as OBJ, with ``NAME.mtl`` and the textures beside it where it has materials.

    Vertices, texture coordinates, normals, faces and their corners keep their numbers and their order,
    quads stay quads, and coordinates read back as the same float64. A texture that lies in the folder already
    is referred to and not written; if another file there has its name it gets the mesh's name in front. Files
    in ``replacing`` are written over.

    Raises:
        WorkFailedError: the disk is full, or the folder cannot be written.
    """
    library = path.with_suffix(".mtl")
    beside: list[Path] = []
    if mesh.materials:
        names: dict[Texture, str] = {}
        for texture in _textures(mesh.materials):
            names[texture] = _free_name(path, texture, set(names.values()), replacing)
            target = path.parent / names[texture]
            if target in replacing or not target.exists():
                with written_whole(target) as draft:
                    draft.write_bytes(texture.data)
                beside.append(target)
        write_text(library, "".join(f"{line}\n" for line in _library(mesh.materials, names)))
        beside.insert(0, library)
    with written_whole(path) as draft, draft.open("w", encoding="utf-8", newline="\n") as stream:
        stream.writelines(f"{line}\n" for line in _lines(mesh, library.name))
    return Written(path, tuple(beside))


def _textures(materials: tuple[Material, ...]) -> dict[Texture, None]:
    """Every texture once, in their order."""
    used = [texture for one in materials for texture in (one.texture, *(each.texture for each in one.maps))]
    return dict.fromkeys(texture for texture in used if texture)


def _free_name(path: Path, texture: Texture, taken: set[str], replacing: Collection[Path]) -> str:
    """The name for ``texture`` beside ``path``: free, to be written over, or of a file with its bytes."""
    name, number = texture.name, 1
    while name in taken or not (path.parent / name in replacing or _free(path.parent / name, texture.data)):
        number += 1
        name = f"{path.stem}_{texture.name}" if number == 2 else f"{path.stem}_{number}_{texture.name}"
    return name


def _free(path: Path, data: bytes) -> bool:
    if not path.exists():
        return True
    return path.is_file() and path.stat().st_size == len(data) and path.read_bytes() == data


def _library(materials: tuple[Material, ...], names: dict[Texture, str]) -> Iterator[str]:
    yield "# deepdesign"
    for material in materials:
        yield f"newmtl {material.name}"
        yield f"Kd {' '.join(map(repr, material.color))}"
        if material.opacity != 1:
            yield f"d {material.opacity!r}"
        yield from material.statements
        for each in material.maps:
            yield f"{each.statement} {names[each.texture]}" if each.texture else each.statement
        if material.texture:
            yield " ".join(filter(None, ["map_Kd", material.texture_options, names[material.texture]]))


def _lines(mesh: Mesh, library: str) -> Iterator[str]:
    yield "# deepdesign"
    if mesh.materials:
        yield f"mtllib {library}"
    points = mesh.vertices if mesh.colors is None else np.hstack([mesh.vertices, mesh.colors])
    for keyword, values in (("v", points), ("vt", mesh.uvs), ("vn", mesh.normals)):
        for row in values.tolist():
            yield f"{keyword} {' '.join(map(repr, row))}"
    yield from _faces(mesh)
    yield from _wires(mesh)


def _faces(mesh: Mesh) -> Iterator[str]:
    polygons = mesh.polygons
    words = _corner_words(polygons.vertices.tolist(), polygons.uvs.tolist(), polygons.normals.tolist())
    offsets = polygons.offsets.tolist()
    states = np.stack([polygons.groups, polygons.materials, polygons.smoothing], axis=1).tolist()
    group, material, smoothing = -1, -1, 0
    for at, (own_group, own_material, own_smoothing) in enumerate(states):
        if own_group != group:
            yield from _entered(mesh, group, own_group)
            group = own_group
        if own_material != material:
            material = own_material
            yield f"usemtl {mesh.materials[material].name}" if material >= 0 else "usemtl"
        if own_smoothing != smoothing:
            smoothing = own_smoothing
            yield f"s {smoothing or 'off'}"
        yield f"f {' '.join(words[offsets[at] : offsets[at + 1]])}"


def _corner_words(vertices: list[int], uvs: list[int], normals: list[int]) -> list[str]:
    return [
        f"{v + 1}/{t + 1}/{n + 1}"
        if t >= 0 and n >= 0
        else f"{v + 1}/{t + 1}"
        if t >= 0
        else f"{v + 1}//{n + 1}"
        if n >= 0
        else str(v + 1)
        for v, t, n in zip(vertices, uvs, normals, strict=True)
    ]


def _entered(mesh: Mesh, before: int, now: int) -> Iterator[str]:
    old = mesh.groups[before] if before >= 0 else Group()
    new = mesh.groups[now] if now >= 0 else Group()
    if new.object != old.object:
        yield f"o {new.object or ''}".rstrip()
        old = Group(new.object)  # entering an object leaves the groups
    if new.names != old.names:
        yield f"g {' '.join(new.names)}".rstrip()


def _wires(mesh: Mesh) -> Iterator[str]:
    group = int(mesh.polygons.groups[-1]) if len(mesh.polygons) else -1
    for wire in mesh.wires:
        if wire.group != group:
            yield from _entered(mesh, group, wire.group)
            group = wire.group
        yield f"{wire.kind} {' '.join(str(vertex + 1) for vertex in wire.vertices)}"
