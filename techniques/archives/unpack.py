"""Unpacking: plan, stream into a hidden folder beside the target, and only then give it its name."""

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from techniques.archives.entries import Archive, Content
from techniques.archives.errors import (
    ArchiveError,
    DamagedError,
    NotAnArchiveError,
    OccupiedError,
    UnsafeEntriesError,
)
from techniques.archives.formats import open_archive, stem
from techniques.archives.limits import Limits
from techniques.archives.names import same_name, shown
from techniques.archives.plan import Item, Plan, Refusal, plan, without_top
from techniques.errors import WorkFailedError
from techniques.locks import lock

# Left free for the machine itself: a full disk takes the notebook down with it.
_RESERVE = 50_000_000
_NAMED = 10
_RECORDS = "run.json", "unpack.run.json"

Progress = Callable[[int, int, str], None]
"""Called with bytes written, bytes in all, and the file's name."""


@dataclass(frozen=True)
class Settings:
    """How to unpack."""

    skip_unsafe: bool = False
    number_collisions: bool = False
    overwrite: bool = False
    max_ratio: float = Limits.max_ratio
    max_files: int = Limits.max_files
    encoding: str | None = None
    password: bytes | None = None


@dataclass(frozen=True)
class Unpacked:
    """What was written."""

    folder: Path
    files: int
    size: int
    junk: tuple[str, ...]
    skipped: tuple[Refusal, ...]
    notes: tuple[str, ...]
    record: Path
    """Where the run's own record goes: no record of the archive's or of another command's is there."""


def read_plan(path: Path, folder: Path | None, settings: Settings) -> tuple[Archive, Plan, Path]:
    """The archive, what of it would be written, and the folder it would be written to; writes nothing.

    Without ``folder`` that is a folder of the archive's name beside it, and a single folder around
    everything inside is left out.
    """
    target = _beside(path) if folder is None else folder
    limits = Limits(room=_room(target), max_ratio=settings.max_ratio, max_files=settings.max_files)
    archive = open_archive(path, limits, encoding=settings.encoding, password=settings.password)
    decided = plan(
        archive.entries(), packed=archive.packed, limits=limits, number_collisions=settings.number_collisions
    )
    return archive, decided if folder is not None else without_top(decided, stem(path)), target


def unpack(path: Path, folder: Path | None, settings: Settings, progress: Progress) -> Unpacked:
    """Unpack ``path`` and say what came of it; nothing stands under a final name before all of it is right.

    Raises a kind of `ArchiveError`; then nothing was written that is still there.
    """
    archive, decided, target = read_plan(path, folder, settings)
    if decided.refused and not settings.skip_unsafe:
        raise UnsafeEntriesError(_refusal(decided.refused))
    if not decided.files:
        raise NotAnArchiveError(
            f"it holds no files to unpack ({len(decided.junk)} left behind by Mac or Windows)"
        )
    _refuse_other_kinds(target, decided)
    if not settings.overwrite:
        _refuse_occupied(target, decided)
    record = _record(target, decided)
    with _workplace(target) as work:
        damaged = _write(archive, decided, work, progress)
        if damaged and not settings.skip_unsafe:
            raise UnsafeEntriesError(_refusal(damaged))
        lost = {refusal.name for refusal in damaged}
        kept = replace(decided, files=tuple(item for item in decided.files if str(item.path) not in lost))
        if not kept.files:
            raise UnsafeEntriesError(_refusal(damaged))
        _publish(work, target, kept, overwrite=settings.overwrite)
    return Unpacked(
        folder=target,
        files=len(kept.files),
        size=kept.size,
        junk=decided.junk,
        skipped=(*decided.refused, *damaged),
        notes=decided.notes,
        record=record,
    )


def _write(archive: Archive, decided: Plan, work: Path, progress: Progress) -> list[Refusal]:
    """Write all files below ``work``; those whose bytes are wrong are removed and returned."""
    for folder in decided.folders:
        (work / folder).mkdir(parents=True, exist_ok=True)
    done, damaged = 0, []
    items = {item.index: item for item in decided.files if item.copy_of is None}
    for entry, content in archive.stream(items.keys()):
        item = items.pop(entry.index)
        try:
            for written in _copy(content, item, work / item.path):
                progress(done + written, decided.size, str(item.path))
        except DamagedError as error:
            (work / item.path).unlink(missing_ok=True)
            damaged.append(Refusal(str(item.path), f"is damaged ({error})"))
        done += item.size
    damaged += [Refusal(str(item.path), "is damaged (cannot be reached)") for item in items.values()]
    for item in decided.files:
        if item.copy_of is None:
            continue
        if (work / item.copy_of).is_file():
            shutil.copyfile(work / item.copy_of, work / item.path)
        else:
            damaged.append(Refusal(str(item.path), f"is damaged (it repeats {shown(str(item.copy_of))!r})"))
        done += item.size
        progress(done, decided.size, str(item.path))
    return damaged


def _copy(content: Content, item: Item, destination: Path) -> Iterator[int]:
    written = 0
    # Created by us with our own mode: setuid bits and foreign owners have nothing to come in by.
    with destination.open("xb") as file:
        for piece in content.chunks():
            written += len(piece)
            if written > item.size:
                raise DamagedError("is longer than it says")
            try:
                file.write(piece)
            except OSError as error:
                raise WorkFailedError(
                    f"the disk took no more at {item.path} ({error.strerror}); free some space"
                ) from error
            yield written
    if written != item.size:
        raise DamagedError(f"has {written} bytes and should have {item.size}")


def _beside(path: Path) -> Path:
    target = path.parent / stem(path)
    return target if target != path else path.with_name(f"{path.name}_unpacked")


def _room(target: Path) -> int:
    existing = target.absolute()
    while not existing.exists():
        existing = existing.parent
    return max(0, shutil.disk_usage(existing).free - _RESERVE)


def _refuse_other_kinds(target: Path, decided: Plan) -> None:
    """Refuse a file where a folder should go, a folder where a file should, and links that lead elsewhere:
    none of them can be replaced, and half of the others would be.
    """
    inside = target.resolve()
    for folder in (PurePosixPath(), *decided.folders):
        there = target / folder
        if os.path.lexists(there) and not there.is_dir():
            raise OccupiedError(f"{there} is a file, not a folder; name another folder with -o")
        # A link that already stands in the target could lead the files out of it.
        if not there.resolve().is_relative_to(inside):
            raise OccupiedError(f"{there} leads out of {target}; name another folder with -o")
    for item in decided.files:
        there = target / item.path
        if there.is_dir() and not there.is_symlink():
            raise OccupiedError(f"{there} is a folder, not a file; name another folder with -o")


def _record(target: Path, decided: Plan) -> Path:
    """Where the run's record goes: nothing of the archive's or of another command's is replaced."""
    brought = {same_name(path) for path in [*decided.folders, *(item.path for item in decided.files)]}
    for name in _RECORDS:
        place = target / name
        if same_name(PurePosixPath(name)) not in brought and (not os.path.lexists(place) or _is_ours(place)):
            return place
    raise OccupiedError(
        f"{target / _RECORDS[0]} and {_RECORDS[1]} belong to others, so there is no name for the record; "
        "name another folder with -o"
    )


def _is_ours(record: Path) -> bool:
    try:
        return bool(json.loads(record.read_text(encoding="utf-8"))["command"] == "unpack")
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _refuse_occupied(target: Path, decided: Plan) -> None:
    taken = [item.path for item in decided.files if os.path.lexists(target / item.path)]
    if taken:
        raise OccupiedError(
            f"{target} already has {len(taken)} of these files, such as {shown(str(taken[0]))!r}; "
            "name another folder with -o, or --overwrite replaces them"
        )


@contextmanager
def _workplace(target: Path) -> Iterator[Path]:
    """A folder on the target's disk, gone afterwards whatever happens; remains of killed runs go too."""
    place = target if target.is_dir() else target.parent
    try:
        place.mkdir(parents=True, exist_ok=True)
        prefix = f".unpacking-{target.name}-"
        for old in place.glob(f"{prefix}*"):
            _remove_if_abandoned(old)
        work = Path(tempfile.mkdtemp(prefix=prefix, dir=place))
    except OSError as error:
        raise OccupiedError(
            f"{place} cannot be written ({error.strerror}); name another folder with -o"
        ) from error
    handle = os.open(work, os.O_RDONLY | os.O_DIRECTORY)
    try:
        lock(handle, wait=True)
        (work / "content").mkdir()
        yield work / "content"
    finally:
        shutil.rmtree(work, ignore_errors=True)
        os.close(handle)


def _remove_if_abandoned(old: Path) -> None:
    """Remove what a killed run left; the kernel let go of its lock, a run at work holds it."""
    handle = os.open(old, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        if lock(handle, wait=False):  # without locks nobody knows whether a run is at work there
            shutil.rmtree(old, ignore_errors=True)
    except BlockingIOError:
        pass
    finally:
        os.close(handle)


def _publish(work: Path, target: Path, kept: Plan, *, overwrite: bool) -> None:
    if not target.exists():
        work.rename(target)
        return
    _refuse_other_kinds(target, kept)  # again: the unpacking may have taken minutes
    for folder in kept.folders:
        (target / folder).mkdir(parents=True, exist_ok=True)
    for item in kept.files:
        final = target / item.path
        final.parent.mkdir(parents=True, exist_ok=True)
        if not overwrite and os.path.lexists(final):
            raise OccupiedError(f"{final} came into being meanwhile; it is kept, unpack elsewhere with -o")
        (work / item.path).replace(final)


def _refusal(refused: tuple[Refusal, ...] | list[Refusal]) -> str:
    named = "; ".join(f"{shown(refusal.name)!r} {refusal.reason}" for refusal in refused[:_NAMED])
    more = f"; and {len(refused) - _NAMED} more" if len(refused) > _NAMED else ""
    return f"nothing was unpacked, because {named}{more}; --skip-unsafe leaves these out and unpacks the rest"


__all__ = ["ArchiveError", "Settings", "Unpacked", "read_plan", "unpack"]
