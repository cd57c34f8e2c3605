"""Reading whole folders: how much they hold, whether storage has it all, and a name for their content."""

import os
import stat
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from bootstrap.merge import Entry

_CHUNK = 1024 * 1024
#: Called again and again while much is read, so that its caller can show that it is alive.
Tick = Callable[[], None]


def rest() -> None:
    """The tick of those whom nobody waits for."""


class Size(NamedTuple):
    """What a file or folder holds."""

    entries: int
    bytes: int
    #: Newest change of any entry, in seconds since the epoch.
    changed: float
    #: Whether counting stopped at the limit.
    cut: bool = False


def walk(path: str, tick: Tick = rest) -> Iterator[tuple[str, os.stat_result]]:
    """Every entry of the tree at ``path``, itself first as ``""``, by path relative to it; links are not
    followed.
    """
    waiting = [""]
    while waiting:
        tick()
        relative = waiting.pop()
        full = os.path.join(path, relative) if relative else path
        found = os.lstat(full)
        yield relative, found
        if stat.S_ISDIR(found.st_mode):
            names = sorted(os.listdir(full), reverse=True)
            waiting.extend(os.path.join(relative, name) if relative else name for name in names)


def measure(path: str, limit: int, tick: Tick = rest) -> Size:
    """Count the tree at ``path``; stop after ``limit`` entries."""
    entries, total, changed = 0, 0, 0.0
    for _, found in walk(path, tick):
        entries += 1
        changed = max(changed, found.st_ctime, found.st_mtime)
        if stat.S_ISREG(found.st_mode):
            total += found.st_size
        if entries > limit:
            return Size(entries, total, changed, cut=True)
    return Size(entries, total, changed)


def is_covered(path: str, by: str, tick: Tick = rest) -> bool:
    """Whether every file, folder and link of the tree at ``path`` is in the tree at ``by`` too, byte for
    byte.
    """
    for relative, found in walk(path, tick):
        other = os.path.join(by, relative) if relative else by
        try:
            there = os.stat(other) if not relative else os.lstat(other)
        except OSError:
            return False
        if stat.S_IFMT(found.st_mode) != stat.S_IFMT(there.st_mode):
            return False
        if stat.S_ISDIR(found.st_mode) and os.path.samestat(found, there):
            return False  # a bind mount of the very same folder is no second copy of it
        here = os.path.join(path, relative) if relative else path
        if stat.S_ISLNK(found.st_mode):
            if os.readlink(here) != os.readlink(other):
                return False
        elif stat.S_ISREG(found.st_mode):
            if found.st_size != there.st_size or not same_bytes(here, other, tick):
                return False
        elif not stat.S_ISDIR(found.st_mode):
            return False
    return True


def same_bytes(one: str, other: str, tick: Tick = rest) -> bool:
    """Whether two regular files hold the same."""
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC
    with os.fdopen(os.open(one, flags), "rb") as first, os.fdopen(os.open(other, flags), "rb") as second:
        while True:
            tick()
            left, right = first.read(_CHUNK), second.read(_CHUNK)
            if left != right:
                return False
            if not left:
                return True


def carried(name: str, at: str, target: str) -> str:
    """What a link to ``target`` must say when its item moves: a relative one that leads out of the item would
    lead nowhere from elsewhere.

    ``name`` is the link's path in HOME, item first; ``at`` is the link's full path.
    """
    if os.path.isabs(target):
        return target
    inside = os.path.normpath(os.path.join(os.path.dirname(name), target))
    if inside.partition("/")[0] == name.partition("/")[0] and "/" in name:
        return target
    return os.path.normpath(os.path.join(os.path.dirname(at), target))


def contents(path: str, name: str, at: str, tick: Tick = rest) -> "dict[str, Entry]":
    """The tree at ``path`` as entries that can be compared; sockets and the like hold nothing and are left
    out. ``name`` is the item and ``at`` its place in HOME, for what links say from there.
    """
    from bootstrap.items import FOLDER
    from bootstrap.merge import Entry

    found = {}
    for relative, state in walk(path, tick):
        full = os.path.join(path, relative) if relative else path
        if stat.S_ISDIR(state.st_mode):
            found[relative] = Entry(FOLDER)
        elif stat.S_ISLNK(state.st_mode):
            says = carried(f"{name}/{relative}", os.path.join(at, relative), os.readlink(full))
            found[relative] = Entry("link", says, state.st_mtime)
        elif stat.S_ISREG(state.st_mode):
            found[relative] = Entry("file", _hash(full, tick).hex(), state.st_mtime)
    return found


def digest(path: str, tick: Tick = rest) -> str:
    """A name for what the tree at ``path`` holds: 32 hex digits of SHA-256 over names, kinds and bytes."""
    import hashlib

    whole = hashlib.sha256()
    for relative, found in walk(path, tick):
        full = os.path.join(path, relative) if relative else path
        whole.update(os.fsencode(relative) + b"\0%o\0" % stat.S_IFMT(found.st_mode))
        if stat.S_ISLNK(found.st_mode):
            whole.update(os.fsencode(os.readlink(full)) + b"\0")
        elif stat.S_ISREG(found.st_mode):
            whole.update(_hash(full, tick))
    return whole.hexdigest()[:32]


def _hash(path: str, tick: Tick) -> bytes:
    """SHA-256 of a file's bytes; ``hashlib.file_digest`` came with Python 3.11, and vendors' images have
    3.10.
    """
    import hashlib

    whole = hashlib.sha256()
    with open(path, "rb") as file:
        while chunk := file.read(_CHUNK):
            tick()
            whole.update(chunk)
    return whole.digest()
