"""Which picture trains and which one tests: nothing that hangs together stands on both sides. Pure.

Pictures that look alike, are by one creator or on one page, or show the same ground are one unit. A
unit's side follows from a hash of the seed and its members, so that adding pictures leaves the others where
they are; what was once decided is kept.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from techniques.datasets.contents import Item
from techniques.datasets.similar import groups

__all__ = ["SIDES", "Split", "SplitError", "assign", "joined", "leaks", "units"]

SIDES = ("train", "val", "test")
_TOUCH = 1e-6  # degrees, a tenth of a metre: neighbours of a grid only touch


class SplitError(Exception):
    """A class cannot be divided; the text says which and why."""


@dataclass(frozen=True)
class Split:
    """``sides`` by file; ``notes`` are what a reader should know of it."""

    sides: dict[str, str]
    notes: tuple[str, ...]


def units(items: Sequence[Item], hashes: Sequence[int | None], *, by_creator: bool = True) -> list[list[int]]:
    """The indices of ``items`` in units that must stay together, each in order."""
    bonds = groups(hashes)
    if by_creator:
        same: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
        for index, item in enumerate(items):
            if item.creator:
                same["creator", item.creator].append(index)
            if page := item.row.get("page_url"):
                same["page", str(page)].append(index)
        bonds = [*bonds, *same.values()]
    bonds = [*bonds, *_overlapping(items)]
    return joined(len(items), bonds)


def joined(count: int, bonds: Iterable[Sequence[int]]) -> list[list[int]]:
    """The numbers below ``count`` in groups, each in order: those of a bond, and of bonds that share one."""
    roots = list(range(count))

    def root(index: int) -> int:
        while roots[index] != index:
            roots[index] = roots[roots[index]]
            index = roots[index]
        return index

    for first, *others in bonds:
        for other in others:
            low, high = sorted((root(first), root(other)))
            roots[high] = low
    found: defaultdict[int, list[int]] = defaultdict(list)
    for index in range(count):
        found[root(index)].append(index)
    return list(found.values())


def assign(
    items: Sequence[Item],
    together: Sequence[Sequence[int]],
    shares: Mapping[str, float],
    *,
    seed: int = 0,
    known: Mapping[str, str] | None = None,
) -> Split:
    """A side for each picture, by units; ``shares`` are those of ``val`` and ``test``, 0..1.

    ``known`` is what an earlier split said, by file. A unit that new pictures have joined to one that trained
    trains as a whole: what a network has seen tells nothing when it is tested on.

    Raises:
        SplitError: a class has too few units for every side.
    """
    known = known or {}
    wanted = [side for side in ("test", "val") if shares.get(side, 0) > 0]
    sizes = Counter(item.folder for item in items)
    chances = [(_chance(unit, items, seed), list(unit)) for unit in together]
    chances.sort(key=lambda pair: pair[0])
    decided: list[tuple[list[int], str, bool]] = []
    notes = []
    for chance, unit in chances:
        before = {known[items[index].file] for index in unit if items[index].file in known}
        if before:
            side = "train" if "train" in before else sorted(before)[0]
            if len(before) > 1:
                notes.append(
                    f"{len(unit)} pictures have come to hang together over two sides; all are {side} now"
                )
            decided.append((unit, side, True))
        else:
            decided.append((unit, _side(chance, unit, items, sizes, shares, wanted), False))
    sides = [side for _, side, _ in decided]
    for side in wanted:
        for folder in sorted(sizes):
            _see_to(folder, side, decided, sides, items, wanted)
    return Split(
        {
            items[index].file: side
            for (unit, _, _), side in zip(decided, sides, strict=True)
            for index in unit
        },
        tuple(notes),
    )


def leaks(
    sides: Mapping[str, str], items: Sequence[Item], together: Iterable[Sequence[int]]
) -> list[list[str]]:
    """The files of each unit that stands on more than one side; empty for a clean split."""
    found = []
    for unit in together:
        files = [items[index].file for index in unit]
        if len({sides[file] for file in files if file in sides}) > 1:
            found.append(files)
    return found


def _overlapping(items: Sequence[Item]) -> list[list[int]]:
    """Pairs of pictures of the ground that show a part of it both; from west to east, a sweep.

    What lies over the date line lies at both ends of the map.
    """
    found: list[list[int]] = []
    open_boxes: list[tuple[int, list[float]]] = []
    placed = [(item.row["bounds"], index) for index, item in enumerate(items) if "bounds" in item.row]
    over = [(box, index) for box, index in placed if box[0] < -180 or box[2] > 180]
    for turn in (360, -360):
        placed += [([box[0] + turn, box[1], box[2] + turn, box[3]], index) for box, index in over]
    for box, index in sorted(placed):
        west, south, _, north = box
        open_boxes = [(other, known) for other, known in open_boxes if known[2] > west + _TOUCH]
        for other, known in open_boxes:
            if known[1] < north - _TOUCH and south < known[3] - _TOUCH:
                found.append([other, index])
        open_boxes.append((index, box))
    return found


def _chance(unit: Sequence[int], items: Sequence[Item], seed: int) -> float:
    """A number in 0..1 that belongs to the unit: its smallest name's, so most new members change nothing."""
    name = min(items[index].file.rpartition("/")[2] for index in unit)
    digest = hashlib.sha256(f"{seed}:{name}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


def _side(
    chance: float,
    unit: Sequence[int],
    items: Sequence[Item],
    sizes: Mapping[str, int],
    shares: Mapping[str, float],
    wanted: Sequence[str],
) -> str:
    edge = 0.0
    for side in wanted:
        edge += shares[side]
        if chance < edge:
            heavy = Counter(items[index].folder for index in unit)
            # One busy photographer would be the whole of a side.
            fits = all(count <= max(1.0, shares[side] * sizes[folder]) for folder, count in heavy.items())
            return side if fits else "train"
    return "train"


def _see_to(
    folder: str,
    side: str,
    decided: Sequence[tuple[list[int], str, bool]],
    sides: list[str],
    items: Sequence[Item],
    wanted: Sequence[str],
) -> None:
    """Give ``side`` a unit of the class ``folder`` if it has none: the smallest that is not spoken for."""

    def has(number: int) -> int:
        return sum(items[index].folder == folder for index in decided[number][0])

    mine = [number for number in range(len(decided)) if has(number)]
    if any(sides[number] == side for number in mine):
        return
    training = [number for number in mine if sides[number] == "train"]
    free = [number for number in training if not decided[number][2]] or training
    if len(training) < 2:
        raise SplitError(
            f"the class {folder} has {len(mine)} independent group{'s' if len(mine) > 1 else ''} of pictures "
            f"(by creator, page, ground and likeness), and {1 + len(wanted)} are needed to divide it"
        )
    sides[min(free, key=lambda number: (len(decided[number][0]), -has(number), number))] = side
