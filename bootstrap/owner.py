"""Who is at work: a process, named so that others can tell whether it still lives."""

import errno
import os
import zlib
from typing import NamedTuple


class Owner(NamedTuple):
    """A process on a machine."""

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


def temporary(folder: str) -> str:
    """An unused name in ``folder`` that tells whose it is."""
    owner = this_process()
    for number in range(10_000):
        path = os.path.join(folder, f"{owner.mark}.{owner.pid}.{owner.started}.{number}")
        if not os.path.lexists(path):
            return path
    raise FileExistsError(errno.EEXIST, "it is full of leftovers", folder)


def of_temporary(name: str, here: Owner) -> Owner | None:
    """Whose a name made by ``temporary`` is, if its machine is this one."""
    mark, _, rest = name.partition(".")
    pid, _, rest = rest.partition(".")
    if mark != here.mark or not pid.isdigit():
        return None
    return Owner(here.host, int(pid), rest.partition(".")[0])


def is_temporary(name: str) -> bool:
    """Whether ``name`` is one that ``temporary`` makes, on whatever machine."""
    mark, *numbers = name.split(".")
    return len(mark) == 8 and len(numbers) == 3 and all(part.isdigit() for part in numbers)


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
