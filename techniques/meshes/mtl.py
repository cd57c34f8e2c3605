"""OBJ material files: colour, opacity and colour texture are understood, the rest is kept as it stood."""

import io
from dataclasses import dataclass, field, replace
from pathlib import Path

from PIL import Image

from techniques.errors import BadInputError
from techniques.meshes.beside import find_beside
from techniques.meshes.limits import LIMITS
from techniques.meshes.map_options import split_options
from techniques.meshes.mesh import Map, Material, Texture
from techniques.pictures import DECODER_ERRORS, PIXEL_LIMIT, READABLE

__all__ = ["Library", "read_library", "read_texture", "text_of"]

_UNPAINTED = "its faces begin from the material's colour"
# What other statements than map_* name a picture, and what pictures end with: no other file is taken along.
_MAPS = {"bump", "disp", "decal", "refl", "norm"}
_SUFFIXES = {
    ".bmp", ".dds", ".exr", ".gif", ".hdr", ".jpeg", ".jpg", ".pic", ".png", ".ppm", ".psd", ".tga", ".tif",
    ".tiff", ".webp",
}  # fmt: skip


@dataclass
class Library:
    """Materials by name, gathered over the material files that a mesh names, and what there is to tell."""

    materials: dict[str, Material] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    textures: dict[Path, Texture] = field(default_factory=dict)
    reasons: dict[Path, str | None] = field(default_factory=dict)
    """Why textures cannot be computed with, of those that were looked at."""


def text_of(data: bytes) -> str:
    """Text in UTF-8, or in Latin-1 where it is not: right in most of Europe, and never an error."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def read_library(path: Path, library: Library) -> None:
    """Add the materials of the file at ``path`` to ``library``; textures are looked for beside it only."""
    if path.stat().st_size > LIMITS.statement_bytes:
        library.notes.append(
            f"{path.name} is larger than a material file can be; its materials are left out."
        )
        return
    text = text_of(path.read_bytes()).replace("\\\n", " ").replace("\\\r\n", " ")
    material: Material | None = None
    for line in text.splitlines():
        keyword, rest = [*line.split(None, 1), "", ""][:2]
        if keyword.lower() == "newmtl":
            if material is not None:
                library.materials.setdefault(material.name, material)
            material = Material(rest.strip())
        elif material is not None and keyword and not keyword.startswith("#"):
            material = _with_statement(material, keyword.lower(), rest.strip(), line.strip(), path, library)
    if material is not None:
        library.materials.setdefault(material.name, material)


def _with_statement(
    material: Material, keyword: str, rest: str, line: str, path: Path, library: Library
) -> Material:
    try:
        if keyword == "kd":
            return replace(material, color=_color(rest))
        if keyword == "d":
            return replace(material, opacity=_share(rest.removeprefix("-halo")))
        if keyword == "tr":
            return replace(material, opacity=1 - _share(rest))
    except (ValueError, IndexError):
        library.notes.append(f"Material {material.name}: '{line}' is not understood; kept as it stands.")
    if keyword == "map_kd":
        options, name = split_options(rest)
        if texture := _texture(name, path.parent, library):
            return replace(material, texture=texture, texture_options=options)
        return replace(material, maps=(*material.maps, Map(line)))
    if keyword in _MAPS or (keyword.startswith("map_") and keyword != "map_aat"):
        return replace(material, maps=(*material.maps, _map(line, rest, path.parent, library)))
    return replace(material, statements=(*material.statements, line))


def _map(line: str, rest: str, folder: Path, library: Library) -> Map:
    """What a ``line`` says whose picture is not computed with: that goes along as it is."""
    options, name = split_options(rest)
    if Path(name).suffix.lower() in _SUFFIXES and (path := _found(name, folder, library, "its line is kept")):
        return Map(" ".join(filter(None, [line.split()[0], options])), _carried(path, library))
    return Map(line)


def _color(text: str) -> tuple[float, float, float]:
    values = [_share(word) for word in text.split()[:3]]
    return (values[0], values[1], values[2]) if len(values) == 3 else (values[0], values[0], values[0])


def _share(text: str) -> float:
    value = float(text.split()[0])
    if value != value:
        raise ValueError("not a number")
    return min(max(value, 0.0), 1.0)


def _texture(name: str, folder: Path, library: Library) -> Texture | None:
    """The texture that is computed with; None, and a note, if that cannot be."""
    path = _found(name, folder, library, _UNPAINTED)
    if path is None:
        return None
    texture = _carried(path, library)
    if path not in library.reasons:
        library.reasons[path] = unusable(texture.data)
    if reason := library.reasons[path]:
        library.notes.append(f"The texture {path.name} {reason}: {_UNPAINTED}.")
        return None
    return texture


def _carried(path: Path, library: Library) -> Texture:
    if path not in library.textures:
        taken = sum(len(texture.data) for texture in library.textures.values())
        _check_room(path, LIMITS.texture_bytes - taken)
        library.textures[path] = Texture(path.name, path.read_bytes())
    return library.textures[path]


def _found(name: str, folder: Path, library: Library, otherwise: str) -> Path | None:
    path = find_beside(folder, name)
    if path is None:
        library.notes.append(f"The texture {name} is not in the mesh's folder: {otherwise}.")
    elif path.name != name.replace("\\", "/").strip():
        library.notes.append(f"The texture {name} was taken from beside the mesh: {path.name}.")
    return path


def read_texture(path: Path, room: int) -> Texture | str:
    """The texture at ``path``, or the sentence that says why it cannot be used. ``room`` is in bytes."""
    _check_room(path, room)
    data = path.read_bytes()
    reason = unusable(data)
    return f"The texture {path.name} {reason}: {_UNPAINTED}." if reason else Texture(path.name, data)


def _check_room(path: Path, room: int) -> None:
    if path.stat().st_size > room:
        raise BadInputError(
            f"{path}: the textures have more than {LIMITS.texture_bytes >> 20} MiB together, the most that "
            "is read. Scale them down first."
        )


def unusable(data: bytes) -> str | None:
    """Why ``data`` is no picture that can be used; None if it is one."""
    try:
        with Image.open(io.BytesIO(data), formats=READABLE) as image:
            if image.width * image.height > PIXEL_LIMIT:
                return f"has more than {PIXEL_LIMIT // 1_000_000} million pixels"
            image.load()  # a header says nothing of a file that was cut short
    except (Image.DecompressionBombError, *DECODER_ERRORS):
        return "is damaged or not a picture that can be read"
    return None
