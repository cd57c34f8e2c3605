"""Packing a folder for download: the same files give the same bytes, whoever packs them and when."""

import hashlib
import os
import stat
import unicodedata
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO, NoReturn

from techniques.archives.errors import ArchiveError, OccupiedError
from techniques.archives.names import is_junk, shown

# Packed already: deflating them again costs minutes and saves nothing.
_PACKED = {
    *(".jpg", ".jpeg", ".png", ".gif", ".webp", ".avif", ".heic", ".mp4", ".mov", ".webm", ".mp3"),
    *(".zip", ".gz", ".tgz", ".bz2", ".xz", ".zst", ".7z", ".rar", ".npz", ".whl"),
}
# The first moment that the ZIP format can say.
_EPOCH = (1980, 1, 1, 0, 0, 0)
_CHUNK = 1 << 20

Progress = Callable[[int, int, str], None]


@dataclass(frozen=True)
class Member:
    """One file or empty folder to pack; ``name`` as it stands in the archive, ``size`` in bytes."""

    path: Path
    name: str
    size: int


@dataclass(frozen=True)
class Content:
    """What a folder holds for packing, and what stays out."""

    members: tuple[Member, ...]
    junk: tuple[str, ...]
    links: tuple[str, ...]

    @property
    def size(self) -> int:
        """Bytes before packing."""
        return sum(member.size for member in self.members)

    def by_type(self) -> dict[str, tuple[int, int]]:
        """Files and bytes for each suffix, most bytes first."""
        return _sums((Path(member.name).suffix.lower() or "(none)", member.size) for member in self.members)

    def by_folder(self) -> dict[str, tuple[int, int]]:
        """Files and bytes for each folder directly below the packed one, most bytes first."""
        return _sums(
            (parts[1] if len(parts := PurePosixPath(member.name).parts) > 2 else "(here)", member.size)
            for member in self.members
            if not member.name.endswith("/")
        )


@dataclass(frozen=True)
class Packed:
    """The finished archive."""

    path: Path
    size: int
    sha256: str


def content(folder: Path, output: Path) -> Content:
    """What of ``folder`` goes into ``output``, sorted; links stay out: they could lead elsewhere."""
    members: list[Member] = []
    junk: list[str] = []
    links: list[str] = []
    top = _name(Path(folder.absolute().name))
    for here, names, files in os.walk(folder, onerror=_raise):
        relative = Path(here).relative_to(folder)
        kept = []
        for name in names:
            if is_junk(PurePosixPath(name)):
                junk.append(str(relative / name))
            elif Path(here, name).is_symlink():
                links.append(str(relative / name))
            else:
                kept.append(name)
        names[:] = kept
        for name in files:
            path = Path(here, name)
            facts = path.lstat()
            if is_junk(PurePosixPath(name)):
                junk.append(str(relative / name))
            elif stat.S_ISREG(facts.st_mode):
                if path.absolute() != output.absolute():
                    members.append(Member(path, f"{top}/{_name(relative / name)}", facts.st_size))
            else:
                links.append(str(relative / name))
        if not names and not files:
            members.append(Member(Path(here), f"{top}/{_name(relative)}/".replace("/./", "/"), 0))
    members.sort(key=lambda member: member.name)
    return Content(tuple(members), tuple(sorted(junk)), tuple(sorted(links)))


def pack(found: Content, output: Path, progress: Progress, *, overwrite: bool = False) -> Packed:
    """Write ``output``, a ZIP file that Finder and Explorer open, through a temporary file beside it."""
    check_target(found, output, overwrite=overwrite)
    partial = output.with_name(f".{output.name}.{os.getpid()}.part")
    done = 0
    try:
        with zipfile.ZipFile(partial, "x") as archive:
            for member in found.members:
                for written in _add(archive, member):
                    progress(done + written, found.size, member.name)
                done += member.size
        with partial.open("rb") as file:
            os.fsync(file.fileno())
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        size = partial.stat().st_size
        partial.replace(output)
    finally:
        partial.unlink(missing_ok=True)
    return Packed(output, size, digest)


def check_target(found: Content, output: Path, *, overwrite: bool) -> None:
    """Raises `OccupiedError` if ``output`` is there and stays, `ArchiveError` if there is nothing to pack."""
    if output.exists() and not overwrite:
        raise OccupiedError(f"{output} already exists; name another file with -o, or --overwrite replaces it")
    if all(member.name.endswith("/") for member in found.members):
        raise ArchiveError("it holds no files to pack; name the folder that has the pictures")


def _add(archive: zipfile.ZipFile, member: Member) -> Iterator[int]:
    info = zipfile.ZipInfo(member.name, _EPOCH)
    info.create_system = 3  # Unix, on every machine
    if member.name.endswith("/"):
        info.external_attr = (stat.S_IFDIR | 0o755) << 16 | 0x10
        archive.writestr(info, b"")
        return
    info.external_attr = (stat.S_IFREG | 0o644) << 16
    stored = Path(member.name).suffix.lower() in _PACKED
    info.compress_type = zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED
    info.file_size = member.size  # tells zipfile beforehand whether the entry needs ZIP64
    written = 0
    with _opened(member.path) as source, archive.open(info, "w") as sink:
        while piece := _read(source):
            sink.write(piece)
            written += len(piece)
            yield written
    if written != member.size:
        raise ArchiveError(f"{member.path} changed while it was packed; pack again when nothing writes there")


def _opened(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except OSError as error:
        _raise(error)


def _read(source: BinaryIO) -> bytes:
    try:
        return source.read(_CHUNK)
    except OSError as error:
        error.filename = source.name
        _raise(error)


def _name(path: Path) -> str:
    try:
        path.as_posix().encode("utf-8")
    except UnicodeEncodeError as error:
        raise ArchiveError(
            f"{shown(str(path))!r} has a name that is not text; rename it and pack again"
        ) from error
    return unicodedata.normalize("NFC", path.as_posix())


def _sums(sizes: Iterator[tuple[str, int]]) -> dict[str, tuple[int, int]]:
    files: Counter[str] = Counter()
    total: Counter[str] = Counter()
    for key, size in sizes:
        files[key] += 1
        total[key] += size
    return {key: (files[key], total[key]) for key in sorted(files, key=lambda key: (-total[key], key))}


def _raise(error: OSError) -> NoReturn:
    raise ArchiveError(
        f"{error.filename} cannot be read ({error.strerror}); pack a folder that you may read"
    ) from error
