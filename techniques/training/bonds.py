"""Which pictures must be held back together: those that look alike, and those from one hand.

A photographer's pictures share a camera, a light and often a building. Who has learnt from some of them has
seen half of the others. `deepdesign collect` writes down who made what; where that list lies in the dataset,
pictures by one creator, from one page or of the same ground stand on one side.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

from techniques.datasets.contents import Item
from techniques.datasets.rows import NAME, DamagedManifestError, Row, rows
from techniques.datasets.split import joined, units
from techniques.training.problems import Problem

__all__ = ["bonds"]


def bonds(
    root: Path, members: Sequence[tuple[str, int, int]], classes: Sequence[str]
) -> tuple[list[int], list[Problem]]:
    """A number for each of ``members``, given as (path, class, group of near-duplicates): the same for those
    that are to be held back together, and what is to be said of it.

    A class that is all by one creator would have nothing to measure with, so it is divided by likeness.
    """
    alike = [group for _, _, group in members]
    try:
        known = _known(root, [path for path, _, _ in members])
    except (DamagedManifestError, OSError, KeyError):
        return alike, [Problem("unknown-creators", NAME, "damaged or not readable")]
    if not known:
        return alike, []
    together = _together(members, known)
    lone = sorted(
        label
        for label in {label for _, label, _ in members}
        if _parts(together, members, label) == 1 and _parts(alike, members, label) > 1
    )
    freed = {path: known[path] for path, label, _ in members if path in known and label not in lone}
    return _together(members, freed), [Problem("one-creator", classes[label]) for label in lone]


def _known(root: Path, paths: Sequence[str]) -> Mapping[str, Row]:
    """What the manifest says of the pictures at ``paths``, by path; it lies beside the class folders."""
    tops = {PurePosixPath(path).parts[0] for path in paths}
    wrapped = tops.pop() if len(tops) == 1 else ""  # a lone folder that wraps the class folders
    for base in ("", f"{wrapped}/") if wrapped else ("",):
        if (root / base / NAME).is_file():
            found = {base + row["file"]: row for row in rows(root / base) if row["status"] == "kept"}
            return {path: found[path] for path in paths if path in found}
    return {}


def _together(members: Sequence[tuple[str, int, int]], known: Mapping[str, Row]) -> list[int]:
    items = [Item(path, path.rpartition("/")[0], known.get(path, {})) for path, _, _ in members]
    alike: dict[int, list[int]] = defaultdict(list)
    for index, (_, _, group) in enumerate(members):
        alike[group].append(index)
    numbers = list(range(len(members)))
    for unit in joined(len(members), [*alike.values(), *units(items, [None] * len(items))]):
        for index in unit:
            numbers[index] = unit[0]
    return numbers


def _parts(numbers: Sequence[int], members: Sequence[tuple[str, int, int]], label: int) -> int:
    """How many of ``numbers`` the class ``label`` has."""
    return len({number for number, (_, own, _) in zip(numbers, members, strict=True) if own == label})
