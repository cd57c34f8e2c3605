"""Meshes from files: the suffix names the format, the content is what counts."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from techniques.errors import BadInputError
from techniques.meshes.draft import Draft, build, too_large
from techniques.meshes.gltf_read import read_gltf
from techniques.meshes.limits import LIMITS
from techniques.meshes.mesh import Mesh, Up
from techniques.meshes.obj_read import read_obj
from techniques.meshes.ply_read import read_ply
from techniques.meshes.stl_read import read_stl

__all__ = ["READERS", "read_mesh"]

READERS: dict[str, Callable[[Path], Draft]] = {
    ".obj": read_obj,
    ".glb": read_gltf,
    ".gltf": read_gltf,
    ".ply": read_ply,
    ".stl": read_stl,
}


def read_mesh(path: Path, *, up: Up | None = None) -> Mesh:
    """The mesh at ``path``. ``up`` says which axis points upwards; None: what the format says, else y.

    Files that the mesh names are taken from its own folder only. What was mended is in ``mesh.repaired``.

    Raises:
        BadInputError: there is no such file, it cannot be read, has no faces or holds points that are not
            numbers, or is beyond a limit (``techniques.meshes.limits``).
    """
    _check_file(path)
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        raise BadInputError(
            f"{path}: meshes are read from {', '.join(READERS)} files. Export it as one of these first."
        )
    try:
        draft = reader(path)
    except OSError as error:
        raise BadInputError(f"{path} cannot be read: {error.strerror or error}. Check its mode.") from error
    mesh = build(draft)
    if up is None or up == mesh.up:
        return mesh
    return replace(mesh, up=up)


def _check_file(path: Path) -> None:
    try:
        if not path.exists():
            raise BadInputError(
                f"{path} does not exist. Check the spelling, and put quotes round a path with spaces."
            )
        if not path.is_file():
            raise BadInputError(f"{path} is not an ordinary file. Name a mesh file.")
        size = path.stat().st_size
    except (OSError, ValueError) as error:  # a name that is too long, or holds a null byte
        raise BadInputError(f"{path} cannot be opened: {error}. Check the spelling.") from error
    if size == 0:
        raise BadInputError(f"{path} is empty (0 bytes): its upload did not finish. Copy or upload it again.")
    if size > LIMITS.file_bytes:
        raise too_large(path, "bytes", LIMITS.file_bytes)
