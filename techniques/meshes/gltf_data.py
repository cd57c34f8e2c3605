"""The numbers and bytes of a glTF file: its JSON, its buffers beside or inside it, and the tables in them."""

import base64
import binascii
import json
import struct
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import numpy as np

from techniques.errors import BadInputError
from techniques.meshes.beside import find_beside
from techniques.meshes.draft import too_large
from techniques.meshes.limits import LIMITS
from techniques.meshes.mesh import Floats

__all__ = ["GltfData", "inline"]

_KINDS = {5120: "<i1", 5121: "<u1", 5122: "<i2", 5123: "<u2", 5125: "<u4", 5126: "<f4"}
_WIDTHS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4}


class GltfData:
    """One file, opened: ``document`` is its JSON. What is damaged raises the errors of plain access."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.document, self._binary = _parts(path)
        self._buffers: dict[int, bytes] = {}
        self._total = 0

    def table(self, number: int) -> Floats:
        """The accessor's values [count, width]; integers that are marked as normalised in -1..1 or 0..1."""
        accessor = self.document["accessors"][number]
        kind, width = _KINDS[accessor["componentType"]], _WIDTHS[accessor["type"]]
        count = int(accessor["count"])
        self._total += count
        if count < 0 or self._total > 2 * LIMITS.corners:
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

    def view(self, number: int) -> bytes:
        """The bytes of a buffer view."""
        described = self.document["bufferViews"][number]
        start = int(described.get("byteOffset", 0))
        return self._buffer(int(described["buffer"]))[start : start + int(described["byteLength"])]

    def _values(self, view: int, offset: int, kind: str, count: int, width: int) -> Floats:
        described, inside = self.document["bufferViews"][view], self.view(view)
        size = np.dtype(kind).itemsize * width
        stride = int(described.get("byteStride") or size)
        end = offset + stride * (count - 1) + size if count else 0
        if offset < 0 or int(described.get("byteOffset", 0)) < 0 or stride < 0 or end > len(inside):
            raise ValueError("its buffer is too short")
        table: np.ndarray = np.ndarray(
            (count, width), kind, inside, offset, (stride, np.dtype(kind).itemsize)
        )
        return table.astype(np.float64)

    def _buffer(self, number: int) -> bytes:
        if number not in self._buffers:
            uri = self.document["buffers"][number].get("uri")
            self._buffers[number] = self._binary if uri is None else self._resource(uri)
        return self._buffers[number]

    def _resource(self, uri: str) -> bytes:
        if uri.startswith("data:"):
            return inline(uri)
        found = find_beside(self.path.parent, unquote(uri))
        if found is None:
            raise BadInputError(
                f"{self.path} needs {uri}, which is not in its folder. Upload both, or export as GLB."
            )
        if found.stat().st_size > LIMITS.file_bytes:
            raise too_large(found, "bytes", LIMITS.file_bytes)
        return found.read_bytes()


def inline(uri: str) -> bytes:
    """The bytes that a data URI holds."""
    head, _, data = uri.partition(",")
    if not head.endswith(";base64"):
        raise ValueError("a data URI that is not base64")
    try:
        return base64.b64decode(data, validate=True)
    except binascii.Error as error:
        raise ValueError("a data URI that is damaged") from error


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
