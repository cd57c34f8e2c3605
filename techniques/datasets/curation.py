"""What a person decides about pictures, as a list that is applied as a whole and taken back as a whole.

A list is a CSV of ``action,file,to``: ``drop,gothic/1a2b.jpg,``, ``move,gothic/3c4d.jpg,dome`` or
``keep,gothic/5e6f.jpg,``. The report page makes it; so does any spreadsheet.
"""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from techniques.datasets.recipe import folder_name
from techniques.datasets.rows import Place

__all__ = ["ACTIONS", "CurationError", "Decision", "parse", "places"]

ACTIONS = ("keep", "drop", "move")


class CurationError(ValueError):
    """The list cannot be applied; the text names the line."""


@dataclass(frozen=True)
class Decision:
    """One line: what happens to ``file``, and for ``move`` to which class folder."""

    action: str
    file: str
    to: str = ""


def parse(text: str) -> list[Decision]:
    """The decisions of a list, in its order; blank lines, comments and a head line are left out.

    Raises:
        CurationError: a line is none, or a file is named twice.
    """
    found: dict[str, Decision] = {}
    for number, cells in enumerate(csv.reader(io.StringIO(text.lstrip("\ufeff"))), start=1):
        row = [cell.strip() for cell in cells]
        if not any(row) or row[0].startswith("#") or row[0].casefold() == "action":
            continue
        action, file, to = (*row, "", "", "")[:3]
        action = action.casefold()
        if action not in ACTIONS:
            raise CurationError(f"line {number}: {row[0]!r} is none of {', '.join(ACTIONS)}")
        if not file:
            raise CurationError(f"line {number}: names no file")
        if action == "move" and (not to or folder_name(to) != to):
            raise CurationError(f"line {number}: {to!r} is no name for a class folder")
        if file in found:
            raise CurationError(f"line {number}: {file} is named twice")
        found[file] = Decision(action, file, to)
    if not found:
        raise CurationError("it decides nothing; write lines such as: drop,gothic/1a2b.jpg")
    return list(found.values())


def places(
    decisions: Sequence[Decision], present: Sequence[str], first: Mapping[str, str], batch: int
) -> list[Place]:
    """Where each picture goes. ``present`` are the files there now, ``first`` gives a moved one's first name.

    Raises:
        CurationError: a file is not there, or a move would lie on another file.
    """
    there = set(present)
    found = []
    for decision in decisions:
        if decision.file not in there:
            raise CurationError(f"{decision.file} is not in the dataset")
        name = first.get(decision.file, decision.file)
        folder, _, plain = decision.file.partition("/")
        if decision.action == "drop":
            found.append(Place(name, "", "curated", "dropped by hand", batch))
        elif decision.action == "keep":
            found.append(Place(name, folder, "keep", "kept by hand", batch))
        else:
            target = f"{decision.to}/{plain}"
            if target in there and target != decision.file:
                raise CurationError(f"{decision.file}: there is a {target} already")
            there.add(target)
            found.append(Place(name, decision.to, "moved", f"moved by hand from {folder}", batch))
    return found
