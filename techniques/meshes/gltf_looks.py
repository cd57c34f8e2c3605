"""What surfaces of a glTF file look like: materials, their base colour textures, and how those lie."""

from dataclasses import dataclass, field, replace
from math import cos, sin
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import numpy as np

from techniques.meshes.beside import find_beside
from techniques.meshes.draft import counted
from techniques.meshes.gltf_data import GltfData, inline
from techniques.meshes.limits import LIMITS
from techniques.meshes.mesh import Floats, Material, Texture
from techniques.meshes.mtl import read_texture, unusable

__all__ = ["Lie", "lie_of", "materials_of", "srgb"]

_REPEAT = 10497


@dataclass(frozen=True)
class Lie:
    """How a texture lies on a surface: by which set of coordinates, and turned, scaled and moved how.

    ``matrix`` [2, 3] acts on glTF's coordinates, whose v points down; it turns them counter-clockwise, as the
    text of KHR_texture_transform and three.js have it (that text's sample code turns the other way).
    ``repeats`` says whether the picture goes on beyond 0..1.
    """

    coordinates: int = 0
    matrix: Floats = field(default_factory=lambda: np.eye(2, 3))
    repeats: bool = True


def lie_of(data: GltfData, material: int) -> Lie:
    """How the base colour texture of ``material`` (-1: none) lies."""
    surface = data.document["materials"][material].get("pbrMetallicRoughness", {}) if material >= 0 else {}
    if "baseColorTexture" not in surface:
        return Lie()
    told = surface["baseColorTexture"]
    moved = told.get("extensions", {}).get("KHR_texture_transform", {})
    (across, down), (x, y) = moved.get("scale", [1, 1]), moved.get("offset", [0, 0])
    turn = float(moved.get("rotation", 0))
    matrix = np.array([[cos(turn) * across, sin(turn) * down, x], [-sin(turn) * across, cos(turn) * down, y]])
    sampler = data.document["textures"][told["index"]].get("sampler")
    found = data.document["samplers"][sampler] if sampler is not None else {}
    repeats = {found.get("wrapS", _REPEAT), found.get("wrapT", _REPEAT)} == {_REPEAT}
    return Lie(int(moved.get("texCoord", told.get("texCoord", 0))), matrix.astype(np.float64), repeats)


def materials_of(data: GltfData, notes: list[str]) -> tuple[Material, ...]:
    """The materials in their order; what of them has no place here is added to ``notes``."""
    found = data.document.get("materials", [])
    if left := sum(_has_more(one) for one in found):
        notes.append(
            f"{counted(left, 'material has', 'materials have')} more than a base colour (roughness, relief, "
            "light of its own): left out."
        )
    materials = [_material(data, number, one, notes) for number, one in enumerate(found)]
    return _told_apart(materials, notes)


def _told_apart(materials: list[Material], notes: list[str]) -> tuple[Material, ...]:
    """``materials`` with names that differ: a glTF file goes by number, an OBJ by name."""
    named: dict[str, Material] = {}
    renamed: list[str] = []
    given = {material.name for material in materials}
    for material in materials:
        name, number = material.name, 1
        while name in named or (name in given and number > 1):
            number += 1
            name = f"{material.name}_{number}"
        named[name] = replace(material, name=name)
        renamed += [name] if number > 1 else []
    if renamed:
        notes.append(
            f"{counted(len(renamed), 'material has', 'materials have')} the name of another one: renamed, as "
            f"{renamed[0]}."
        )
    return tuple(named.values())


def _has_more(material: dict[str, Any]) -> bool:
    surface = material.get("pbrMetallicRoughness", {})
    maps = {"normalTexture", "occlusionTexture", "emissiveTexture"} & material.keys()
    shine = any(name.startswith("KHR_materials_") and name != "KHR_materials_unlit"
                for name in material.get("extensions", {}))  # fmt: skip
    return bool(
        maps or shine or any(material.get("emissiveFactor", ())) or "metallicRoughnessTexture" in surface
    )


def _material(data: GltfData, number: int, found: dict[str, Any], notes: list[str]) -> Material:
    surface = found.get("pbrMetallicRoughness", {})
    red, green, blue, opacity = (float(value) for value in surface.get("baseColorFactor", [1, 1, 1, 1]))
    color = tuple(srgb(np.array([red, green, blue])).tolist())
    texture = None
    if "baseColorTexture" in surface:
        told = data.document["textures"][surface["baseColorTexture"]["index"]]
        other = told.get("extensions", {}).values()  # WebP and KTX2 files are named by an extension
        source = told.get("source", next((one["source"] for one in other if "source" in one), None))
        texture = None if source is None else _texture(data, int(source), notes)
    name = " ".join(str(found.get("name") or f"material_{number}").split())
    return Material(name, (color[0], color[1], color[2]), opacity, texture)


def _texture(data: GltfData, number: int, notes: list[str]) -> Texture | None:
    image = data.document["images"][number]
    if "bufferView" in image:
        content = data.view(image["bufferView"])
    elif str(image["uri"]).startswith("data:"):
        content = inline(image["uri"])
    else:
        found = find_beside(data.path.parent, unquote(image["uri"]))
        missing = f"The texture {image['uri']} is not in the mesh's folder."
        read = read_texture(found, LIMITS.texture_bytes) if found else missing
        if isinstance(read, str):
            notes.append(read)
            return None
        return read
    if reason := unusable(content):
        notes.append(f"Texture {number} {reason}: its faces begin from the material's colour.")
        return None
    suffix = {b"\xff\xd8": ".jpg", b"RI": ".webp"}.get(content[:2], ".png")
    name = Path(str(image.get("name") or f"texture_{number}")).stem
    return Texture("".join(c if c.isalnum() or c in "-_ " else "_" for c in name)[:80] + suffix, content)


def srgb(linear: np.ndarray) -> np.ndarray:
    """SRGB of linear light, both in 0..1 (IEC 61966-2-1)."""
    values = linear.clip(0, 1)
    return np.where(values <= 0.0031308, values * 12.92, 1.055 * values ** (1 / 2.4) - 0.055)
