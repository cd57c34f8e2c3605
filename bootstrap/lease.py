"""One start at a time may change a storage.

A file server's locks hang where they do not work, so the lease is a file that is created in one step, holds
who has it, and is worthless once its owner is dead or has not renewed it for a while.
"""

import contextlib
import json
import os
import time
import zlib
from typing import NamedTuple

from bootstrap.system import System

#: How long a start waits for another one, in seconds.
PATIENCE = 5.0
#: A lease that has not been renewed for this long has no owner any more. A hook ends after 60 seconds.
EXPIRY = 90.0
_RENEW = 15.0


class Owner(NamedTuple):
    """A process, so that another one on the same machine can tell whether it still lives."""

    host: str
    pid: int
    started: str

    @property
    def mark(self) -> str:
        """A short name of the machine, fit for file names."""
        return f"{zlib.crc32(self.host.encode('utf-8', 'surrogateescape')):08x}"

    def is_dead(self, here: "Owner") -> bool:
        """Whether this process has ended; of another machine's processes nothing is known."""
        return self.host == here.host and _started(self.pid) != self.started


def this_process() -> Owner:
    """The owner that this process is."""
    return Owner(_host(), os.getpid(), _started(os.getpid()))


def _host() -> str:
    """Names the set of processes among which a pid means something: machine, boot and pid namespace."""
    parts = [os.uname().nodename]
    try:
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
            parts.append(file.read().strip())
        parts.append(os.readlink("/proc/self/ns/pid"))
    except OSError:
        pass
    return " ".join(parts)


def _started(pid: int) -> str:
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
            fields = file.read().rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if fields[0] in "ZX" else fields[19]


class Lease:
    """The right to change the storage whose own folder is ``folder``."""

    def __init__(self, folder: str, system: System) -> None:
        self.path = os.path.join(folder, "lease")
        self.system = system
        self.owner = this_process()
        self._renewed = 0.0
        self._held = False

    def take(self, patience: float = PATIENCE) -> bool:
        """Wait for the lease, at most ``patience`` seconds; returns whether it is held."""
        until = time.monotonic() + patience
        while True:
            if self._create():
                self._held, self._renewed = True, time.monotonic()
                return True
            seen = self._read()
            if seen is not None and self._is_stale(seen):
                self._break(seen)
                continue
            if time.monotonic() >= until:
                return False
            time.sleep(0.1)

    def renew(self) -> None:
        """Say that the owner is at work; cheap enough to be called at every step."""
        if self._held and time.monotonic() - self._renewed > _RENEW:
            self.system.touch(self.path)
            self._renewed = time.monotonic()

    def release(self) -> None:
        """Give the lease back, if it is still this process's."""
        if self._held and self._read() == self.owner:
            self.system.unlink(self.path)
        self._held = False

    def _create(self) -> bool:
        if os.path.lexists(self.path):
            return False
        # Written under another name first: nobody ever reads half a lease.
        draft = f"{self.path}.{self.owner.pid}.{time.monotonic_ns()}"
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
            return self._read() == self.owner
        finally:
            if os.path.lexists(draft):
                self.system.unlink(draft)
        return True

    def _read(self) -> Owner | None:
        try:
            with open(self.path, "rb") as file:
                return Owner(**json.loads(file.read(4096)))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError):
            return Owner("", 0, "")  # unreadable: only its age can tell

    def _is_stale(self, seen: Owner) -> bool:
        return seen.is_dead(self.owner) or self._age() > EXPIRY

    def _age(self) -> float:
        """Seconds since the lease was renewed, both ends by the file server's clock."""
        probe = f"{self.path}.clock.{self.owner.pid}.{time.monotonic_ns()}"
        try:
            self.system.write_file(probe, b"", 0o600)
            try:
                return os.stat(probe).st_mtime - os.stat(self.path).st_mtime
            finally:
                self.system.unlink(probe)
        except OSError:
            return 0.0

    def _break(self, seen: Owner) -> None:
        """Take a stale lease away; of two processes that try, one gets it."""
        taken = f"{self.path}.stale.{self.owner.pid}.{time.monotonic_ns()}"
        try:
            self.system.rename(self.path, taken)
        except FileNotFoundError:
            return
        mine, self.path = self.path, taken
        got = self._read()
        self.path = mine
        if got != seen:
            # Somebody else broke it first and this is their new one: give it back.
            with contextlib.suppress(OSError):
                self.system.hard_link(taken, self.path)
        self.system.unlink(taken)
