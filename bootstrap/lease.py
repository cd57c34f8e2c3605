"""One start at a time may change a storage.

A file server's locks hang where they do not work, so the lease is a file that is created in one step, holds
who has it, and is worthless once its owner is dead or has not renewed it for a while.
"""

import contextlib
import errno
import json
import os
import stat
import time

from bootstrap.owner import Owner, temporary, this_process
from bootstrap.system import System

#: How long a start waits for another one, in seconds.
PATIENCE = 5.0
#: A lease that has not been renewed for this long has no owner any more. A hook ends after 60 seconds.
EXPIRY = 90.0
_RENEW = 15.0


class Lease:
    """The right to change a storage: the file ``lease`` in ``folder``, with drafts in its folder ``tmp``."""

    def __init__(self, folder: str, system: System) -> None:
        self.path = os.path.join(folder, "lease")
        self.drafts = os.path.join(folder, "tmp")
        self.system = system
        self.owner = this_process()
        self._renewed = 0.0
        self._held = False
        self._lost = False

    def take(self, patience: float = PATIENCE) -> bool:
        """Wait for the lease, at most ``patience`` seconds; returns whether it is held."""
        until = time.monotonic() + patience
        while True:
            if self._create():
                self._held, self._renewed = True, time.monotonic()
                return True
            seen = _read(self.path)
            if seen is not None and self._is_stale(seen):
                self._break(seen)
                continue
            if time.monotonic() >= until:
                return False
            time.sleep(0.1)

    def renew(self) -> None:
        """Say that the owner is at work; cheap enough to be called at every step.

        Raises OSError once another start has the lease, since this one was silent for too long.
        """
        if self._held and time.monotonic() - self._renewed > _RENEW:
            self._lost = _read(self.path) != self.owner
            self._held = not self._lost
            if self._held:
                self.system.touch(self.path)
                self._renewed = time.monotonic()
        if self._lost:
            raise BlockingIOError(errno.EWOULDBLOCK, "another start has taken over in between", self.path)

    def keep(self) -> None:
        """The same for work that only reads: nothing is said yet of a lease that is lost."""
        with contextlib.suppress(OSError):
            self.renew()

    def release(self) -> None:
        """Give the lease back, if it is still this process's."""
        if self._held and _read(self.path) == self.owner:
            self.system.unlink(self.path)
        self._held = False

    def _create(self) -> bool:
        if os.path.lexists(self.path):
            return False
        # Written under another name first: nobody ever reads half a lease.
        draft = temporary(self.drafts)
        self.system.write_file(draft, json.dumps(self.owner._asdict()).encode(), 0o600)
        try:
            self.system.hard_link(draft, self.path)
        except FileExistsError:
            return False
        except OSError:
            # No hard links here (some mounts): a rename may replace, so look first and read back after.
            if os.path.lexists(self.path):
                return False
            self.system.rename(draft, self.path)
            return _read(self.path) == self.owner
        finally:
            # What is left of it is swept up later.
            with contextlib.suppress(OSError):
                if os.path.lexists(draft):
                    self.system.unlink(draft)
        return True

    def _is_stale(self, seen: Owner) -> bool:
        return seen.is_dead(self.owner) or self._age() > EXPIRY

    def _age(self) -> float:
        """Seconds since the lease was renewed, both ends by the file server's clock."""
        probe = temporary(self.drafts)
        try:
            self.system.write_file(probe, b"", 0o600)
            try:
                # A clock that once ran ahead must not make a lease immortal.
                return abs(os.stat(probe).st_mtime - os.lstat(self.path).st_mtime)
            finally:
                self.system.unlink(probe)
        except OSError:
            return 0.0

    def _break(self, seen: Owner) -> None:
        """Take a stale lease away; of two processes that try, one gets it."""
        taken = temporary(self.drafts)
        try:
            self.system.rename(self.path, taken)
        except FileNotFoundError:
            return
        if _read(taken) != seen:
            # Somebody else broke it first and this is their new one: give it back.
            with contextlib.suppress(OSError):
                self.system.hard_link(taken, self.path)
        with contextlib.suppress(OSError):  # a folder, put there by hand: swept up later
            self.system.unlink(taken)


def _read(path: str) -> Owner | None:
    unknown = Owner("", 0, "")  # unreadable: only its age can tell
    try:
        # Others write to this storage: a fifo must not hang the start, nor a link lead elsewhere.
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                return unknown
            return Owner(**json.loads(file.read(4096)))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, RecursionError):
        return unknown
