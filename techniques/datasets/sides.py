"""A split on disk: ``OUT/train/CLASS`` and its sisters, as links to the dataset's own pictures."""

import json
import os
import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from techniques.datasets.rows import inside
from techniques.datasets.split import SIDES
from techniques.errors import BadInputError
from techniques.files import write_text

__all__ = ["NAME", "Terms", "read_known", "read_sides", "write_sides"]

NAME = "split.json"
_COARSEST = 2.0  # seconds in which FAT counts times


@dataclass(frozen=True)
class Terms:
    """How a dataset is divided; under other terms an earlier split says nothing."""

    val: float
    test: float
    seed: int
    by_creator: bool


def read_known(root: Path, terms: Terms) -> dict[str, str]:
    """The sides that an earlier split of the dataset in ``root`` gave under the same ``terms``."""
    saved = _saved(root / NAME)
    return _sides(saved) if saved.get("terms") == asdict(terms) else {}


def read_sides(root: Path) -> tuple[dict[str, str], bool]:
    """How the dataset in ``root`` is divided now, and whether creators were kept together."""
    saved = _saved(root / NAME)
    terms = saved.get("terms")
    return _sides(saved), bool(terms.get("by_creator", True)) if isinstance(terms, dict) else True


def write_sides(root: Path, out: Path, sides: Mapping[str, str], terms: Terms) -> None:
    """Make ``out`` hold the split, and remember it in ``root`` and ``out``.

    What an earlier split put there and is elsewhere now is taken away; nothing else is.

    Raises:
        BadInputError: ``out`` holds things that no split of ours put there, or ``root`` a split of another
            program's.
    """
    _refuse_strangers(root / NAME)
    before = _sides(_saved(out / NAME))
    if out.exists() and not out.is_dir():
        raise BadInputError(f"-o {out} is a file. Name a folder.")
    if not before and out.exists() and any(out.iterdir()):
        raise BadInputError(f"-o {out} holds other things already. Name a new folder.")
    if out.resolve() == root.resolve() or root.resolve() in out.resolve().parents:
        raise BadInputError(f"-o {out} lies in the dataset, where a folder is a class. Name one beside it.")
    out.mkdir(parents=True, exist_ok=True)
    # What somebody has put there themselves stays, and is never taken for ours.
    theirs = {
        file
        for file, side in sides.items()
        if before.get(file) != side
        and os.path.lexists(out / side / file)
        and not _same(root / file, out / side / file)
    }
    ours = {file: side for file, side in sides.items() if file not in theirs}
    for file, side in before.items():
        if sides.get(file) != side:
            stale = out / side / file
            stale.unlink(missing_ok=True)
            with suppress(OSError):
                stale.parent.rmdir()
    # Before the links, so that a run that dies leaves nothing that the next one does not know; and after what
    # was taken away, of which the earlier text knows.
    write_text(out / NAME, json.dumps({"sides": before | ours}) + "\n")
    for file, side in ours.items():
        if not _same(root / file, out / side / file):
            _link(root / file, out / side / file)
    write_text(root / NAME, _text(sides, terms))
    write_text(out / NAME, _text(ours, terms))


def _text(sides: Mapping[str, str], terms: Terms) -> str:
    return json.dumps({"terms": asdict(terms), "sides": dict(sorted(sides.items()))}, indent=1) + "\n"


def _refuse_strangers(path: Path) -> None:
    """Many sets are published with a ``split.json`` of their own, which is not ours to replace."""
    saved = _saved(path)
    ours = isinstance(saved.get("terms"), dict) and isinstance(saved.get("sides"), dict)
    if os.path.lexists(path) and not ours:
        raise BadInputError(
            f"{path} is there, and no split of ours. Rename it: what `dataset split` decided is kept under "
            "that name."
        )


def _saved(path: Path) -> dict[str, Any]:
    try:
        read = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return read if isinstance(read, dict) else {}


def _sides(saved: dict[str, Any]) -> dict[str, str]:
    """Each file's side. The text may be a stranger's, and what it names is linked to and deleted."""
    sides = saved.get("sides")
    return {
        file: side
        for file, side in (sides.items() if isinstance(sides, dict) else ())
        if side in SIDES and inside(file, 2)
    }


def _same(source: Path, target: Path) -> bool:
    """Whether ``target`` is a link to ``source``, or a copy that was made when it was as it is now."""
    try:
        here, there = source.stat(), target.stat()
    except OSError:
        return False
    return os.path.samestat(here, there) or (
        here.st_size == there.st_size and abs(here.st_mtime - there.st_mtime) < _COARSEST
    )


def _link(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_name(f".{target.name}.part")
    draft.unlink(missing_ok=True)
    try:
        os.link(source, draft)
    except OSError:  # another disk, or one that knows no links
        shutil.copy2(source, draft)
    draft.replace(target)
