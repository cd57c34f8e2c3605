"""What was set aside long ago and is elsewhere too may go; the last copy of anything stays."""

import os
import time
from typing import NamedTuple

from bootstrap import trees
from bootstrap.actions import Prune
from bootstrap.observe import START_ENTRIES
from bootstrap.place import Place
from bootstrap.plan import Group


class Aside(NamedTuple):
    """One thing that was set aside: a folder that holds it at its path from HOME."""

    path: str
    item: str
    since: float


def plan_asides(place: Place) -> Group:
    """Steps that remove what is older than the settings say, beyond the newest of each item."""
    folders = place.asides
    steps: list[Prune] = []
    for folder in folders:
        steps += _surplus(place, folder, folders[-1])
    return Group("asides", tuple(steps))


def _surplus(place: Place, folder: str, stored: str) -> list[Prune]:
    keep, days = place.settings.asides
    try:
        names = os.listdir(folder)
    except OSError:
        return []
    by_item: dict[str, list[Aside]] = {}
    for name in names:
        if (found := _read(os.path.join(folder, name))) is not None:
            by_item.setdefault(found.item, []).append(found)
    oldest = time.time() - days * 24 * 3600.0
    steps = []
    for item, all_of_it in by_item.items():
        all_of_it.sort(key=lambda aside: (aside.since, aside.path), reverse=True)
        # Only what stays counts as another copy: the item, the newer ones, and those that storage keeps.
        others = [os.path.dirname(place.target(item))] if item else [folder]
        if folder != stored:
            others += _stored(stored, item)
        others += [aside.path for aside in all_of_it[:keep]]
        for aside in all_of_it[keep:]:
            by = _other(place, aside, others) if aside.since < oldest else ""
            if by:
                steps.append(Prune(aside.path, by))
            else:
                others.append(aside.path)
    return steps


def _read(path: str) -> Aside | None:
    try:
        inside = os.listdir(path)
        return Aside(path, inside[0] if inside else "", os.lstat(path).st_mtime)
    except OSError:
        return None  # not a folder, so not one of ours


def _stored(folder: str, item: str) -> list[str]:
    try:
        names = os.listdir(folder)
    except OSError:
        return []
    paths = [os.path.join(folder, name) for name in names]
    return [path for path in paths if os.path.lexists(os.path.join(path, item))]


def _other(place: Place, aside: Aside, others: list[str]) -> str:
    """One of ``others`` that holds all of ``aside``; ``""`` if none does."""
    mine = os.path.join(aside.path, aside.item)
    try:
        if place.starting and trees.measure(mine, START_ENTRIES).cut:
            return ""  # that would take long; a person's `apply` does it
        for other in others:
            if trees.is_covered(mine, os.path.join(other, aside.item), place.tick):
                return other
    except OSError:
        pass  # what cannot be read is not known to be elsewhere
    return ""
