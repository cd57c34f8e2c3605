"""Of pictures that look alike, the best one is kept. Pure."""

from collections.abc import Container, Sequence
from dataclasses import dataclass

from techniques.datasets.contents import Item
from techniques.duplicates import near_groups, near_to

__all__ = ["Weaker", "groups", "weaker"]

# Which of two equal pictures asks less of whoever shows a result.
_FREEDOM = ("cc0", "pdm", "by", "by-sa", "by-nc", "by-nc-sa", "by-nd", "by-nc-nd", "")


@dataclass(frozen=True)
class Weaker:
    """``item`` looks like ``best``, which is kept."""

    item: Item
    best: Item

    @property
    def why(self) -> str:
        """For the manifest."""
        better = "has more pixels" if self.best.pixels > self.item.pixels else "is as good or better"
        return f"looks like {self.best.file}, which {better}"


def groups(hashes: Sequence[int | None]) -> list[list[int]]:
    """The indices of pictures that hang together by likeness, for every group of two and more."""
    readable = [(index, value) for index, value in enumerate(hashes) if value is not None]
    found: dict[int, list[int]] = {}
    for (index, _), name in zip(readable, near_groups([value for _, value in readable]), strict=True):
        found.setdefault(name, []).append(index)
    return [members for members in found.values() if len(members) > 1]


def weaker(items: Sequence[Item], hashes: Sequence[int | None], keep: Container[str] = ()) -> list[Weaker]:
    """What to drop, with what it looks like.

    The best of a group is the largest, then the freest by licence, then the sharpest, then the oldest. A
    picture is only dropped if it looks like one that is kept: a row of slowly changing views loses those in
    between, not all but one. Files that a person asked to ``keep`` come first and stay.
    """
    found = []
    for members in groups(hashes):
        kept: list[int] = []
        ordered = sorted(
            members, key=lambda index: (items[index].file not in keep, *_rank(items[index]), index)
        )
        for index in ordered:
            near = near_to(_known(hashes[index]), [_known(hashes[other]) for other in kept])
            if near and items[index].file not in keep:
                found.append(Weaker(items[index], items[kept[near[0]]]))
            else:
                kept.append(index)
    return found


def _rank(item: Item) -> tuple[int, int, float, str]:
    licence = item.row.get("license", "")
    freedom = _FREEDOM.index(licence) if licence in _FREEDOM else len(_FREEDOM)
    return -item.pixels, freedom, -float(item.row.get("blur") or 0.0), str(item.row.get("retrieved_at"))


def _known(value: int | None) -> int:
    if value is None:
        raise ValueError("a picture that cannot be read has no group")
    return value
