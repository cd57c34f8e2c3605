"""Wavefront OBJ as architects' programs write it."""

from array import array
from collections.abc import Callable, Iterator
from math import nan
from pathlib import Path

import numpy as np

from techniques.errors import BadInputError
from techniques.meshes.beside import find_beside
from techniques.meshes.draft import Draft, counted, no_faces, too_large
from techniques.meshes.limits import LIMITS
from techniques.meshes.mesh import Group, Ints, Material, Polygons, Wire
from techniques.meshes.mtl import Library, read_library
from techniques.meshes.obj_lines import comment_at, hint, logical_lines, name_in, short

__all__ = ["read_obj"]

# Free-form curves and surfaces, and display hints: nothing that a mesh is made of.
_NOT_MESH = {
    "vp", "deg", "bmat", "step", "cstype", "curv", "curv2", "surf", "parm", "trim", "hole", "scrv", "sp",
    "end", "con", "ctech", "stech", "bsp", "bzp", "cdc", "cdp", "res",
}  # fmt: skip
_MANY = {
    "line of unknown kind": "lines of unknown kind",
    "face without corners": "faces without corners",
    "line or point without its vertices": "lines or points without their vertices",
}
_SILENT = {
    "bevel",
    "c_interp",
    "d_interp",
    "lod",
    "shadow_obj",
    "trace_obj",
    "mg",
    "maplib",
    "usemap",
    "call",
}


def read_obj(path: Path) -> Draft:
    """The OBJ file at ``path``, with the materials and textures that lie in its folder.

    Read: negative and mixed indices, polygons of any size, ``v`` with colours, objects, groups, smoothing,
    several material files, lines and points, continued lines, any line ending and encoding.

    Raises:
        BadInputError: it is no OBJ file, a line holds what cannot be, or it is beyond a limit.
    """
    # Latin-1 takes every byte; names are decoded properly where they are met.
    with path.open(encoding="latin-1", newline=None) as stream:
        reader = _Reader(path)
        for number, line in logical_lines(path, stream):
            reader.take(number, line)
    return reader.draft()


class _Reader:
    """The state of a file while it is read, line by line."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.vertices, self.uvs, self.normals, self.colors = array("d"), array("d"), array("d"), array("d")
        self.corners = array("q"), array("q"), array("q")  # vertex, UV, normal of each
        self.offsets, self.states = array("q", [0]), array("q")
        self.library = Library()
        self.state = (-1, -1, 0)  # material, group, smoothing
        self.known: dict[tuple[int, int, int], int] = {self.state: 0}
        self.current = 0
        self.materials: dict[str, int] = {}
        self.groups: dict[Group, int] = {}
        self.group = Group()
        self.wires: list[Wire] = []
        self.counts: dict[str, int] = {}
        self.understood = False
        self.handlers: dict[str, Callable[[list[str], str], None]] = {
            "v": self._vertex, "vt": self._uv, "vn": self._normal, "f": self._face, "fo": self._face,
            "l": self._wire, "p": self._wire, "o": self._object, "g": self._group, "s": self._smoothing,
            "usemtl": self._material, "mtllib": self._library,
        }  # fmt: skip

    def take(self, number: int, line: str) -> None:
        words = line.split()
        if not words or words[0][0] == "#":
            return
        handler = self.handlers.get(words[0])
        if handler is None:
            self._unknown(words[0])
            return
        try:
            handler(words, line)
        except (ValueError, IndexError, OverflowError) as error:
            raise BadInputError(
                f"{self.path}, line {number}: '{short(line)}' cannot be read{hint(line, error)}. "
                "Export the mesh again, or correct this line."
            ) from error
        self.understood = True

    def _vertex(self, words: list[str], line: str) -> None:  # noqa: ARG002
        if len(words) > 4 and (comment := comment_at(words)):
            words = words[:comment]
        x, y, z = words[1:4]
        self.vertices.extend((float(x), float(y), float(z)))
        if len(words) == 5 and float(words[4]) != 1:
            self._count("vertex weight")
        if len(words) >= 7:  # colours behind the point, and perhaps its weight between
            missing = len(self.vertices) - 3 - len(self.colors)
            self.colors.extend([nan] * missing)
            self.colors.extend(map(float, words[-3:]))
        if len(self.vertices) > 3 * LIMITS.vertices:
            raise too_large(self.path, "vertices", LIMITS.vertices)

    def _uv(self, words: list[str], line: str) -> None:  # noqa: ARG002
        self.uvs.append(float(words[1]))
        self.uvs.append(float(words[2]) if len(words) > 2 and words[2][0] != "#" else 0.0)
        if len(words) > 3 and words[3][0] != "#" and float(words[3]) != 0:
            self._count("third texture coordinate")
        if len(self.uvs) > 2 * LIMITS.corners:
            raise too_large(self.path, "texture coordinates", LIMITS.corners)

    def _normal(self, words: list[str], line: str) -> None:  # noqa: ARG002
        x, y, z = words[1:4]
        self.normals.extend((float(x), float(y), float(z)))
        if len(self.normals) > 3 * LIMITS.corners:
            raise too_large(self.path, "normals", LIMITS.corners)

    def _face(self, words: list[str], line: str) -> None:  # noqa: ARG002
        points, coordinates, directions = self.corners
        for word in words[1:]:
            vertex, _, rest = word.partition("/")
            if vertex[0] == "#":
                break
            uv, _, normal = rest.partition("/")
            points.append(_index(vertex, len(self.vertices) // 3))
            coordinates.append(_index(uv, len(self.uvs) // 2) if uv else -1)
            directions.append(_index(normal, len(self.normals) // 3) if normal else -1)
        if len(points) == self.offsets[-1]:
            self._count("face without corners")
            return
        self.offsets.append(len(points))
        self.states.append(self.current)
        if len(points) > LIMITS.corners:
            raise too_large(self.path, "corners of faces", LIMITS.corners)

    def _wire(self, words: list[str], line: str) -> None:  # noqa: ARG002
        indices = tuple(_index(word.split("/")[0], len(self.vertices) // 3) for word in words[1:])
        if indices and max(indices) < len(self.vertices) // 3:
            self.wires.append(Wire(words[0], indices, self._known_group()))
        else:
            self._count("line or point without its vertices")

    def _object(self, words: list[str], line: str) -> None:
        self.group = Group(name_in(line, words[0]) or None, ())
        self._enter(group=self._known_group())

    def _group(self, words: list[str], line: str) -> None:
        self.group = Group(self.group.object, tuple(name_in(line, words[0]).split()))
        self._enter(group=self._known_group())

    def _smoothing(self, words: list[str], line: str) -> None:  # noqa: ARG002
        value = words[1] if len(words) > 1 else "off"
        self._enter(smoothing=0 if value == "off" else max(int(value), 0) if value != "on" else 1)

    def _material(self, words: list[str], line: str) -> None:
        name = name_in(line, words[0])
        self._enter(material=self.materials.setdefault(name, len(self.materials)) if name else -1)

    def _library(self, words: list[str], line: str) -> None:
        whole = name_in(line, words[0])
        # One name with spaces, or several names: the file that is there decides.
        for name in [whole] if find_beside(self.path.parent, whole) else whole.split():
            found = find_beside(self.path.parent, name)
            if found is None:
                self.library.notes.append(f"The material file {name} is not in the mesh's folder.")
            else:
                read_library(found, self.library)

    def _enter(
        self, *, material: int | None = None, group: int | None = None, smoothing: int | None = None
    ) -> None:
        old = self.state
        self.state = (
            old[0] if material is None else material,
            old[1] if group is None else group,
            old[2] if smoothing is None else smoothing,
        )
        self.current = self.known.setdefault(self.state, len(self.known))

    def _known_group(self) -> int:
        if self.group == Group():
            return -1
        return self.groups.setdefault(self.group, len(self.groups))

    def _unknown(self, word: str) -> None:
        if word in _NOT_MESH:
            self._count("free-form curve or surface statement")
            self.understood = True
        elif word not in _SILENT:
            self._count("line of unknown kind")

    def _count(self, kind: str) -> None:
        self.counts[kind] = self.counts.get(kind, 0) + 1

    def draft(self) -> Draft:
        """What was found, as arrays."""
        if not self.understood:
            raise BadInputError(
                f"{self.path} is not an OBJ file: no line of it is OBJ. Check its suffix, or export it again."
            )
        if not self.states:
            raise no_faces(self.path)
        state = np.array(list(self.known), dtype=np.int64)[np.array(self.states, dtype=np.int64)]
        points, coordinates, directions = (np.array(corners, dtype=np.int64) for corners in self.corners)
        offsets = np.array(self.offsets, dtype=np.int64)
        notes = [
            *dict.fromkeys(self.library.notes),
            *(
                f"{counted(count, kind, _MANY.get(kind, kind + 's'))} left out."
                for kind, count in self.counts.items()
            ),
        ]
        uvs, partial = _all_or_none(coordinates, offsets)
        if partial:
            notes.append(
                f"{counted(partial, 'face has', 'faces have')} texture coordinates at some corners only."
            )
        normals, _ = _all_or_none(directions, offsets)
        return Draft(
            self.path,
            np.array(self.vertices, dtype=np.float64).reshape(-1, 3),
            Polygons(offsets, points, uvs, normals, state[:, 0], state[:, 1], state[:, 2]),
            uvs=np.array(self.uvs, dtype=np.float64).reshape(-1, 2),
            normals=np.array(self.normals, dtype=np.float64).reshape(-1, 3),
            colors=self._vertex_colors(notes),
            materials=tuple(self._materials(notes)),
            groups=tuple(self.groups),
            wires=tuple(self.wires),
            notes=tuple(notes),
        )

    def _materials(self, notes: list[str]) -> Iterator[Material]:
        missing = [name for name in self.materials if name not in self.library.materials]
        if missing:
            notes.append(
                f"{counted(len(missing), 'material is', 'materials are')} used but nowhere described "
                f"({', '.join(missing[:3])}{', ...' if len(missing) > 3 else ''}); white is assumed."
            )
        for name in self.materials:
            yield self.library.materials.get(name) or Material(name)

    def _vertex_colors(self, notes: list[str]) -> np.ndarray | None:
        if not self.colors:
            return None
        colors = np.array(self.colors, dtype=np.float64)
        if np.nanmax(colors, initial=0) > 1:
            colors = colors / 255
            notes.append("Vertex colours go beyond 1: taken as 255ths, and written back as shares.")
        colors = np.concatenate([colors, np.ones(len(self.vertices) - len(colors))])
        return np.where(np.isnan(colors), 1.0, colors).reshape(-1, 3)


def _all_or_none(index: Ints, offsets: Ints) -> tuple[Ints, int]:
    """A face has UVs (or normals) at all corners or at none; and how many faces had them at some."""
    lacking = np.add.reduceat((index < 0).astype(np.int64), offsets[:-1])
    partial = (lacking > 0) & (lacking < np.diff(offsets))
    return np.where(np.repeat(lacking > 0, np.diff(offsets)), -1, index), int(partial.sum())


def _index(word: str, count: int) -> int:
    """The index from 0 that ``word`` means when ``count`` values have been read; negative ones count back."""
    value = int(word)
    if value > 0:
        return value - 1
    if value == 0 or -value > count:
        raise ValueError(f"index {value}: there are {count} so far")
    return count + value
