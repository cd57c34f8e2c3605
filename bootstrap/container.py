"""Is this a container, and since when? What is older came with its image; on a machine of its own, or in a
home that was mounted into the container, nothing did.
"""

import os
from collections.abc import Iterator, Mapping

from bootstrap import mounts

#: Where the root is put together from an image's layers.
_LAYERED = frozenset({"overlay", "aufs", "fuse-overlayfs", "fuse.fuse-overlayfs"})
#: What engines call the control groups of their containers, where those are to be seen from inside.
_GROUPS = ("docker", "containerd", "kubepods", "libpod", "crio")
#: Values of the variable ``container`` that mean an image; LXC and systemd set it too, for whole machines.
_ENGINES = frozenset({"docker", "podman", "oci", "containerd", "crio"})

#: Written once, when Docker makes the container.
_DOCKERS = "/.dockerenv"


def is_container(environment: Mapping[str, str] | None = None, root: str = "/") -> bool:
    """Whether the file system at ``root`` was made from an image, by any engine's sign of it.

    Docker and Podman leave a file; under Kubernetes neither is there, but its variables are, the control
    group's name or a root in layers.
    """
    variables = os.environ if environment is None else environment
    return (
        any(os.path.lexists(os.path.join(root, name)) for name in (".dockerenv", "run/.containerenv"))
        or bool(variables.get("KUBERNETES_SERVICE_HOST"))
        or variables.get("container") in _ENGINES
        or any(mount.point == "/" and mount.kind in _LAYERED for mount in _mounts(root))
        or any(name in line for line in _lines(os.path.join(root, "proc/1/cgroup")) for name in _GROUPS)
    )


def started(folder: str = "/") -> float:
    """When the container was made whose image ``folder`` came with, in seconds since the epoch.

    0 where that cannot be told, where this is no container, and where ``folder`` lies on another file system
    than the container's own. Files of the image are older, those of a user newer. The first process tells,
    except in a container that was stopped and started again: there Docker's own file, written once, is older.
    """
    try:
        if not is_container() or os.stat(folder).st_dev != os.stat("/").st_dev:
            return 0.0
        with open("/proc/1/stat", encoding="ascii", errors="replace") as file:
            ticks = int(file.read().rpartition(")")[2].split()[19])
        boot = next(int(line.split()[1]) for line in _lines("/proc/stat") if line.startswith("btime"))
    except (OSError, ValueError, IndexError, StopIteration):
        return 0.0
    first = boot + ticks / os.sysconf("SC_CLK_TCK")
    try:
        return min(first, os.lstat(_DOCKERS).st_ctime)
    except OSError:
        return first


def _mounts(root: str) -> list[mounts.Mount]:
    return mounts.parse(_lines(os.path.join(root, "proc/self/mountinfo")))


def _lines(path: str) -> Iterator[str]:
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            yield from file
    except OSError:
        return
