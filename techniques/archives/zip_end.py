"""The end record of a ZIP file, read first: it says how much there is, and whether all of it came.

`zipfile` loads the whole directory into memory and calls every file that lacks an end "not a zip file". A
student whose upload was cut needs the other half of the truth. Layout: APPNOTE 6.3.10, 4.3.14 to 4.3.16.
"""

import struct
from dataclasses import dataclass
from typing import BinaryIO

from techniques.archives.errors import DamagedError, TruncatedError
from techniques.archives.names import decode, shown

_END = struct.Struct("<4s4H2LH")
_LOCATOR = struct.Struct("<4sLQL")
_END64 = struct.Struct("<4sQ2H2L4Q")
_LOCAL = struct.Struct("<4s5H3L2H")
_LONGEST_COMMENT = 0xFFFF


@dataclass(frozen=True)
class End:
    """What the end record claims."""

    entries: int
    directory_bytes: int


def read_end(file: BinaryIO) -> End:
    """The end record; `TruncatedError` if there is none, `DamagedError` if it cannot be true."""
    size = file.seek(0, 2)
    tail_at = max(0, size - _END.size - _LONGEST_COMMENT)
    file.seek(tail_at)
    tail = file.read()
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or len(tail) - at < _END.size:
        raise TruncatedError(_what_came(file, size))
    _, disk, _, _, entries, directory_bytes, directory_at, _ = _END.unpack_from(tail, at)
    end_at = tail_at + at
    if end_at >= _LOCATOR.size:
        file.seek(end_at - _LOCATOR.size)
        signature, _, end64_at, disks = _LOCATOR.unpack(file.read(_LOCATOR.size))
        if signature == b"PK\x06\x07":
            disk = disks - 1 if disks else 0
            file.seek(min(end64_at, size))
            record = file.read(_END64.size)
            if len(record) == _END64.size and record.startswith(b"PK\x06\x06"):
                _, _, _, _, _, _, _, entries, directory_bytes, directory_at = _END64.unpack(record)
    if disk not in (0, 0xFFFF):
        raise DamagedError(
            "it is one part of a split archive (.z01, .z02, ...); join the parts where it was made "
            "(`zip -s 0 parts.zip --out whole.zip`) and upload whole.zip"
        )
    if directory_at + directory_bytes > end_at:
        raise DamagedError(
            f"bytes are missing in the middle: its directory should end at byte "
            f"{directory_at + directory_bytes:,} and the file has {size:,}; upload it again"
        )
    return End(entries=entries, directory_bytes=directory_bytes)


def _what_came(file: BinaryIO, size: int) -> str:
    """One line on how far the upload came, from the headers that stand before each file."""
    at, complete = 0, 0
    while True:
        file.seek(at)
        header = file.read(_LOCAL.size)
        if len(header) < _LOCAL.size or not header.startswith(b"PK\x03\x04"):
            break
        _, _, flags, _, _, _, _, packed, _, name_bytes, extra_bytes = _LOCAL.unpack(header)
        name = shown(decode(file.read(name_bytes)))
        needed = at + _LOCAL.size + name_bytes + extra_bytes + packed
        if flags & 8 and packed == 0:
            # Written in one go: the length stands after the data, and what is cut off cannot be known.
            break
        if needed > size:
            return (
                f"it ends in the middle of {name!r}, after {complete} whole files: {size:,} bytes "
                f"are here and at least {needed:,} were sent; the upload was cut "
                "(closing its tab does that), upload it again"
            )
        at, complete = needed, complete + 1
    return (
        f"its end is missing: {size:,} bytes are here and more were sent; the upload was cut "
        "(closing its tab does that), upload it again"
    )
