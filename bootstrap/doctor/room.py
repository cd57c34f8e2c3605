"""Why is the disk full? What takes the room, and what of it can be made again."""

import glob
import os
import stat
import time
from collections.abc import Iterator
from shlex import quote
from typing import NamedTuple

from bootstrap import caches, userbase
from bootstrap.doctor.finding import NOTE, PROBLEM, WARNING, Finding, Patient, size

TOPIC = "room"
#: Seconds for looking through all of it, and for one of its places.
_SECONDS, _EACH = 6.0, 2.0
#: With less room than this nothing can be relied upon to work; with less than this part it soon will not.
_NOTHING, _LITTLE, _PART = 64 * 10**6, 10**9, 0.05
#: A cache that holds this much is worth a word even on an empty disk: free plans hold 5 GB.
_WORTH = 10**9


_TRASH = "the trash of Jupyter's file list"


class Disk(NamedTuple):
    """One file system, and the folders of interest on it."""

    folder: str
    total: int
    free: int
    inodes: int
    free_inodes: int

    @property
    def severity(self) -> str:
        """How near it is to being full."""
        if self.free < min(_NOTHING, self.total * _PART / 2) or (self.inodes and self.free_inodes < 100):
            return PROBLEM
        return WARNING if self.free < min(_LITTLE, self.total * _PART) else NOTE


def look(patient: Patient) -> Iterator[Finding]:
    """The disks of home, storage and notebooks; then what takes their room."""
    until = time.monotonic() + _SECONDS
    place = patient.place
    folders = [place.home, place.storage.root or "", place.profile.notebooks or ""]
    seen: set[int] = set()
    for folder in folders:
        if not folder or not os.path.isdir(folder):
            continue
        device = os.stat(folder).st_dev
        if device not in seen:
            seen.add(device)
            yield from _disk(patient, folder, device, until)


def _disk(patient: Patient, folder: str, device: int, until: float) -> Iterator[Finding]:
    found = os.statvfs(folder)
    disk = Disk(
        folder,
        found.f_blocks * found.f_frsize,
        found.f_bavail * found.f_frsize,
        found.f_files,
        found.f_favail,
    )
    places: dict[str, str] = {}
    for path, what in _spenders(patient):
        if os.path.isdir(path) and os.stat(path).st_dev == device:
            places.setdefault(os.path.realpath(path), what)  # ~/.local may be the storage's
    spent = [(weigh(path, min(until, time.monotonic() + _EACH)), path, what) for path, what in places.items()]
    again = sorted((one for one in spent if one[0] > 0), reverse=True)
    if disk.severity == NOTE:
        for taken, path, held in again:
            if taken >= _WORTH:
                what = f"{path} holds {size(taken)} of {held}, which can go."
                yield Finding(TOPIC, NOTE, what, _clear(path))
        return
    state = (
        "has no room for more files"
        if disk.free >= _NOTHING and disk.severity == PROBLEM
        else "is nearly full"
    )
    what = f"the disk of {folder} {state}: {size(disk.free)} of {size(disk.total)} are left"
    if not again:
        biggest = list(_biggest(folder, device, until))[:3]
        shown = ", ".join(f"{path} ({size(taken)})" for taken, path in biggest)
        yield Finding(
            TOPIC,
            disk.severity,
            f"{what}; most is in {shown or folder}.",
            f"du -xh -d 2 {quote(folder)} | sort -h | tail",
        )
        return
    taken, path, held = again[0]
    yield Finding(
        TOPIC,
        disk.severity,
        f"{what}, and {path} holds {size(taken)} of {held}, which can go.",
        _clear(path),
    )


def _spenders(patient: Patient) -> Iterator[tuple[str, str]]:
    """Folders that may be there and can be emptied without a loss, and what is in them."""
    place = patient.place
    now = caches.variables(place)
    for cache in caches.CACHES:
        if cache.variable in now:
            yield now[cache.variable], cache.what
        # What came before our environment, or in a terminal without it.
        yield patient.home(".cache", cache.default), cache.what
    yield patient.home(".conda", "pkgs"), "what conda has downloaded"
    bases = [patient.home(".local")]
    if place.links:
        yield os.path.join(place.items, ".conda", "pkgs"), "what conda has downloaded"
        bases += [os.path.join(place.items, userbase.ITEM), *userbase.all_bases(place.items)]
    for base in bases:
        yield os.path.join(base, "share", "Trash"), _TRASH
    for root in (place.storage.root, place.profile.notebooks):
        for path in sorted(glob.glob(os.path.join(glob.escape(root), ".Trash-*"))) if root else ():
            yield path, _TRASH


def _clear(path: str) -> str:
    return f"find {quote(path)} -mindepth 1 -delete"


def weigh(path: str, until: float) -> int:
    """Bytes on disk below ``path``, as far as was counted until then; links are not followed."""
    total, waiting, linked = 0, [path], set()
    while waiting and time.monotonic() < until:
        try:
            entries = list(os.scandir(waiting.pop()))
        except OSError:
            continue
        for entry in entries:
            try:
                found = entry.stat(follow_symlinks=False)
            except OSError:
                continue
            if stat.S_ISDIR(found.st_mode):
                waiting.append(entry.path)
            elif found.st_nlink == 1 or found.st_ino not in linked:
                linked.add(found.st_ino)
                total += found.st_blocks * 512
    return total


def _biggest(folder: str, device: int, until: float) -> Iterator[tuple[int, str]]:
    found = []
    try:
        entries = list(os.scandir(folder))
    except OSError:
        return
    for entry in entries:
        if entry.is_symlink():
            continue
        if entry.is_dir() and os.stat(entry.path).st_dev == device:
            found.append((weigh(entry.path, until), entry.path))
        elif entry.is_file():
            found.append((entry.stat().st_size, entry.path))
    yield from sorted(found, reverse=True)
