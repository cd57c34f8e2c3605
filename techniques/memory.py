"""How much memory there is, in words and in bytes, and whether an error means that it ran out."""

import re
import resource
from contextlib import suppress
from pathlib import Path

from techniques.errors import BadInputError

__all__ = ["available", "in_words", "out_of_memory", "parse_memory", "peak_resident"]

_UNITS = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}
_LEAST = 256 << 20  # below it not even PyTorch itself fits
# What PyTorch, the C++ library and oneDNN say; only PyTorch's CUDA allocator has a type of its own. The last
# is all that oneDNN says when there is no room for the code or the scratch of a convolution.
_WORDS = (
    "can't allocate memory",
    "not enough memory",
    "out of memory",
    "bad_alloc",
    "Cannot allocate memory",
    "could not create a primitive",
)


def parse_memory(text: str) -> int:
    """Bytes from ``6GB``, ``6 GiB``, ``500M``. Units are powers of 1024, as memory is sold.

    Raises:
        BadInputError: it is no amount, or less than anything could be done with.
    """
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([KMGT]?)i?B?\s*", text, re.IGNORECASE)
    if not found:
        raise BadInputError(f"--memory {text!r} is not an amount of memory. Write it like 6GB or 800MB.")
    amount = int(float(found[1]) * _UNITS[found[2].upper()])
    if amount < _LEAST:
        raise BadInputError(f"--memory {text}: at least {in_words(_LEAST)} are needed. Give more.")
    return amount


def in_words(amount: int) -> str:
    """``amount`` bytes for people, as ``parse_memory`` reads it: 5.9 GB, 800 MB."""
    return f"{amount / 2**30:.1f} GB" if amount >= 2**30 else f"{max(1, amount >> 20)} MB"


def available(root: Path = Path("/")) -> int:
    """Bytes of main memory that this process may hold in all: what it has, and what is free for it.

    The least of what the machine, the container (cgroup v2 or v1) and ``ulimit -v`` leave.
    """
    own = _status(root, "VmRSS")
    free = [_field(root / "proc/meminfo", "MemAvailable"), *_left_by_cgroups(root)]
    soft = resource.getrlimit(resource.RLIMIT_AS)[0]
    if soft != resource.RLIM_INFINITY:
        free.append(soft - _status(root, "VmSize"))
    return own + max(0, min((one for one in free if one is not None), default=0))


def out_of_memory(error: BaseException) -> bool:
    """Whether ``error`` says that memory, of the machine or of the card, ran out."""
    return (
        isinstance(error, MemoryError)
        or type(error).__name__ == "OutOfMemoryError"
        or (isinstance(error, RuntimeError) and any(words in str(error) for words in _WORDS))
    )


def peak_resident(root: Path = Path("/")) -> int:
    """The most main memory, in bytes, that this process has held so far.

    Linux counts what the starting process held into ``ru_maxrss`` of the started one, so that is only asked
    where the kernel keeps no peak of its own for the program (gVisor).
    """
    return _status(root, "VmHWM") or resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10


def _left_by_cgroups(root: Path) -> list[int]:
    left = []
    for line in _lines(root / "proc/self/cgroup"):
        _, controllers, path = line.split(":", 2)
        if controllers == "":
            base, most, now = root / "sys/fs/cgroup", "memory.max", "memory.current"
        elif "memory" in controllers.split(","):
            base, most, now = root / "sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes"
        else:
            continue
        # A container sees its own group as the root, under a path that need not exist there.
        for part in (Path(path.lstrip("/")), *Path(path.lstrip("/")).parents):
            limit, used = _number(base / part / most), _number(base / part / now)
            if limit is not None and used is not None and limit < 2**60:
                cache = _field(base / part / "memory.stat", "inactive_file", unit=1) or 0
                left.append(limit - used + cache)
    return left


def _status(root: Path, name: str) -> int:
    return _field(root / "proc/self/status", name) or 0


def _field(path: Path, name: str, *, unit: int = 1024) -> int | None:
    for line in _lines(path):
        words = line.replace(":", " ").split()
        if words and words[0] == name:
            return int(words[1]) * unit
    return None


def _number(path: Path) -> int | None:
    lines = _lines(path)
    return int(lines[0]) if lines and lines[0].isdigit() else None


def _lines(path: Path) -> list[str]:
    with suppress(OSError):
        return path.read_text(encoding="utf-8").splitlines()
    return []
