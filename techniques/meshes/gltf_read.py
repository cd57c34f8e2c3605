"""glTF 2.0, as .gltf with its files or as one .glb (Khronos, glTF 2.0 specification, 2021)."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from techniques.errors import BadInputError
from techniques.meshes.draft import Draft, counted, no_faces
from techniques.meshes.gltf_data import GltfData
from techniques.meshes.gltf_looks import lie_of, materials_of, srgb
from techniques.meshes.mesh import Floats, Group, Ints
from techniques.meshes.triangles import polygons_of

__all__ = ["read_gltf"]

# Read, or of no weight for form and colour.
_KNOWN = {
    "KHR_mesh_quantization",
    "KHR_materials_unlit",
    "KHR_texture_transform",
    "KHR_lights_punctual",
    "EXT_texture_webp",
}
_DEEPEST = 200
_MALFORMED = (KeyError, IndexError, TypeError, ValueError, AttributeError, OverflowError, struct.error)


def read_gltf(path: Path) -> Draft:
    """The glTF file at ``path``: y up, in metres, the triangles of its scene where the nodes put them.

    Raises:
        BadInputError: it is no glTF 2.0, damaged, needs an extension that is not known, or beyond a limit.
    """
    try:
        data = GltfData(path)
        _check_extensions(path, data.document)
        return _Reader(data).draft()
    except _MALFORMED as error:
        raise BadInputError(
            f"{path} is not glTF 2.0 or is damaged ({type(error).__name__}: {str(error)[:80]}). "
            "Export it again."
        ) from error


def _check_extensions(path: Path, document: dict[str, Any]) -> None:
    unknown = [name for name in document.get("extensionsRequired", []) if name not in _KNOWN]
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
    def __init__(self, data: GltfData) -> None:
        self.data, self.path, self.document = data, data.path, data.document
        self.notes: list[str] = []
        self.groups: dict[Group, int] = {}
        self.seen: set[int] = set()

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
        if primitive.get("targets"):
            self.notes.append("Shape keys are left out: the form is the one at rest.")
        points = self.data.table(attributes["POSITION"])
        corners = (
            self.data.table(primitive["indices"]).ravel().astype(np.int64)
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
        found.uvs.append(self._coordinates(attributes, found.materials[-1], len(points)))
        inverse = np.linalg.pinv(matrix[:3, :3])
        found.normals.append(_unit(self._optional(attributes, "NORMAL", 3, len(points)) @ inverse))
        colors = self.data.table(attributes["COLOR_0"])[:, :3] if "COLOR_0" in attributes else None
        found.colors.append(None if colors is None else srgb(colors))

    def _coordinates(self, attributes: dict[str, Any], material: int, count: int) -> Floats:
        """Where the texture of ``material`` is on each vertex [count, 2], v upwards: the lie is worked in."""
        lie = lie_of(self.data, material)
        name = f"TEXCOORD_{lie.coordinates}"
        if sum(one.startswith("TEXCOORD_") for one in attributes) > 1:
            self.notes.append("Of several sets of texture coordinates the one of the base colour is kept.")
        given = self._optional(attributes, name, 2, count)
        uvs = given @ lie.matrix[:, :2].T + lie.matrix[:, 2]
        if not lie.repeats and (np.nanmin(uvs, initial=0) < -1e-3 or np.nanmax(uvs, initial=0) > 1 + 1e-3):
            self.notes.append("A texture that should end at its edges is repeated beyond them.")
        return uvs * [1, -1] + [0, 1]

    def _optional(self, attributes: dict[str, Any], name: str, width: int, count: int) -> Floats:
        if name not in attributes:
            return np.full((count, width), np.nan)
        values = self.data.table(attributes[name])
        if values.shape != (count, width):
            raise ValueError(f"{name} does not fit the vertices")
        return values

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
        self._tell_left_out()
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
            materials=materials_of(self.data, self.notes),
            groups=tuple(self.groups),
            notes=tuple(dict.fromkeys(self.notes)),
        )

    def _tell_left_out(self) -> None:
        """Note what of the whole file has no place in a mesh."""
        for part, one, many in (
            ("skins", "skeleton", "skeletons"),
            ("animations", "animation", "animations"),
        ):
            if count := len(self.document.get(part, [])):
                self.notes.append(f"{counted(count, one, many)} left out: taken at rest.")
        if (others := len(self.document.get("scenes", [])) - 1) > 0:
            self.notes.append(f"{counted(others, 'further scene', 'further scenes')} left out.")
        if "EXT_mesh_gpu_instancing" in self.document.get("extensionsUsed", []):
            self.notes.append("Copies that EXT_mesh_gpu_instancing describes are left out.")


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
