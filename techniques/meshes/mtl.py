"""OBJ material files: colour, opacity and colour texture are understood, the rest is kept as it stood."""

import io
from dataclasses import dataclass, field, replace
from pathlib import Path

from PIL import Image

from techniques.errors import BadInputError
from techniques.meshes.beside import find_beside
from techniques.meshes.limits import LIMITS
from techniques.meshes.mesh import Material, Texture
from techniques.pictures import DECODER_ERRORS, PIXEL_LIMIT, READABLE

__all__ = ["Library", "read_library", "read_texture", "text_of"]

# How many values follow each option of a map_ statement ("*": up to three numbers).
_OPTIONS = {
    "-blendu": 1, "-blendv": 1, "-boost": 1, "-mm": 2, "-o": 3, "-s": 3, "-t": 3, "-texres": 1,
    "-clamp": 1, "-bm": 1, "-imfchan": 1, "-type": 1, "-cc": 1, "-colorspace": 1,
}  # fmt: skip


@dataclass
class Library:
    """Materials by name, gathered over the material files that a mesh names, and what there is to tell."""

    materials: dict[str, Material] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    textures: dict[Path, Texture] = field(default_factory=dict)


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
        options, name = _split_options(rest)
        if texture := _texture(name, path.parent, library):
            return replace(material, texture=texture, texture_options=options)
    return replace(material, statements=(*material.statements, line))


def _color(text: str) -> tuple[float, float, float]:
    values = [_share(word) for word in text.split()[:3]]
    return (values[0], values[1], values[2]) if len(values) == 3 else (values[0], values[0], values[0])


def _share(text: str) -> float:
    value = float(text.split()[0])
    if value != value:
        raise ValueError("not a number")
    return min(max(value, 0.0), 1.0)


def _texture(name: str, folder: Path, library: Library) -> Texture | None:
    path = find_beside(folder, name)
    if path is None:
        library.notes.append(
            f"The texture {name} is not in the mesh's folder: its faces begin from the material's colour."
        )
        return None
    if path not in library.textures:
        taken = sum(len(texture.data) for texture in library.textures.values())
        texture = read_texture(path, LIMITS.texture_bytes - taken)
        if isinstance(texture, str):
            library.notes.append(texture)
            return None
        if path.name != name.replace("\\", "/").strip():
            library.notes.append(f"The texture {name} was taken from beside the mesh: {path.name}.")
        library.textures[path] = texture
    return library.textures[path]


def read_texture(path: Path, room: int) -> Texture | str:
    """The texture at ``path``, or the sentence that says why it cannot be used. ``room`` is in bytes."""
    if path.stat().st_size > room:
        raise BadInputError(
            f"{path}: the textures have more than {LIMITS.texture_bytes >> 20} MiB together, the most that "
            "is read. Scale them down first."
        )
    data = path.read_bytes()
    reason = unusable(data)
    return (
        f"The texture {path.name} {reason}: its faces begin from the material's colour."
        if reason
        else (Texture(path.name, data))
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


def _split_options(text: str) -> tuple[str, str]:
    """The options of a map statement, and the name of its file, which may hold spaces."""
    words = text.split(" ")
    at = 0
    while at < len(words) and words[at].lower() in _OPTIONS:
        following = _OPTIONS[words[at].lower()]
        at += 1
        if following == 3:  # one to three numbers
            taken = 0
            while taken < 3 and at < len(words) - 1 and _is_number(words[at]):
                at, taken = at + 1, taken + 1
        else:
            at += following
    return " ".join(words[:at]), " ".join(words[at:]).strip()


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True
