"""Which archive a file is, told from its bytes and never from its name."""

from pathlib import Path

from techniques.archives.entries import Archive
from techniques.archives.errors import NotAnArchiveError
from techniques.archives.limits import Limits
from techniques.archives.tars import TarArchive
from techniques.archives.zips import ZipArchive

_SUFFIXES = (".tar.gz", ".tar.bz2", ".tar.xz", ".tgz", ".tbz2", ".tbz", ".txz", ".tar", ".zip")
_ZIP = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
_PACKED_TAR = (b"\x1f\x8b", b"BZh", b"\xfd7zXZ\x00")
_OTHERS = {
    b"7z\xbc\xaf\x27\x1c": "a 7z archive",
    b"Rar!\x1a\x07": "a RAR archive",
    b"\x28\xb5\x2f\xfd": "packed with Zstandard",
    b"\x04\x22\x4d\x18": "packed with LZ4",
}


def stem(path: Path) -> str:
    """The archive's name without what says its format: ``photos`` for ``photos.tar.gz``."""
    for suffix in _SUFFIXES:
        if path.name.lower().endswith(suffix) and len(path.name) > len(suffix):
            return path.name[: -len(suffix)]
    return path.stem


def open_archive(
    path: Path, limits: Limits, *, encoding: str | None = None, password: bytes | None = None
) -> Archive:
    """The archive in ``path``; raises `NotAnArchiveError` with what the file is instead."""
    with path.open("rb") as file:
        start = file.read(512)
    if not start:
        raise NotAnArchiveError("it is empty: the upload did not happen, upload it again")
    if start.startswith(_ZIP):
        return ZipArchive(path, encoding=encoding, password=password, max_files=limits.max_files)
    if start.startswith(_PACKED_TAR) or start[257:262] == b"ustar" or _is_old_tar(start):
        return TarArchive(path, limits=limits, encoding=encoding)
    for magic, what in _OTHERS.items():
        if start.startswith(magic):
            raise NotAnArchiveError(f"it is {what}, which we do not open: pack it as .zip or .tar.gz")
    if start.lstrip()[:1] == b"<":
        raise NotAnArchiveError(
            "it is a web page, not an archive: the download link led to a log-in or error page"
        )
    raise NotAnArchiveError("it is neither a zip nor a tar archive, whatever its name says")


def _is_old_tar(start: bytes) -> bool:
    """Whether the first block is a tar header from before POSIX gave it a magic: its checksum must hold."""
    if len(start) < 512:
        return False
    try:
        stored = int(start[148:156].split(b"\0")[0].strip() or b"-1", 8)
    except ValueError:
        return False
    return stored == sum(start[:148]) + 8 * ord(" ") + sum(start[156:])
