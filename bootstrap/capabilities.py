"""What a storage can do: tried out, since the name of a platform or of a file system does not tell.

A mount is tried once in a home. The answer is kept there under the mount's identity, so a start that changes
nothing still writes nothing, and another mount at the same path is tried anew.
"""

import contextlib
import errno
import os
import stat
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from bootstrap import mounts

if TYPE_CHECKING:
    from bootstrap.system import System

NAME = "capabilities"
#: File systems whose format has no place for permissions or links: known before anything was tried.
_WITHOUT = frozenset({"vfat", "msdos", "exfat"})
#: A lock that takes longer than this never comes.
_LOCK_SECONDS = 1.0


class Capabilities(NamedTuple):
    """What works in a storage. The defaults are a local disk's."""

    #: Whether links can be made in it (those in HOME that lead to it are another matter).
    symlinks: bool = True
    #: Whether permissions stay as they are set. If not, keys in it are refused by ssh.
    modes: bool = True
    #: Whether what this user creates belongs to this user (a squashed file server says nobody).
    owner: bool = True
    #: Whether a rename replaces a file in one step.
    rename: bool = True
    #: Whether a lock is granted in time; databases need that.
    locks: bool = True


def known(root: str, local: str) -> Capabilities | None:
    """What was found when the mount of ``root`` was tried, as kept in the folder ``local`` of a home."""
    mount = mounts.of_real(root)
    try:
        with open(os.path.join(local, NAME), encoding="utf-8", errors="surrogateescape") as file:
            identity, *lines = file.read(16 * 1024).split("\n")
    except OSError:
        return None
    if mount is None or identity != _one_line(mount.identity):
        return None
    answers = dict(line.partition(" ")[::2] for line in lines if line)
    if set(answers) != set(Capabilities._fields):
        return None  # kept by another version
    return Capabilities(**{name: answer == "yes" for name, answer in answers.items()})


def assumed(root: str) -> Capabilities:
    """What can be said before anything was tried."""
    mount = mounts.of_real(root)
    if mount is not None and mount.kind in _WITHOUT:
        return Capabilities(symlinks=False, modes=False)
    return Capabilities()


def text(root: str, found: Capabilities) -> bytes:
    """The content of the file in which ``found`` is kept."""
    mount = mounts.of_real(root)
    lines = [_one_line(mount.identity) if mount else ""]
    lines += [f"{name} {'yes' if works else 'no'}" for name, works in found._asdict().items()]
    return ("\n".join(lines) + "\n").encode("utf-8", "surrogateescape")


def _one_line(identity: str) -> str:
    return identity.replace("\n", "\\012")


def probe(folder: str, system: "System") -> Capabilities:
    """Try everything in a temporary folder in ``folder``, one of the bootstrap's own in the storage.

    Raises OSError if not even a file can be written; whatever was left behind is swept up by a later start.
    """
    from bootstrap.owner import temporary

    room = temporary(folder)
    system.make_folder(room, 0o700)
    one, other, link = (os.path.join(room, name) for name in ("one", "other", "link"))
    try:
        for name in (one, other):
            try:
                system.write_file(name, os.path.basename(name).encode(), 0o600)
            except PermissionError:  # some refuse even to set what is wanted
                if not os.path.lexists(name):
                    raise
        first = os.lstat(one)
        return Capabilities(
            symlinks=_works(lambda: system.symlink("one", link)) and os.path.islink(link),
            modes=_keeps_modes(system, room, first),
            owner=first.st_uid == os.geteuid(),
            locks=_grants_locks(one),
            rename=_works(lambda: system.rename(other, one)) and not os.path.lexists(other),
        )
    finally:
        with contextlib.suppress(OSError):
            for name in os.listdir(room):
                system.unlink(os.path.join(room, name))
            system.remove_folder(room)


def _keeps_modes(system: "System", room: str, first: os.stat_result) -> bool:
    """Some mounts show one mode for all, and it may be the very one that was asked for: two are tried."""
    if stat.S_IMODE(first.st_mode) & 0o777 != 0o600:
        return False
    return _works(lambda: system.change_mode(room, "one", 0o400)) and _works(
        lambda: system.change_mode(room, "one", 0o644)
    )


def _works(attempt: Callable[[], None]) -> bool:
    try:
        attempt()
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.ESTALE, errno.ETIMEDOUT):
            raise  # that says nothing about what it can do
        return False
    return True


def _grants_locks(path: str) -> bool:
    """Ask for a lock in a process of its own: where a file server's locks do not work, it hangs."""
    import fcntl
    import signal
    import time

    child = os.fork()
    if child == 0:
        status = 1
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)  # what SQLite asks for
            status = 0
        finally:
            os._exit(status)
    until = time.monotonic() + _LOCK_SECONDS
    while time.monotonic() < until:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return status == 0
        time.sleep(0.001)
    os.kill(child, signal.SIGKILL)
    # It may not even die; whoever starts us takes it in.
    os.waitpid(child, os.WNOHANG)
    return False


def open_parent(path: str, below: str = "/") -> str:
    """The first folder from ``below`` on the way to ``path``, both included, that somebody else may change;
    ``""`` if there is none.

    For such a path sshd refuses keys (its StrictModes: owned by root or the user, not writable by group or
    others; all folders from /, or from HOME for what is really in it).
    """
    real, top = os.path.realpath(path), os.path.realpath(below)
    folders = [real]
    while folders[-1] not in (top, "/"):
        folders.append(os.path.dirname(folders[-1]))
    for folder in reversed(folders):
        try:
            found = os.stat(folder)
        except OSError:
            return ""
        if found.st_mode & 0o022 or found.st_uid not in (0, os.geteuid()):
            return folder
    return ""
