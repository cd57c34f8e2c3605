"""glTF 2.0, as .gltf with its files or as one .glb (Khronos, glTF 2.0 specification, 2021)."""

import base64
import binascii
import json
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import numpy as np
from numpy.typing import NDArray

from techniques.errors import BadInputError
from techniques.meshes.beside import find_beside
from techniques.meshes.draft import Draft, counted, no_faces, too_large
from techniques.meshes.limits import LIMITS
from techniques.meshes.mesh import Floats, Group, Ints, Material, Texture
from techniques.meshes.mtl import read_texture, unusable
from techniques.meshes.triangles import polygons_of

__all__ = ["read_gltf"]

_KINDS = {5120: "<i1", 5121: "<u1", 5122: "<i2", 5123: "<u2", 5125: "<u4", 5126: "<f4"}
_WIDTHS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4}
# What they change is nothing that is computed with here.
_HARMLESS = {"KHR_mesh_quantization", "KHR_materials_unlit", "KHR_texture_transform", "KHR_lights_punctual"}
_DEEPEST = 200
_MALFORMED = (KeyError, IndexError, TypeError, ValueError, AttributeError, OverflowError, struct.error)


def read_gltf(path: Path) -> Draft:
    """The glTF file at ``path``: y up, in metres, the triangles of its scene where the nodes put them.

    Raises:
        BadInputError: it is no glTF 2.0, damaged, needs an extension that is not known, or beyond a limit.
    """
    try:
        document, binary = _parts(path)
        _check_extensions(path, document)
        return _Reader(path, document, binary).draft()
    except _MALFORMED as error:
        raise BadInputError(
            f"{path} is not glTF 2.0 or is damaged ({type(error).__name__}: {str(error)[:80]}). "
            "Export it again."
        ) from error


def _parts(path: Path) -> tuple[dict[str, Any], bytes]:
    data = path.read_bytes()
    if data[:4] != b"glTF":
        return _json(path, data), b""
    _, version, length = struct.unpack("<4sII", data[:12])
    if version != 2 or length > len(data):
        raise ValueError("another version, or cut short")
    chunks: dict[bytes, bytes] = {}
    at = 12
    while at + 8 <= length:
        size, kind = struct.unpack("<I4s", data[at : at + 8])
        chunks.setdefault(kind, data[at + 8 : at + 8 + size])
        at += 8 + size
    return _json(path, chunks[b"JSON"]), chunks.get(b"BIN\0", b"")


def _json(path: Path, data: bytes) -> dict[str, Any]:
    try:
        document = json.loads(data)
    except RecursionError as error:
        raise ValueError("its JSON is nested too deeply") from error
    if not isinstance(document, dict) or not str(document["asset"]["version"]).startswith("2."):
        raise BadInputError(f"{path} is not glTF 2.0. Export it again, as GLB.")
    return document


def _check_extensions(path: Path, document: dict[str, Any]) -> None:
    unknown = [name for name in document.get("extensionsRequired", []) if name not in _HARMLESS]
    if unknown:
        raise BadInputError(
            f"{path} needs {', '.join(map(str, unknown))}, which is not read. Export it without compression."
        )


@dataclass
class _Found:
    """What the nodes hold, primitive by primitive."""

    points: list[Floats] = field(default_factory=list)
    uvs: list[Floats] = field(default_factory=list)
    normals: list[Floats] = field(default_factory=list)
    colors: list[Floats | None] = field(default_factory=list)
    faces: list[Ints] = field(default_factory=list)
    materials: list[int] = field(default_factory=list)
    groups: list[int] = field(default_factory=list)


class _Reader:
    def __init__(self, path: Path, document: dict[str, Any], binary: bytes) -> None:
        self.path, self.document, self.binary = path, document, binary
        self.buffers: dict[int, bytes] = {}
        self.notes: list[str] = []
        self.groups: dict[Group, int] = {}
        self.seen: set[int] = set()
        self.total = 0

    def draft(self) -> Draft:
        found = _Found()
        for node, matrix in self._nodes():
            if "mesh" in node:
                mesh = self.document["meshes"][node["mesh"]]
                group = Group(str(node.get("name") or mesh.get("name") or "mesh"))
                number = self.groups.setdefault(group, len(self.groups))
                for primitive in mesh["primitives"]:
                    self._primitive(primitive, matrix, number, found)
        if not found.faces:
            raise no_faces(self.path)
        return self._joined(found)

    def _nodes(self) -> Iterator[tuple[dict[str, Any], Floats]]:
        nodes = self.document.get("nodes", [])
        scenes = self.document.get("scenes", [])
        roots = scenes[self.document.get("scene", 0)].get("nodes", []) if scenes else range(len(nodes))
        waiting = [(int(index), np.eye(4), 0) for index in roots]
        while waiting:
            index, outer, depth = waiting.pop(0)
            if index in self.seen or depth > _DEEPEST:
                raise ValueError("its nodes form a loop")
            self.seen.add(index)
            node = nodes[index]
            matrix = outer @ _placed(node)
            yield node, matrix
            waiting += [(int(child), matrix, depth + 1) for child in node.get("children", [])]

    def _primitive(self, primitive: dict[str, Any], matrix: Floats, group: int, found: _Found) -> None:
        mode, attributes = primitive.get("mode", 4), primitive["attributes"]
        if mode not in {4, 5, 6}:
            self.notes.append("Lines or points are left out.")
            return
        points = self._accessor(attributes["POSITION"])
        corners = (
            self._accessor(primitive["indices"]).ravel().astype(np.int64)
            if "indices" in primitive
            else np.arange(len(points))
        )
        if len(corners) and corners.max() >= len(points):
            raise ValueError("a triangle names a vertex that is not there")
        faces = _triangles(corners, mode)
        turned = points @ matrix[:3, :3].T + matrix[:3, 3]
        if np.linalg.det(matrix[:3, :3]) < 0:
            faces = faces[:, ::-1]  # mirrored by its node
        found.points.append(turned)
        found.faces.append(faces)
        found.materials.append(int(primitive.get("material", -1)))
        found.groups.append(group)
        found.uvs.append(self._optional(attributes, "TEXCOORD_0", 2, len(points)) * [1, -1] + [0, 1])
        inverse = np.linalg.pinv(matrix[:3, :3])
        found.normals.append(_unit(self._optional(attributes, "NORMAL", 3, len(points)) @ inverse))
        colors = self._accessor(attributes["COLOR_0"])[:, :3] if "COLOR_0" in attributes else None
        found.colors.append(None if colors is None else _srgb(colors))

    def _optional(self, attributes: dict[str, Any], name: str, width: int, count: int) -> Floats:
        if name not in attributes:
            return np.full((count, width), np.nan)
        values = self._accessor(attributes[name])
        if values.shape != (count, width):
            raise ValueError(f"{name} does not fit the vertices")
        return values

    def _accessor(self, number: int) -> Floats:
        accessor = self.document["accessors"][number]
        kind, width = _KINDS[accessor["componentType"]], _WIDTHS[accessor["type"]]
        count = int(accessor["count"])
        self.total += count
        if count < 0 or self.total > 2 * LIMITS.corners:
            raise too_large(self.path, "values", 2 * LIMITS.corners)
        values = np.zeros((count, width))
        if "bufferView" in accessor:
            values = self._values(accessor["bufferView"], accessor.get("byteOffset", 0), kind, count, width)
        if sparse := accessor.get("sparse"):
            many, where = int(sparse["count"]), sparse["indices"]
            index = self._values(
                where["bufferView"], where.get("byteOffset", 0), _KINDS[where["componentType"]], many, 1
            )
            changed = sparse["values"]
            values = values.copy()
            values[index.ravel().astype(np.int64)] = self._values(
                changed["bufferView"], changed.get("byteOffset", 0), kind, many, width
            )
        if accessor.get("normalized") and kind != "<f4":
            values = np.maximum(values / np.iinfo(np.dtype(kind)).max, -1.0)
        return values

    def _values(self, view: int, offset: int, kind: str, count: int, width: int) -> Floats:
        described = self.document["bufferViews"][view]
        data = self._buffer(int(described["buffer"]))
        start = int(described.get("byteOffset", 0))
        inside = data[start : start + int(described["byteLength"])]
        size = np.dtype(kind).itemsize * width
        stride = int(described.get("byteStride") or size)
        end = offset + stride * (count - 1) + size if count else 0
        if offset < 0 or start < 0 or stride < 0 or end > len(inside):
            raise ValueError("its buffer is too short")
        table: np.ndarray = np.ndarray(
            (count, width), kind, inside, offset, (stride, np.dtype(kind).itemsize)
        )
        return table.astype(np.float64)

    def _buffer(self, number: int) -> bytes:
        if number not in self.buffers:
            uri = self.document["buffers"][number].get("uri")
            self.buffers[number] = self.binary if uri is None else self._resource(uri)
        return self.buffers[number]

    def _resource(self, uri: str) -> bytes:
        if uri.startswith("data:"):
            return _inline(uri)
        found = find_beside(self.path.parent, unquote(uri))
        if found is None:
            raise BadInputError(
                f"{self.path} needs {uri}, which is not in its folder. Upload both, or export as GLB."
            )
        if found.stat().st_size > LIMITS.file_bytes:
            raise too_large(found, "bytes", LIMITS.file_bytes)
        return found.read_bytes()

    def _materials(self) -> tuple[Material, ...]:
        return tuple(
            self._material(number, found) for number, found in enumerate(self.document.get("materials", []))
        )

    def _material(self, number: int, found: dict[str, Any]) -> Material:
        surface = found.get("pbrMetallicRoughness", {})
        red, green, blue, opacity = (float(value) for value in surface.get("baseColorFactor", [1, 1, 1, 1]))
        color = tuple(_srgb(np.array([red, green, blue])).tolist())
        texture = None
        if "baseColorTexture" in surface:
            source = self.document["textures"][surface["baseColorTexture"]["index"]].get("source")
            texture = None if source is None else self._texture(int(source))
        name = " ".join(str(found.get("name") or f"material_{number}").split())
        return Material(name, (color[0], color[1], color[2]), opacity, texture)

    def _texture(self, number: int) -> Texture | None:
        image = self.document["images"][number]
        if "bufferView" in image:
            view = self.document["bufferViews"][image["bufferView"]]
            start = int(view.get("byteOffset", 0))
            data = self._buffer(int(view["buffer"]))[start : start + int(view["byteLength"])]
        elif str(image["uri"]).startswith("data:"):
            data = _inline(image["uri"])
        else:
            found = find_beside(self.path.parent, unquote(image["uri"]))
            missing = f"The texture {image['uri']} is not in the mesh's folder."
            read = read_texture(found, LIMITS.texture_bytes) if found else missing
            if isinstance(read, str):
                self.notes.append(read)
                return None
            return read
        if reason := unusable(data):
            self.notes.append(f"Texture {number} {reason}: its faces begin from the material's colour.")
            return None
        suffix = ".jpg" if data[:2] == b"\xff\xd8" else ".png"
        name = Path(str(image.get("name") or f"texture_{number}")).stem
        return Texture("".join(c if c.isalnum() or c in "-_ " else "_" for c in name)[:80] + suffix, data)

    def _joined(self, found: _Found) -> Draft:
        starts = np.cumsum([0, *(len(points) for points in found.points)])
        faces = np.concatenate([one + start for one, start in zip(found.faces, starts, strict=False)])
        counts = [len(one) for one in found.faces]
        uvs, normals = np.concatenate(found.uvs), np.concatenate(found.normals)
        colors = None
        if any(one is not None for one in found.colors):
            colors = np.concatenate(
                [
                    np.ones((len(points), 3)) if one is None else one
                    for one, points in zip(found.colors, found.points, strict=True)
                ]
            )
        if skins := len(self.document.get("skins", [])):
            self.notes.append(f"{counted(skins, 'skeleton', 'skeletons')} left out: taken at rest.")
        has_uv: NDArray[np.bool_] = np.asarray(np.isfinite(uvs).all(axis=1))
        has_normal: NDArray[np.bool_] = np.asarray(np.isfinite(normals).all(axis=1))
        return Draft(
            self.path,
            np.concatenate(found.points),
            polygons_of(
                faces,
                uvs=np.where(has_uv[faces].all(axis=1)[:, None], faces, -1),
                normals=np.where(has_normal[faces].all(axis=1)[:, None], faces, -1),
                materials=np.repeat(found.materials, counts),
                groups=np.repeat(found.groups, counts),
            ),
            uvs=np.where(has_uv[:, None], uvs, 0.0),
            normals=np.where(has_normal[:, None], normals, 0.0),
            colors=colors,
            materials=self._materials(),
            groups=tuple(self.groups),
            notes=tuple(dict.fromkeys(self.notes)),
        )


def _placed(node: dict[str, Any]) -> Floats:
    """The node's own transform, [4, 4]: its matrix, or scale, then rotation, then translation."""
    if "matrix" in node:
        return np.array(node["matrix"], dtype=np.float64).reshape(4, 4).T
    x, y, z, w = np.array(node.get("rotation", [0, 0, 0, 1]), dtype=np.float64)
    turn = np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
    )
    matrix = np.eye(4)
    matrix[:3, :3] = turn * np.array(node.get("scale", [1, 1, 1]), dtype=np.float64)
    matrix[:3, 3] = node.get("translation", [0, 0, 0])
    return matrix


def _triangles(corners: Ints, mode: int) -> Ints:
    if mode == 4:
        return corners[: len(corners) // 3 * 3].reshape(-1, 3)
    after = np.arange(max(len(corners) - 2, 0))
    if mode == 6:
        return np.stack([corners[after * 0], corners[after + 1], corners[after + 2]], axis=1)
    odd = after % 2  # every other triangle of a strip is listed backwards
    return np.stack([corners[after], corners[after + 1 + odd], corners[after + 2 - odd]], axis=1)


def _unit(vectors: Floats) -> Floats:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(np.divide(vectors, lengths, out=np.full_like(vectors, np.nan), where=lengths > 0))


def _srgb(linear: np.ndarray) -> np.ndarray:
    """SRGB of linear light, both in 0..1 (IEC 61966-2-1)."""
    values = linear.clip(0, 1)
    return np.where(values <= 0.0031308, values * 12.92, 1.055 * values ** (1 / 2.4) - 0.055)


def _inline(uri: str) -> bytes:
    head, _, data = uri.partition(",")
    if not head.endswith(";base64"):
        raise ValueError("a data URI that is not base64")
    try:
        return base64.b64decode(data, validate=True)
    except binascii.Error as error:
        raise ValueError("a data URI that is damaged") from error
