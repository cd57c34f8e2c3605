"""What there is to know of a dataset at a glance: figures and groups, ready to be shown. No pictures yet."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from techniques.datasets.contents import Item, contents, hashes
from techniques.datasets.credits import summary, warnings
from techniques.datasets.licences import Licence
from techniques.datasets.rows import Row, rows
from techniques.datasets.sides import read_sides
from techniques.datasets.similar import groups
from techniques.datasets.split import SIDES, leaks, units
from techniques.datasets.wording import counted

__all__ = ["ClassCount", "Outline", "Overview", "overview"]

_FEW, _WORST, _BUSIEST = 6, 24, 12
_SIZES = (224, 384, 512, 768, 1024, 2048)


@dataclass(frozen=True)
class ClassCount:
    """One class: ``wanted`` 0 if nobody said, ``sides`` pictures by side of the split."""

    folder: str
    have: int
    wanted: int
    sides: dict[str, int]


@dataclass(frozen=True)
class Outline:
    """A picture of the ground on the map: x, y, width and height in 0..1000, y downwards."""

    file: str
    folder: str
    box: tuple[float, float, float, float]


@dataclass(frozen=True)
class Overview:
    """Everything that the page says; counts are most first."""

    name: str
    items: tuple[Item, ...]
    classes: tuple[ClassCount, ...]
    licences: dict[str, int]
    sources: dict[str, int]
    reasons: dict[str, int]
    creators: dict[str, int]
    sizes: dict[str, int]
    notes: tuple[str, ...]
    alike: tuple[tuple[str, ...], ...]
    across: tuple[tuple[str, ...], ...]
    """Groups that look alike and stand in several classes."""
    leaks: tuple[tuple[str, ...], ...]
    blurred: tuple[str, ...]
    dark: tuple[str, ...]
    bright: tuple[str, ...]
    unreadable: tuple[str, ...]
    outlines: tuple[Outline, ...]
    extent: tuple[float, float, float, float] | None
    """West, south, east and north of all outlines, in degrees."""

    @property
    def images(self) -> int:
        """Pictures in all classes."""
        return len(self.items)


def overview(root: Path) -> Overview:
    """Look at the dataset in ``root``: any class folders, best with a manifest."""
    known = rows(root)
    items = contents(root, known)
    seen = hashes(root, items)
    alike = [tuple(items[index].file for index in members) for members in groups(seen)]
    kept = [item.row for item in items if item.row]
    stands, by_creator = read_sides(root)
    together = units(items, seen, by_creator=by_creator)
    outlines, extent = _outlines(items)
    return Overview(
        name=root.name,
        items=tuple(items),
        classes=_classes(root, items, stands),
        licences=summary([row for row in kept if "license" in row]),
        sources=_counted(str(row["source"]) for row in kept),
        reasons=_counted(str(row["reason"]) for row in _latest(known) if row["status"] != "kept"),
        creators=dict(
            list(_counted(str(row["creator"]) for row in kept if row.get("creator")).items())[:_BUSIEST]
        ),
        sizes=_sizes(kept),
        notes=tuple(_notes(kept, items)),
        alike=tuple(alike),
        across=tuple(group for group in alike if len({file.partition("/")[0] for file in group}) > 1),
        leaks=tuple(tuple(files) for files in leaks(stands, items, together)) if stands else (),
        blurred=_worst(items, "blur", lowest=True),
        dark=_worst(items, "exposure", lowest=True),
        bright=_worst(items, "exposure", lowest=False),
        unreadable=tuple(item.file for item, value in zip(items, seen, strict=True) if value is None),
        outlines=outlines,
        extent=extent,
    )


def _latest(known: Sequence[Row]) -> list[Row]:
    """The last that was said about each picture: what failed may have come later."""
    return list({(row["source"], row["source_id"]): row for row in known}.values())


def _classes(root: Path, items: Sequence[Item], stands: dict[str, str]) -> tuple[ClassCount, ...]:
    arguments = _json(root / "run.json").get("arguments") or {}
    wanted = arguments.get("per_class") if isinstance(arguments, dict) else 0
    have = Counter(item.folder for item in items)
    by_side = Counter((item.folder, stands.get(item.file, "")) for item in items)
    return tuple(
        ClassCount(
            folder,
            have[folder],
            wanted if isinstance(wanted, int) else 0,
            {side: by_side[folder, side] for side in SIDES if by_side[folder, side]},
        )
        for folder in sorted(have)
    )


def _notes(kept: Sequence[Row], items: Sequence[Item]) -> list[str]:
    found = warnings(list(kept))
    if strangers := sum(not item.row for item in items):
        found.append(f"{counted(strangers, 'picture')} put in by hand: nobody has said under which licence")
    if any(not Licence(str(row.get("license", ""))).adaptation and row.get("license") for row in kept):
        found.append("some may not be changed (ND): training on them and styling them changes them")
    return found


def _sizes(kept: Sequence[Row]) -> dict[str, int]:
    """Pictures by their shorter side in pixels."""
    counted: Counter[int] = Counter()
    for row in kept:
        if row.get("width") and row.get("height"):
            side = min(int(row["width"]), int(row["height"]))
            counted[sum(side >= edge for edge in _SIZES)] += 1
    names = [
        f"under {_SIZES[0]}",
        *(f"{low} to {high - 1}" for low, high in pairwise(_SIZES)),
    ]
    names.append(f"{_SIZES[-1]} and more")
    return {name: counted[place] for place, name in enumerate(names) if counted[place]}


def _worst(items: Sequence[Item], score: str, *, lowest: bool) -> tuple[str, ...]:
    scored = [(float(item.row[score]), item.file) for item in items if item.row.get(score) is not None]
    # The worst tenth: of a small set nearly all would be on show as its worst otherwise.
    shown = min(_WORST, max(_FEW, len(scored) // 10))
    return tuple(file for _, file in sorted(scored, reverse=not lowest)[:shown])


def _outlines(items: Sequence[Item]) -> tuple[tuple[Outline, ...], tuple[float, float, float, float] | None]:
    shown = [item for item in items if isinstance(item.row.get("bounds"), list)]
    if not shown:
        return (), None
    boxes = _side_by_side([item.row["bounds"] for item in shown])
    west, south = min(box[0] for box in boxes), min(box[1] for box in boxes)
    east, north = max(box[2] for box in boxes), max(box[3] for box in boxes)
    wide, high = max(east - west, 1e-9), max(north - south, 1e-9)
    scale_x, scale_y = 1000 / wide, 1000 / high
    return tuple(
        Outline(
            item.file,
            item.folder,
            (
                round((box[0] - west) * scale_x, 2),
                round((north - box[3]) * scale_y, 2),
                round((box[2] - box[0]) * scale_x, 2),
                round((box[3] - box[1]) * scale_y, 2),
            ),
        )
        for item, box in zip(shown, boxes, strict=True)
    ), (west, south, east, north)


def _side_by_side(boxes: list[list[float]]) -> list[list[float]]:
    """``boxes`` in degrees, the western ones beyond the date line if all then lie nearer together."""
    turns = [360 if box[0] < 0 else 0 for box in boxes]
    beyond = [[box[0] + turn, box[1], box[2] + turn, box[3]] for box, turn in zip(boxes, turns, strict=True)]
    return min(boxes, beyond, key=lambda all_: max(box[2] for box in all_) - min(box[0] for box in all_))


def _counted(values: Any) -> dict[str, int]:
    return dict(
        sorted(Counter(value for value in values if value).items(), key=lambda pair: (-pair[1], pair[0]))
    )


def _json(path: Path) -> dict[str, Any]:
    try:
        read = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return read if isinstance(read, dict) else {}
