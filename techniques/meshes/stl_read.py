"""STL, binary or text: no units and no shared vertices, so what touches is joined."""

from pathlib import Path

import numpy as np

from techniques.errors import BadInputError
from techniques.meshes.draft import Draft, too_large
from techniques.meshes.limits import LIMITS
from techniques.meshes.mesh import Floats, Group
from techniques.meshes.triangles import polygons_of
from techniques.meshes.weld import places

__all__ = ["read_stl"]

_RECORD = np.dtype([("normal", "<f4", 3), ("points", "<f4", (3, 3)), ("attribute", "<u2")])
_Found = tuple[Floats, list[str], tuple[str, ...]]  # corners, each triangle's solid, what is left out
_HEADER = 84  # bytes: 80 of anything, and the number of triangles


def read_stl(path: Path) -> Draft:
    """The STL file at ``path``. Z points upwards in most STL files, which the format does not say: see --up.

    Raises:
        BadInputError: it is neither form of STL, cut short, or beyond a limit.
    """
    size = path.stat().st_size
    with path.open("rb") as stream:
        header = stream.read(_HEADER)
    count = int.from_bytes(header[80:84], "little")
    # Many binary files begin with "solid" too: only the size tells.
    if len(header) == _HEADER and size >= _HEADER + count * _RECORD.itemsize and not _is_text(header):
        soup, solids, notes = _binary(path, count)
    elif header[:5].lower() == b"solid" and _is_text(header):
        soup, solids, notes = _text(path)
    else:
        raise BadInputError(
            f"{path} is not an STL file, or is cut short: its header announces {count:,} triangles. "
            "Upload it again."
        )
    index = places(soup)
    vertices = np.zeros((int(index.max()) + 1 if len(index) else 0, 3))
    vertices[index[::-1]] = soup[::-1]
    named = len(set(solids)) > 1
    groups = (
        {Group(name or None): number for number, name in enumerate(dict.fromkeys(solids))} if named else {}
    )
    owner = np.array([groups[Group(name or None)] for name in solids]) if named else None
    return Draft(
        path, vertices, polygons_of(index.reshape(-1, 3), groups=owner), groups=tuple(groups), notes=notes
    )


def _is_text(header: bytes) -> bool:
    return header[:5].lower() == b"solid" and all(byte in b"\t\n\r" or byte >= 32 for byte in header)


def _binary(path: Path, count: int) -> _Found:
    if 3 * count > LIMITS.corners:
        raise too_large(path, "triangles", LIMITS.corners // 3)
    records = np.fromfile(path, dtype=_RECORD, count=count, offset=_HEADER)
    colored = bool(len(records)) and bool((records["attribute"] != records["attribute"][0]).any())
    notes = (
        ("Colours of triangles are left out: programs do not agree on what they mean.",) if colored else ()
    )
    return np.asarray(records["points"].reshape(-1, 3), dtype=np.float64), [], notes


def _text(path: Path) -> _Found:
    numbers: list[list[float]] = []
    solids: list[str] = []
    solid = ""
    with path.open(encoding="latin-1") as stream:
        for number, line in enumerate(stream, 1):
            words = line.split()
            if words and words[0].lower() == "solid":
                solid = " ".join(words[1:])
            if not words or words[0].lower() != "vertex":
                continue
            try:
                x, y, z = words[1:4]
                numbers.append([float(x), float(y), float(z)])
            except ValueError as error:
                raise BadInputError(
                    f"{path}, line {number}: '{line.strip()[:60]}' cannot be read. Export the mesh again."
                ) from error
            if len(numbers) % 3 == 0:
                solids.append(solid)
            if len(numbers) > LIMITS.corners:
                raise too_large(path, "triangles", LIMITS.corners // 3)
    if len(numbers) % 3:
        raise BadInputError(f"{path} ends within a triangle: it is cut short. Upload it again.")
    return np.array(numbers, dtype=np.float64).reshape(-1, 3), solids, ()
