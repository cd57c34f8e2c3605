"""tar archives, plain or packed with gzip, bzip2 or xz, read once from front to back through `tarfile`.

Nothing is extracted by `tarfile` itself: entries are judged by our own plan and streamed, so that what may
not be written is never written. Its ``data`` filter is the oracle of the tests.
"""

import bz2
import gzip
import io
import lzma
import tarfile
import zlib
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from techniques.archives.entries import Entry, Kind
from techniques.archives.errors import DamagedError, NotAnArchiveError, TruncatedError
from techniques.archives.limits import Limits
from techniques.archives.names import decode, shown

# Given back open, for the caller to close.
_OPENERS: dict[bytes, Callable[[Path], BinaryIO]] = {
    b"\x1f\x8b": lambda path: cast(BinaryIO, gzip.open(path)),  # noqa: SIM115
    b"BZh": lambda path: cast(BinaryIO, bz2.open(path)),  # noqa: SIM115
    b"\xfd7zXZ\x00": lambda path: cast(BinaryIO, lzma.open(path)),  # noqa: SIM115
}
_CHUNK = 1 << 20
# No header of a real archive is longer; a forged one could ask for memory that no machine has.
_LONGEST_READ = 16 << 20
_BLOCK = 512


class TarArchive:
    """A tar file; see `entries.Archive`."""

    def __init__(self, path: Path, *, limits: Limits, encoding: str | None = None) -> None:
        self.packed = path.stat().st_size
        self._path, self._limits, self._encoding = path, limits, encoding

    def entries(self) -> Iterator[Entry]:
        """All entries; a bomb is noticed while it unfolds, not after."""
        with self._members() as members:
            for index, info, _ in members:
                yield self._entry(index, info)

    def stream(self, wanted: Collection[int]) -> Iterator[tuple[Entry, "_TarContent"]]:
        """The wanted entries; those in between are read past."""
        last = max(wanted, default=-1)
        with self._members() as members:
            for index, info, archive in members:
                if index in wanted:
                    yield self._entry(index, info), _TarContent(archive, info)
                if index >= last:
                    return

    def _entry(self, index: int, info: tarfile.TarInfo) -> Entry:
        kind: Kind = "device"
        if info.isreg():
            kind = "file"
        elif info.isdir():
            kind = "folder"
        elif info.issym():
            kind = "symlink"
        elif info.islnk():
            kind = "hardlink"
        return Entry(
            index=index,
            name=self._text(info.name),
            kind=kind,
            size=info.size if kind == "file" else 0,
            target=self._text(info.linkname),
        )

    def _text(self, name: str) -> str:
        raw = name.encode("utf-8", "surrogateescape")
        return decode(raw, self._encoding) if self._encoding or not _is_utf8(raw) else name

    @contextmanager
    def _members(self) -> Iterator[Iterator[tuple[int, tarfile.TarInfo, tarfile.TarFile]]]:
        with _opened(self._path) as raw:
            yield self._walk(_Forward(raw, self.packed, self._limits))

    def _walk(self, stream: "_Forward") -> Iterator[tuple[int, tarfile.TarInfo, tarfile.TarFile]]:
        index, name = 0, ""
        try:
            archive = tarfile.open(fileobj=cast(BinaryIO, stream), mode="r:")  # noqa: SIM115 - owns nothing
            while (info := archive.next()) is not None:
                # tarfile keeps all that it has seen, and a million entries are a gigabyte.
                archive.members.clear()  # type: ignore[attr-defined]
                name = info.name
                yield index, info, archive
                index += 1
        except tarfile.ReadError as error:
            if index == 0 and "unexpected end" not in str(error):
                raise NotAnArchiveError("what it holds is not a tar archive") from error
            raise TruncatedError(_cut(name, index)) from error
        except (tarfile.TarError, ValueError, OverflowError) as error:
            raise DamagedError(
                f"its header after {shown(name)!r} is damaged ({error}); upload it again"
            ) from error
        # tarfile takes an end of file, or a header with a wrong checksum, for the end of the archive.
        if not stream.last:
            raise TruncatedError(_cut(name, index))
        if stream.last.strip(b"\0"):
            raise DamagedError(f"its header after {shown(name)!r} is damaged; pack and upload it again")
        # The checksum of a packed stream stands behind everything: only who reads that far compares it.
        while stream.read(_CHUNK):
            pass


@dataclass(frozen=True)
class _TarContent:
    archive: tarfile.TarFile
    info: tarfile.TarInfo

    def chunks(self) -> Iterator[bytes]:
        try:
            content = self.archive.extractfile(self.info)
            while content and (piece := content.read(_CHUNK)):
                yield piece
        except tarfile.TarError as error:
            raise DamagedError(str(error)) from error
        except TruncatedError as error:
            raise DamagedError("ends too early") from error


class _Forward(io.RawIOBase):
    """A stream that only goes forward, counts what it gives, and knows what it gave last.

    `tarfile` seeks, but for what we ask only forward; a gzip stream asked to go back would start over.
    """

    def __init__(self, raw: BinaryIO, packed: int, limits: Limits) -> None:
        self._raw, self._packed, self._limits = raw, packed, limits
        self._at = 0
        self.last = b""

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = 0) -> int:
        if whence != 0 or offset < self._at:
            raise DamagedError("its headers point backwards")
        while self._at < offset and self.read(min(_CHUNK, offset - self._at)):
            pass
        return self._at

    def read(self, size: int = -1) -> bytes:
        if not 0 <= size <= _LONGEST_READ:
            raise DamagedError("a header claims an impossible length")
        pieces, left = [], size
        try:
            while left and (piece := self._raw.read(left)):
                pieces.append(piece)
                left -= len(piece)
        except EOFError as error:
            raise TruncatedError(_cut("", 0)) from error
        except (zlib.error, lzma.LZMAError, OSError) as error:
            raise DamagedError(f"its compressed bytes are damaged ({error}); upload it again") from error
        self.last = b"".join(pieces)
        self._at += len(self.last)
        self._limits.check(unpacked=self._at, packed=self._packed, files=0)
        return self.last


def _opened(path: Path) -> BinaryIO:
    with path.open("rb") as file:
        start = file.read(8)
    for magic, opener in _OPENERS.items():
        if start.startswith(magic):
            return opener(path)
    return path.open("rb")


def _is_utf8(raw: bytes) -> bool:
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _cut(name: str, files: int) -> str:
    where = f" in or after {shown(name)!r}, entry {files}" if name else ""
    return f"it ends too early{where}: the upload was cut (closing its tab does that), upload it again"
