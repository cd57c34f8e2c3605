"""Which pictures are held back from training, to measure with."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Sequence

__all__ = ["held_back"]


def held_back(members: Sequence[tuple[int, int, str]], *, share: float, seed: int) -> frozenset[int]:
    """The groups to hold back, out of pictures given as (group, class, sha256).

    Whole groups only, about ``share`` of each class's pictures: at least one group and never the last one of
    a class. The order in which groups are taken depends on ``seed`` and on their pictures alone, so most of
    them stay where they were when pictures are added.
    """
    if share <= 0:
        return frozenset()
    labels: dict[int, Counter[int]] = defaultdict(Counter)
    names: dict[int, str] = {}
    for group, label, sha256 in members:
        labels[group][label] += 1
        names[group] = min(sha256, names.get(group, sha256))
    of_class: dict[int, list[int]] = defaultdict(list)
    for group, counts in labels.items():
        # A group that lies in several classes counts for the one that has most of it.
        of_class[min(counts, key=lambda label: (-counts[label], label))].append(group)
    back: set[int] = set()
    for groups in of_class.values():
        back |= _of_one_class({group: labels[group].total() for group in groups}, names, share, seed)
    return frozenset(back)


def _of_one_class(sizes: dict[int, int], names: dict[int, str], share: float, seed: int) -> set[int]:
    order = sorted(sizes, key=lambda group: hashlib.sha256(f"{seed} {names[group]}".encode()).digest())
    # The largest group is kept for training: it may be half the class.
    largest = max(order, key=lambda group: (sizes[group], order.index(group)))
    candidates = [group for group in order if group != largest]
    wanted, taken, back = share * sum(sizes.values()), 0, set[int]()
    for group in candidates:
        if taken + sizes[group] / 2 <= wanted:
            back.add(group)
            taken += sizes[group]
    if not back and candidates:
        back.add(min(candidates, key=lambda group: sizes[group]))
    return back
