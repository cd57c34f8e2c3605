"""GLB: one binary glTF 2.0 file with everything inside (Khronos, glTF 2.0 specification, 2021).

glTF is y up, in metres, with texture coordinates from the top left and colours in linear light. A mesh whose
z points up is turned, and one far from the origin is moved, by the node: the float32 numbers of the file
keep their digits.
"""

import io
import json
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from techniques.files import written_whole
from techniques.meshes.map_options import laid_out
from techniques.meshes.mesh import Ints, Material, Mesh, Texture
from techniques.meshes.weld import first_seen

__all__ = ["glb_bytes", "write_glb"]

_FLOAT, _UNSIGNED = 5126, 5125
_VERTICES, _INDICES = 34962, 34963  # what a buffer view is for
_REPEAT, _LINEAR, _MIPMAPS = 10497, 9729, 9987
_Z_UP = [-(0.5**0.5), 0.0, 0.0, 0.5**0.5]  # a quaternion: z to y
_PLAIN = Material("surface")


def write_glb(path: Path, mesh: Mesh, *, metres: float = 1.0) -> None:
    """Write ``mesh`` as GLB. ``metres`` is the length of its unit, 0.001 for millimetres.

    Groups become named nodes, materials keep name, colour, opacity and texture. Polygons become triangles,
    which is all that glTF has; wires, and faces without extent, are left out.

    Raises:
        WorkFailedError: the disk is full, or the folder cannot be written.
    """
    data = glb_bytes(mesh, metres=metres)
    with written_whole(path) as draft:
        draft.write_bytes(data)


def glb_bytes(mesh: Mesh, *, metres: float = 1.0) -> bytes:
    """The GLB file of ``mesh``; see ``write_glb``."""
    writer = _Writer(mesh)
    text = json.dumps(writer.document(metres), separators=(",", ":")).encode()
    text += b" " * (-len(text) % 4)
    binary = bytes(writer.binary) + b"\0" * (-len(writer.binary) % 4)
    length = 12 + 8 + len(text) + 8 + len(binary)
    return b"".join(
        [
            struct.pack("<4sII", b"glTF", 2, length),
            struct.pack("<I4s", len(text), b"JSON"),
            text,
            struct.pack("<I4s", len(binary), b"BIN\0"),
            binary,
        ]
    )


class _Writer:
    """The document while it grows, and the bytes that it points into."""

    def __init__(self, mesh: Mesh) -> None:
        self.mesh = mesh
        self.binary = bytearray()
        self.views: list[dict[str, Any]] = []
        self.accessors: list[dict[str, Any]] = []
        self.materials: dict[tuple[int, bool], int] = {}
        self.textures: dict[Texture, int] = {}
        self.parts: dict[str, list[Any]] = {"materials": [], "textures": [], "images": []}
        used = mesh.vertices[mesh.faces.ravel()]
        self.centre = used.min(axis=0) / 2 + used.max(axis=0) / 2

    def document(self, metres: float) -> dict[str, Any]:
        nodes: list[dict[str, Any]] = []
        meshes: list[dict[str, Any]] = []
        for name, primitives in self._by_group():
            nodes.append({"name": name, "mesh": len(meshes)})
            meshes.append({"name": name, "primitives": primitives})
        root: dict[str, Any] = {"name": "deepdesign", "children": list(range(1, len(nodes) + 1))}
        centre = self.centre * metres
        if self.mesh.up == "z":
            root["rotation"] = _Z_UP
            centre = np.array([centre[0], centre[2], -centre[1]])
        root["translation"] = centre.tolist()
        if metres != 1:
            root["scale"] = [metres] * 3
        document = {
            "asset": {"version": "2.0", "generator": "deepdesign"},
            "scene": 0,
            "scenes": [{"nodes": [0]}],
            "nodes": [root, *nodes],
            "meshes": meshes,
            "accessors": self.accessors,
            "bufferViews": self.views,
            "buffers": [{"byteLength": len(self.binary) + -len(self.binary) % 4}],
            **{name: values for name, values in self.parts.items() if values},
        }
        if self.parts["textures"]:
            document["samplers"] = [
                {"magFilter": _LINEAR, "minFilter": _MIPMAPS, "wrapS": _REPEAT, "wrapT": _REPEAT}
            ]
        return document

    def _by_group(self) -> Iterator[tuple[str, list[dict[str, Any]]]]:
        mesh, polygons = self.mesh, self.mesh.polygons
        group, material = polygons.groups[mesh.face_polygons], polygons.materials[mesh.face_polygons]
        has_uvs = (mesh.uv_faces >= 0).all(axis=1)
        lengths = np.append(np.linalg.norm(mesh.normals, axis=1), 0)  # -1, for no normal, finds the 0
        has_normals = (lengths[mesh.normal_faces] > 0).all(axis=1)
        alike = np.stack([material, has_uvs, has_normals], axis=1)
        for one in np.unique(group):
            inside = group == one
            yield (
                _group_name(mesh, int(one)),
                [
                    self._primitive(np.flatnonzero(inside & (alike == each).all(axis=1)), *map(int, each))
                    for each in np.unique(alike[inside], axis=0)
                ],
            )

    def _primitive(self, triangles: Ints, material: int, has_uvs: int, has_normals: int) -> dict[str, Any]:
        """``triangles`` of one ``material``, all of which have texture coordinates and normals, or none."""
        mesh = self.mesh
        columns = [mesh.faces[triangles].ravel()]
        columns += [mesh.uv_faces[triangles].ravel()] if has_uvs else []
        columns += [mesh.normal_faces[triangles].ravel()] if has_normals else []
        corners = np.stack(columns, axis=1)
        index = first_seen(corners)
        rows = np.zeros((int(index.max()) + 1, corners.shape[1]), dtype=np.int64)
        rows[index] = corners
        points = (mesh.vertices[rows[:, 0]] - self.centre).astype(np.float32)
        attributes = {"POSITION": self._accessor(points, "VEC3", bounds=True)}
        if has_normals:
            normals = mesh.normals[rows[:, -1]]
            lengths = np.linalg.norm(normals, axis=1, keepdims=True)
            attributes["NORMAL"] = self._accessor(normals / lengths, "VEC3")
        if has_uvs:
            options = mesh.materials[material].texture_options if material >= 0 else ""
            uvs = laid_out(mesh.uvs[rows[:, 1]], options)
            attributes["TEXCOORD_0"] = self._accessor(uvs * [1, -1] + [0, 1], "VEC2")
        if mesh.colors is not None:
            attributes["COLOR_0"] = self._accessor(_linear(mesh.colors[rows[:, 0]].clip(0, 1)), "VEC3")
        return {
            "attributes": attributes,
            "indices": self._indices(index),
            "material": self._material(material, textured=bool(has_uvs)),
        }

    def _accessor(self, values: np.ndarray, kind: str, *, bounds: bool = False) -> int:
        data = values.astype("<f4")
        accessor = {
            "bufferView": self._view(data.tobytes(), _VERTICES),
            "componentType": _FLOAT,
            "count": len(data),
            "type": kind,
        }
        if bounds:
            accessor |= {"min": data.min(axis=0).tolist(), "max": data.max(axis=0).tolist()}
        self.accessors.append(accessor)
        return len(self.accessors) - 1

    def _indices(self, index: Ints) -> int:
        view = self._view(index.astype("<u4").tobytes(), _INDICES)
        self.accessors.append(
            {"bufferView": view, "componentType": _UNSIGNED, "count": len(index), "type": "SCALAR"}
        )
        return len(self.accessors) - 1

    def _view(self, data: bytes, target: int | None = None) -> int:
        self.binary += b"\0" * (-len(self.binary) % 4)
        view = {"buffer": 0, "byteOffset": len(self.binary), "byteLength": len(data)}
        self.binary += data
        self.views.append(view if target is None else {**view, "target": target})
        return len(self.views) - 1

    def _material(self, number: int, *, textured: bool) -> int:
        """The number of the material in the file: one more without its texture where coordinates lack."""
        material = self.mesh.materials[number] if number >= 0 else _PLAIN
        textured = textured and material.texture is not None
        if (number, textured) not in self.materials:
            self.materials[number, textured] = len(self.parts["materials"])
            color = [*_linear(np.array(material.color)).tolist(), material.opacity]
            surface: dict[str, Any] = {"baseColorFactor": color, "metallicFactor": 0, "roughnessFactor": 1}
            if textured and material.texture:
                surface["baseColorTexture"] = {"index": self._texture(material.texture)}
            described = {"name": material.name, "pbrMetallicRoughness": surface, "doubleSided": True}
            if material.opacity < 1:
                described["alphaMode"] = "BLEND"
            self.parts["materials"].append(described)
        return self.materials[number, textured]

    def _texture(self, texture: Texture) -> int:
        if texture not in self.textures:
            data, kind = _png_or_jpeg(texture.data)
            self.textures[texture] = len(self.parts["textures"])
            self.parts["images"].append(
                {"name": texture.name, "mimeType": kind, "bufferView": self._view(data)}
            )
            self.parts["textures"].append({"source": self.textures[texture], "sampler": 0})
        return self.textures[texture]


def _group_name(mesh: Mesh, group: int) -> str:
    if group < 0:
        return "mesh"
    found = mesh.groups[group]
    return " ".join(filter(None, [found.object, *found.names])) or "mesh"


def _linear(srgb: np.ndarray) -> np.ndarray:
    """Linear light of sRGB values in 0..1 (IEC 61966-2-1)."""
    return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)


def _png_or_jpeg(data: bytes) -> tuple[bytes, str]:
    """``data`` as it is where glTF allows its format, else as PNG."""
    with Image.open(io.BytesIO(data)) as image:
        if image.format == "PNG":
            return data, "image/png"
        if image.format == "JPEG":
            return data, "image/jpeg"
        buffer = io.BytesIO()
        image.convert("RGBA" if image.has_transparency_data else "RGB").save(buffer, "PNG")
        return buffer.getvalue(), "image/png"
