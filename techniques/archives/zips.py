"""ZIP archives, read through the standard library's `zipfile`."""

import lzma
import stat
import struct
import zipfile
import zlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from techniques.archives.entries import Entry, Kind
from techniques.archives.errors import DamagedError, PasswordNeededError, TooMuchError
from techniques.archives.names import decode, shown
from techniques.archives.zip_end import read_end

_READABLE = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA}
_METHODS = {9: "Deflate64, as Windows Explorer uses for big files", 93: "Zstandard", 95: "XZ", 98: "PPMd"}
_AES = 99
_ENCRYPTED, _UTF8 = 0x1, 0x800
_UNICODE_PATH = 0x7075
_CHUNK = 1 << 20
# zipfile bounds what it decompresses at once for deflate only. 4 kB of bzip2 are 90 MB at most, 1 MB 20 GB.
_CHUNK_UNBOUNDED = 4096
# Of one directory record on average, its name included; zipfile holds the whole directory in memory.
_RECORD_BYTES = 400


class ZipArchive:
    """A ZIP file; see `entries.Archive`."""

    def __init__(
        self, path: Path, *, encoding: str | None = None, password: bytes | None = None, max_files: int
    ) -> None:
        with path.open("rb") as file:
            end = read_end(file)
        if end.entries > max_files or end.directory_bytes > _RECORD_BYTES * max_files:
            raise TooMuchError(f"it holds more than {max_files} files; --max-files allows more")
        self.packed = path.stat().st_size
        self._path, self._encoding, self._password = path, encoding, password

    def entries(self) -> Iterator[Entry]:
        """All entries of the directory, in its order."""
        with self._open() as archive:
            infos = archive.infolist()
        overlapping = _overlapping(infos)
        for index, info in enumerate(infos):
            name = _name(info, self._encoding)
            self._refuse_locked(info, name)
            flaw = ""
            if index in overlapping:
                flaw = "shares its bytes with another entry"
            elif info.compress_type not in _READABLE:
                method = _METHODS.get(info.compress_type, f"method {info.compress_type}")
                flaw = f"is packed with {method}, which we cannot read: pack it again as an ordinary zip"
            yield Entry(index=index, name=name, kind=_kind(info, name), size=info.file_size, flaw=flaw)

    def stream(self, wanted: Collection[int]) -> Iterator[tuple[Entry, "_ZipContent"]]:
        """The wanted entries in the directory's order."""
        with self._open() as archive:
            for index, info in enumerate(archive.infolist()):
                if index in wanted:
                    name = _name(info, self._encoding)
                    entry = Entry(index=index, name=name, kind=_kind(info, name), size=info.file_size)
                    yield entry, _ZipContent(archive, info, self._password)

    def _open(self) -> zipfile.ZipFile:
        try:
            return zipfile.ZipFile(self._path)
        except (
            zipfile.BadZipFile,
            struct.error,
            UnicodeDecodeError,
            ValueError,
            NotImplementedError,
        ) as error:
            raise DamagedError(f"its directory is damaged ({error}); pack and upload it again") from error

    def _refuse_locked(self, info: zipfile.ZipInfo, name: str) -> None:
        if not info.flag_bits & _ENCRYPTED:
            return
        if info.compress_type == _AES:
            raise PasswordNeededError(
                f"{shown(name)!r} is locked with AES, which we cannot open; pack it without one"
            )
        if self._password is None:
            raise PasswordNeededError(
                f"{shown(name)!r} is locked with a password; --password-file names a file that holds it"
            )


@dataclass(frozen=True)
class _ZipContent:
    archive: zipfile.ZipFile
    info: zipfile.ZipInfo
    password: bytes | None

    def chunks(self) -> Iterator[bytes]:
        bounded = self.info.compress_type in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
        try:
            with self.archive.open(self.info, pwd=self.password) as content:
                while piece := content.read(_CHUNK if bounded else _CHUNK_UNBOUNDED):
                    yield piece
        except RuntimeError as error:
            if "password" in str(error):
                raise PasswordNeededError("the password does not open it") from error
            raise DamagedError(str(error)) from error
        except (
            zipfile.BadZipFile,
            zlib.error,
            lzma.LZMAError,
            struct.error,
            EOFError,
            OSError,
            ValueError,
        ) as error:
            raise DamagedError(str(error) or "ends too early") from error


def _name(info: zipfile.ZipInfo, encoding: str | None) -> str:
    # orig_filename, because `filename` is cut at a NUL byte: 'a.jpg\0.exe' must not pass as 'a.jpg'.
    if info.flag_bits & _UTF8:
        return info.orig_filename
    # zipfile has read it as code page 437, in which every byte is a letter, so the bytes come back whole.
    raw = info.orig_filename.encode("cp437")
    return _unicode_path(info.extra, raw) or decode(raw, encoding)


def _unicode_path(extra: bytes, raw: bytes) -> str | None:
    """The UTF-8 name that Info-ZIP keeps beside an unmarked one (APPNOTE 4.6.9), if it is that one's."""
    at = 0
    while at + 4 <= len(extra):
        tag, size = struct.unpack_from("<HH", extra, at)
        field = extra[at + 4 : at + 4 + size]
        if tag == _UNICODE_PATH and len(field) > 5 and field[0] == 1:
            if struct.unpack_from("<L", field, 1)[0] == zlib.crc32(raw):
                return field[5:].decode("utf-8", errors="replace")
            return None
        at += 4 + size
    return None


def _kind(info: zipfile.ZipInfo, name: str) -> Kind:
    mode = stat.S_IFMT(info.external_attr >> 16)
    if mode == stat.S_IFLNK:
        return "symlink"
    if name.endswith(("/", "\\")) or mode == stat.S_IFDIR:
        return "folder"
    return "file" if mode in (0, stat.S_IFREG) else "device"


def _overlapping(infos: list[zipfile.ZipInfo]) -> set[int]:
    """Entries that begin before the one in front of them has ended: how a small file becomes petabytes.

    Fifield, "A better zip bomb", WOOT 2019. The local header's extra field is left out of the sum, so the
    check errs towards letting pass; what really overlaps shares far more.
    """
    order = sorted(range(len(infos)), key=lambda index: infos[index].header_offset)
    overlapping, end = set(), 0
    for index in order:
        info = infos[index]
        if info.header_offset < end:
            overlapping.add(index)
        name_bytes = len(info.orig_filename.encode("utf-8" if info.flag_bits & _UTF8 else "cp437"))
        end = max(end, info.header_offset + 30 + name_bytes + info.compress_size)
    return overlapping
