"""PLY, text or binary (Turk 1994, and the property names that MeshLab, Blender and scanners write)."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from techniques.errors import BadInputError
from techniques.meshes.beside import find_beside
from techniques.meshes.draft import Draft, counted, too_large
from techniques.meshes.limits import LIMITS
from techniques.meshes.mesh import Floats, Ints, Material, Polygons
from techniques.meshes.mtl import read_texture
from techniques.meshes.triangles import stacked

__all__ = ["read_ply"]

_TYPES = {
    "char": "i1", "int8": "i1", "uchar": "u1", "uint8": "u1", "short": "i2", "int16": "i2", "ushort": "u2",
    "uint16": "u2", "int": "i4", "int32": "i4", "uint": "u4", "uint32": "u4", "float": "f4", "float32": "f4",
    "double": "f8", "float64": "f8",
}  # fmt: skip
_HEADER_LINES = 10_000
_UV_NAMES = (("s", "t"), ("u", "v"), ("texture_u", "texture_v"))
_COLORS = ("red", "green", "blue")
Rows = dict[str, list[np.ndarray] | np.ndarray]


@dataclass
class _Element:
    name: str
    count: int
    properties: list[tuple[str, str, str]]  # name, type, and the type of its length ("" for a single value)


def read_ply(path: Path) -> Draft:
    """The PLY file at ``path``: vertices with normals, UVs and colours, faces of any size, textures.

    Raises:
        BadInputError: it is no PLY file, damaged, cut short, or beyond a limit.
    """
    with path.open("rb") as stream:
        order, elements, textures = _header(path, stream)
        found: dict[str, Rows] = {}
        try:
            for element in elements:
                found[element.name] = (
                    _text(stream, element) if order == "text" else _binary(stream, element, order)
                )
        except (ValueError, IndexError, OverflowError) as error:
            raise BadInputError(
                f"{path} is damaged or cut short: its {element.name} elements end too early or hold no "
                "numbers. Export or upload it again."
            ) from error
    return _draft(path, found, textures)


def _header(path: Path, stream: BinaryIO) -> tuple[str, list[_Element], list[str]]:
    if stream.readline(64).strip() != b"ply":
        raise BadInputError(f"{path} is not a PLY file. Check its suffix, or export it again.")
    order, elements, textures = "", [], []
    for _ in range(_HEADER_LINES):
        line = stream.readline(4096)
        words = line.decode("latin-1").split()
        try:
            if words[:1] == ["end_header"]:
                break
            if words[:1] == ["format"]:
                order = {"ascii": "text", "binary_little_endian": "<", "binary_big_endian": ">"}[words[1]]
            elif words[:2] == ["comment", "TextureFile"]:
                textures.append(line.decode("utf-8", "replace").split(None, 2)[2].strip())
            elif words[:1] == ["element"]:
                elements.append(_Element(words[1], int(words[2]), []))
            elif words[:2] == ["property", "list"]:
                elements[-1].properties.append((words[4], _TYPES[words[3]], _TYPES[words[2]]))
            elif words[:1] == ["property"]:
                elements[-1].properties.append((words[2], _TYPES[words[1]], ""))
        except (KeyError, IndexError, ValueError) as error:
            raise BadInputError(
                f"{path}: the header's line '{' '.join(words)[:60]}' is not PLY. Export the mesh again."
            ) from error
    if not order:
        raise BadInputError(f"{path}: the PLY header names no format. Export the mesh again.")
    for element in elements:
        limit = LIMITS.vertices if element.name == "vertex" else LIMITS.corners
        if not 0 <= element.count <= limit:
            raise too_large(path, f"{element.name} elements", limit)
    return order, elements, textures


def _binary(stream: BinaryIO, element: _Element, order: str) -> Rows:
    if not element.count:
        return {name: [] for name, _, _ in element.properties}
    kinds = [
        (name, order + kind, order + length if length else "") for name, kind, length in element.properties
    ]
    if not any(length for _, _, length in kinds):
        table = np.dtype([(name, kind) for name, kind, _ in kinds])
        rows = np.frombuffer(stream.read(table.itemsize * element.count), dtype=table, count=element.count)
        return {name: rows[name] for name in table.names or ()}
    if (fixed := _all_alike(stream, element, kinds)) is not None:
        return fixed
    found: dict[str, list[np.ndarray]] = {name: [] for name, _, _ in kinds}
    for _ in range(element.count):
        for name, kind, length in kinds:
            count = 1 if not length else int(_values(stream, length, 1)[0])
            found[name].append(_values(stream, kind, count))
    return dict(found)


def _all_alike(stream: BinaryIO, element: _Element, kinds: list[tuple[str, str, str]]) -> Rows | None:
    """All rows at once, where every list is as long as in the first row: most files are all triangles."""
    start = stream.tell()
    fields: list[tuple[str, str] | tuple[str, str, tuple[int]]] = []
    for name, kind, length in kinds:
        count = 1
        if length:
            count = int(_values(stream, length, 1)[0])
            fields.append((f"{name} length", length))
        fields.append((name, kind, (count,)))
        _values(stream, kind, count)
    stream.seek(start)
    table = np.dtype(fields)
    data = stream.read(table.itemsize * element.count)
    if len(data) == table.itemsize * element.count:
        rows = np.frombuffer(data, dtype=table)
        if all(
            (rows[name] == rows[name][:1]).all() for name in table.names or () if name.endswith(" length")
        ):
            return {name: rows[name] for name, _, _ in kinds}
    stream.seek(start)
    return None


def _values(stream: BinaryIO, kind: str, count: int) -> np.ndarray:
    if not 0 <= count <= LIMITS.corners:
        raise ValueError("a list is longer than can be")
    return np.frombuffer(stream.read(np.dtype(kind).itemsize * count), dtype=kind, count=count)


def _text(stream: BinaryIO, element: _Element) -> Rows:
    found: dict[str, list[np.ndarray]] = {name: [] for name, _, _ in element.properties}
    for words in _words(stream, element.count):
        at = 0
        for name, _, length in element.properties:
            count = 1
            if length:
                count, at = int(words[at]), at + 1
            if count < 0 or at + count > len(words):
                raise ValueError("a line is too short")
            found[name].append(np.array(words[at : at + count], dtype=np.float64))
            at += count
    return dict(found)


def _words(stream: BinaryIO, count: int) -> Iterator[list[bytes]]:
    for _ in range(count):
        line = stream.readline(LIMITS.line)
        while line and not line.strip():
            line = stream.readline(LIMITS.line)
        yield line.split()


def _columns(rows: Rows, names: tuple[str, ...]) -> Floats | None:
    if not all(name in rows for name in names):
        return None
    return np.stack([np.asarray(rows[name], dtype=np.float64).reshape(-1) for name in names], axis=1)


def _draft(path: Path, found: dict[str, Rows], textures: list[str]) -> Draft:
    points, faces = found.get("vertex", {}), found.get("face", {})
    vertices = _columns(points, ("x", "y", "z"))
    if vertices is None:
        raise BadInputError(f"{path} has no vertices with x, y and z. Export the mesh again.")
    lists = faces.get("vertex_indices", faces.get("vertex_index", []))
    offsets, corners = stacked([one for one in lists if len(one)])
    none = np.full(len(corners), -1, dtype=np.int64)
    uvs, uv_corners = _uvs(points, faces, offsets, corners)
    normals = _columns(points, ("nx", "ny", "nz"))
    colors = _columns(points, _COLORS)
    if (colors is not None and np.asarray(points[_COLORS[0]]).dtype.kind != "f") or (
        colors is not None and colors.max(initial=0) > 1
    ):
        colors = colors / 255
    materials, notes = _materials(path, textures)
    count = len(offsets) - 1
    polygons = Polygons(
        offsets,
        corners,
        none if uv_corners is None else uv_corners,
        none if normals is None else corners,
        _wearing(faces, lists, len(materials)),
        np.full(count, -1, dtype=np.int64),
        np.zeros(count, dtype=np.int64),
    )
    return Draft(
        path,
        vertices,
        polygons,
        uvs=np.zeros((0, 2)) if uvs is None else uvs,
        normals=np.zeros((0, 3)) if normals is None else normals,
        colors=colors,
        materials=materials,
        notes=(*notes, *_left_out(found)),
    )


def _uvs(points: Rows, faces: Rows, offsets: Ints, corners: Ints) -> tuple[Floats | None, Ints | None]:
    """Texture coordinates of vertices, or of each face's corners as MeshLab has them (``texcoord``)."""
    if "texcoord" in faces:
        flat = np.concatenate(
            [np.asarray(one, dtype=np.float64) for one in faces["texcoord"]] or [np.zeros(0)]
        )
        if len(flat) == 2 * offsets[-1]:
            return flat.reshape(-1, 2), np.arange(len(flat) // 2, dtype=np.int64)
    for names in _UV_NAMES:
        if (uvs := _columns(points, names)) is not None:
            return uvs, corners
    return None, None


def _materials(path: Path, textures: list[str]) -> tuple[tuple[Material, ...], tuple[str, ...]]:
    """A material for each texture, also for one that cannot be read: faces name them by number."""
    materials, notes = [], []
    for number, name in enumerate(textures):
        found = find_beside(path.parent, name)
        missing = f"The texture {name} is not in the mesh's folder."
        read = read_texture(found, LIMITS.texture_bytes) if found else missing
        called = "texture" if len(textures) == 1 else f"texture_{number}"
        if isinstance(read, str):
            notes.append(read)
            materials.append(Material(called))
        else:
            materials.append(Material(called, texture=read))
    return tuple(materials), tuple(notes)


def _wearing(faces: Rows, lists: list[np.ndarray] | np.ndarray, materials: int) -> Ints:
    """The material of each face that has corners, [P]: what ``texnumber`` says, else the first."""
    has_corners = [len(one) > 0 for one in lists]
    none = -1 if not materials else 0
    if materials < 2 or "texnumber" not in faces:
        return np.full(sum(has_corners), none, dtype=np.int64)
    numbers = np.asarray(faces["texnumber"], dtype=np.float64).reshape(-1)[np.array(has_corners, dtype=bool)]
    return np.where((numbers >= 0) & (numbers < materials), numbers, -1).astype(np.int64)


def _left_out(found: dict[str, Rows]) -> list[str]:
    """A line for each part of the file that has no place in a mesh."""
    lines = []
    for name, rows in found.items():
        count = max((len(values) for values in rows.values()), default=0)
        if name not in {"vertex", "face"} and count:
            lines.append(f"{counted(count, f'{name} element', f'{name} elements')} left out.")
    if _COLORS[0] in found.get("face", {}):
        lines.append("Colours of faces are left out; those of vertices are read.")
    return lines
