"""What of an archive is written where: decided from its listing alone, before anything is written. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from techniques.archives.entries import Entry
from techniques.archives.errors import DamagedError, TruncatedError
from techniques.archives.limits import Limits
from techniques.archives.names import fails_on_windows, is_junk, safe_path, same_name, shown

_ARCHIVES = {".zip", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".7z", ".rar"}


@dataclass(frozen=True)
class Item:
    """One file to write."""

    index: int
    path: PurePosixPath
    size: int
    copy_of: PurePosixPath | None = None
    """The file of this plan that a hard link repeats."""


@dataclass(frozen=True)
class Refusal:
    """An entry that is not written, and why; the reason continues a sentence that begins with the name."""

    name: str
    reason: str


@dataclass(frozen=True)
class Plan:
    """What unpacking would do; paths are relative to the folder that is unpacked into."""

    files: tuple[Item, ...]
    folders: tuple[PurePosixPath, ...]
    junk: tuple[str, ...]
    refused: tuple[Refusal, ...]
    notes: tuple[str, ...]

    @property
    def size(self) -> int:
        """Bytes of all files together."""
        return sum(item.size for item in self.files)


def plan(entries: Iterable[Entry], *, packed: int, limits: Limits, number_collisions: bool = False) -> Plan:
    """Judge every entry; ``packed`` is the archive's own size in bytes.

    Raises `errors.TooMuchError` as soon as the entries so far are over a limit. With
    ``number_collisions`` a second file of a taken name becomes ``name (2).jpg`` instead of a refusal.
    """
    build = _Builder(packed, limits, number_collisions)
    try:
        for entry in entries:
            build.add(entry)
    except (TruncatedError, DamagedError) as error:
        if not build.files:
            raise
        build.refused.append(Refusal("the rest of the archive", f"cannot be read: {error}"))
    return build.plan()


class _Builder:
    def __init__(self, packed: int, limits: Limits, number_collisions: bool) -> None:
        self.packed, self.limits, self.number_collisions = packed, limits, number_collisions
        self.files: dict[str, Item] = {}
        self.folders: dict[str, PurePosixPath] = {}
        self.links: set[str] = set()
        self.junk: list[str] = []
        self.refused: list[Refusal] = []
        self.two_cases: list[tuple[PurePosixPath, PurePosixPath]] = []
        self.total = 0
        self.seen = 0

    def add(self, entry: Entry) -> None:
        self.seen += 1
        self.limits.check(unpacked=self.total, packed=self.packed, files=self.seen)
        path, reason = safe_path(entry.name)
        if not reason and path.parts and is_junk(path):
            self.junk.append(entry.name)
            return
        reason = reason or entry.flaw or self._wrong_kind(entry, path)
        if reason:
            self.refused.append(Refusal(entry.name, reason))
        elif entry.kind == "folder":
            self._add_folder(entry.name, path)
        elif not path.parts:
            self.refused.append(Refusal(entry.name, "has no name"))
        else:
            self._add_file(entry, path)

    def _wrong_kind(self, entry: Entry, path: PurePosixPath) -> str:
        if any(same_name(folder) in self.links for folder in path.parents):
            return "lies behind a link"
        if entry.kind == "symlink":
            self.links.add(same_name(path))
            return f"is a link to {shown(entry.target)!r}" if entry.target else "is a link"
        return "is a device, not a file" if entry.kind == "device" else ""

    def _add_folder(self, name: str, path: PurePosixPath) -> None:
        for folder in [path, *path.parents][:-1] if path.parts else []:
            key = same_name(folder)
            if key in self.files:
                self.refused.append(Refusal(name, "is a folder where another entry is a file"))
                return
        for folder in [path, *path.parents][:-1] if path.parts else []:
            known = self.folders.setdefault(same_name(folder), folder)
            if known != folder and (known, folder) not in self.two_cases:
                self.two_cases.append((known, folder))

    def _add_file(self, entry: Entry, path: PurePosixPath) -> None:
        item = Item(index=entry.index, path=path, size=entry.size)
        if entry.kind == "hardlink":
            target, reason = safe_path(entry.target)
            origin = self.files.get(same_name(target))
            if reason or origin is None:
                reason = f"is a link to {shown(entry.target)!r}, which is no file before it in the archive"
                self.refused.append(Refusal(entry.name, reason))
                return
            item = replace(item, size=origin.size, copy_of=origin.copy_of or origin.path)
        taken = self._taken(path)
        if taken and self.number_collisions and same_name(path) in self.files:
            item = replace(item, path=self._numbered(path))
        elif taken:
            self.refused.append(Refusal(entry.name, taken))
            return
        before = len(self.refused)
        if item.path.parent.parts:
            self._add_folder(entry.name, item.path.parent)
        if len(self.refused) == before:
            self.files[same_name(item.path)] = item
            self.total += item.size
            self.limits.check(unpacked=self.total, packed=self.packed, files=self.seen)

    def _taken(self, path: PurePosixPath) -> str:
        key = same_name(path)
        if key in self.folders:
            return "is a file where another entry is a folder"
        if key not in self.files:
            return ""
        other = self.files[key].path
        if other == path:
            return "stands twice, one would overwrite the other (--number-collisions keeps both)"
        return (
            f"differs from {shown(str(other))!r} only by capitals: one would overwrite the other on a Mac or "
            "on Windows (--number-collisions keeps both)"
        )

    def _numbered(self, path: PurePosixPath) -> PurePosixPath:
        number = 2
        while True:
            name = path.with_name(f"{path.stem} ({number}){path.suffix}")
            if same_name(name) not in self.files and same_name(name) not in self.folders:
                return name
            number += 1

    def plan(self) -> Plan:
        files = tuple(self.files.values())
        notes = []
        if self.two_cases:
            one, two = self.two_cases[0]
            notes.append(
                f"folders {shown(str(one))!r} and {shown(str(two))!r} differ only by capitals: "
                "two classes here, one on a Mac or on Windows"
            )
        if inner := [item for item in files if item.path.suffix.lower() in _ARCHIVES]:
            notes.append(
                f"{len(inner)} archives inside stay packed, such as {shown(str(inner[0].path))!r}: "
                "unpack them one by one"
            )
        if odd := [item for item in files if fails_on_windows(item.path)]:
            notes.append(f"{len(odd)} names cannot exist on Windows, such as {shown(str(odd[0].path))!r}")
        # Files keep their own spelling of a folder, so here both exist.
        folders = {*self.folders.values(), *(two for _, two in self.two_cases)}
        return Plan(
            files=files,
            folders=tuple(sorted(folders)),
            junk=tuple(self.junk),
            refused=tuple(self.refused),
            notes=tuple(notes),
        )


def without_top(decided: Plan, archive_stem: str) -> Plan:
    """The plan without the one folder that everything is packed in, so that there is no ``photos/photos``.

    Kept where that folder may be a class: it has another name than the archive and pictures directly in it.
    """
    tops = {path.parts[0] for path in [*decided.folders, *(item.path for item in decided.files)]}
    if len(tops) != 1 or any(len(item.path.parts) == 1 for item in decided.files):
        return decided
    (top,) = tops
    directly = any(len(item.path.parts) == 2 for item in decided.files)
    if directly and top.casefold() != archive_stem.casefold():
        return decided

    def moved(path: PurePosixPath) -> PurePosixPath:
        return PurePosixPath(*path.parts[1:])

    return replace(
        decided,
        files=tuple(
            replace(item, path=moved(item.path), copy_of=moved(item.copy_of) if item.copy_of else None)
            for item in decided.files
        ),
        folders=tuple(moved(folder) for folder in decided.folders if len(folder.parts) > 1),
    )
