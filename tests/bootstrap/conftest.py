"""A sandbox: the code under test may write below the test's own folder and nowhere else."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.bootstrap.homes import Scratch

_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
# Events of the interpreter's own audit, and which of their arguments are paths that change.
_EVENTS = {
    "os.mkdir": (0,),
    "os.rmdir": (0,),
    "os.remove": (0,),
    "os.rename": (0, 1),
    "os.link": (1,),
    "os.symlink": (1,),
    "os.chmod": (0,),
    "os.chown": (0,),
    "os.utime": (0,),
    "os.truncate": (0,),
    "os.setxattr": (0,),
    "shutil.rmtree": (0,),
}
_roots: list[str] = []


def _strays(event: str, arguments: tuple[Any, ...]) -> str | None:
    """The path outside all allowed folders that ``event`` would change, if any."""
    if event == "open":
        path, _, flags = arguments
        paths = [path] if isinstance(flags, int) and flags & _WRITES else []
    else:
        paths = [arguments[index] for index in _EVENTS.get(event, ())]
    for path in paths:
        if isinstance(path, int) or path is None:
            continue
        text = os.fsdecode(path)
        if text.startswith(("/proc/self/fd/", "/dev/null")):
            continue
        # The entry itself is changed, not what it leads to: only its folder is resolved.
        parent, name = os.path.split(os.path.abspath(text))
        real = os.path.join(os.path.realpath(parent), name)
        if not any(real == root or real.startswith(root + "/") for root in _roots):
            return real
    return None


def _audit(event: str, arguments: tuple[Any, ...]) -> None:
    if _roots and (event == "open" or event in _EVENTS):
        stray = _strays(event, arguments)
        if stray is not None and "__pycache__" not in stray:
            raise AssertionError(f"{event} would touch {stray}, which is not this test's")


sys.addaudithook(_audit)


@pytest.fixture(autouse=True)
def sandbox(tmp_path: Path) -> Iterator[None]:
    """Fail any write of this process outside the test's own folder."""
    _roots.append(os.path.realpath(tmp_path))
    yield
    _roots.clear()


@pytest.fixture
def scratch(tmp_path: Path) -> Scratch:
    """An empty home and an empty storage."""
    (tmp_path / "home").mkdir()
    (tmp_path / "storage").mkdir()
    return Scratch(tmp_path / "home", tmp_path / "storage")
