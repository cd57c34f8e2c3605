"""What the kernel says about the file system that a path lies on; read from its list, which never hangs."""

import os
from collections.abc import Iterable
from typing import NamedTuple


class Mount(NamedTuple):
    """One line of ``/proc/self/mountinfo``, as far as the bootstrap needs it."""

    point: str
    device: str  # major:minor
    root: str  # which folder of the file system is mounted here
    options: str
    kind: str  # ext4, nfs4, fuse.sshfs ...
    source: str
    of_all: str  # options of the file system itself

    @property
    def identity(self) -> str:
        """Changes when something else, or the same with other options, is mounted here."""
        return " ".join((self.device, self.root, self.kind, self.source, self.options, self.of_all))


def parse(lines: Iterable[str]) -> list[Mount]:
    """The mounts in ``lines``; one that is not understood is left out."""
    found = []
    for line in lines:
        before, _, after = line.rstrip("\n").partition(" - ")
        left, right = before.split(" "), after.split(" ")
        if len(left) >= 6 and len(right) >= 3:
            device, root, point, options = left[2:6]
            found.append(Mount(_plain(point), device, _plain(root), options, right[0], right[1], right[2]))
    return found


def _plain(text: str) -> str:
    for escaped, letter in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        text = text.replace(escaped, letter)
    return text


def read() -> list[Mount]:
    """All mounts that this process sees; none where the kernel does not say."""
    try:
        with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as file:
            return parse(file)
    except OSError:
        return []


def of(path: str, mounts: Iterable[Mount] | None = None) -> Mount | None:
    """The mount that the absolute ``path`` lies on: the last of those with the longest point."""
    best = None
    for mount in read() if mounts is None else mounts:
        inside = mount.point == "/" or path == mount.point or path.startswith(mount.point + "/")
        if inside and (best is None or len(mount.point) >= len(best.point)):
            best = mount
    return best


def of_real(path: str) -> Mount | None:
    """The mount of what ``path`` leads to; this one asks the disk."""
    return of(os.path.realpath(path))
