"""Unpacking in tests: quiet, with the settings under test."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from techniques.archives.unpack import Settings, Unpacked, unpack

Unpack = Callable[..., Unpacked]


@pytest.fixture
def unpacked() -> Unpack:
    def run(path: Path, folder: Path | None = None, **settings: Any) -> Unpacked:
        return unpack(path, folder, Settings(**settings), lambda done, total, name: None)

    return run


def tree(folder: Path) -> dict[str, bytes]:
    """Every file below ``folder`` with its bytes."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
