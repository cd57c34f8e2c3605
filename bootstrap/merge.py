"""Bringing two copies of an item together: a pure function of what home has, what storage has, and what both
had when they last agreed.

A side that has not changed since they agreed follows the other. Where both have changed, or where nothing is
known of an earlier agreement, the item's policy decides, and what loses is kept.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from bootstrap.items import HOME, MERGE, STOP


class Entry(NamedTuple):
    """One file, folder or link of a tree."""

    kind: str
    #: The SHA-256 of a file, the target of a link, nothing of a folder.
    mark: str = ""
    #: When it was last changed, in seconds since the epoch.
    changed: float = 0.0

    def is_as(self, other: "Entry | None") -> bool:
        """Whether both hold the same; when they were changed does not count."""
        return other is not None and (self.kind, self.mark) == (other.kind, other.mark)


#: Entries by their path within the item; the item itself is ``""``.
Tree = Mapping[str, Entry]

ADD_TO_STORAGE = "add to storage"
ADD_TO_HOME = "add to home"
REPLACE_IN_STORAGE = "replace in storage"
REPLACE_IN_HOME = "replace in home"
TAKE_FROM_STORAGE = "take from storage"
TAKE_FROM_HOME = "take from home"
CONFLICT = "conflict"


class Step(NamedTuple):
    """What to do with one entry and all below it."""

    what: str
    path: str
    #: Whether what is replaced exists nowhere else, so that it must be kept.
    keep: bool = False


def below(tree: Iterable[str], path: str) -> Iterable[str]:
    """The paths in ``tree`` that are ``path`` or lie in it."""
    if not path:
        return tree
    return [each for each in tree if each == path or each.startswith(path + "/")]


def decide(home: Tree, storage: Tree, base: Tree | None, policy: str) -> tuple[Step, ...]:
    """The steps after which both sides hold the same. ``base`` is what they last agreed on, if they did.

    A side that has nothing at all left is taken for lost, not for emptied: it is filled again.
    """
    if base is not None and (set(home) <= {""} or set(storage) <= {""}) and len(base) > 1:
        base = None
    steps: list[Step] = []
    done: list[str] = []
    for path in sorted({*home, *storage}):
        if any(path == each or path.startswith(each + "/") or not each for each in done):
            continue
        here, there = home.get(path), storage.get(path)
        if here is not None and here.is_as(there):
            continue
        done.append(path)
        steps.append(_one(path, home, storage, base, policy))
    return tuple(steps)


def _one(path: str, home: Tree, storage: Tree, base: Tree | None, policy: str) -> Step:
    here, there = home.get(path), storage.get(path)
    home_changed = base is None or not _same(home, base, path)
    storage_changed = base is None or not _same(storage, base, path)
    if there is None:
        # Taken out of storage, or new in home: only an unchanged copy of what was there follows.
        return Step(TAKE_FROM_HOME if not home_changed else ADD_TO_STORAGE, path)
    if here is None:
        return Step(TAKE_FROM_STORAGE if not storage_changed else ADD_TO_HOME, path)
    if not storage_changed:
        return Step(REPLACE_IN_STORAGE, path)
    if not home_changed:
        return Step(REPLACE_IN_HOME, path)
    if policy == STOP:
        return Step(CONFLICT, path)
    newer = _changed(home, path) > _changed(storage, path)
    if policy == HOME or (policy == MERGE and newer):
        return Step(REPLACE_IN_STORAGE, path, keep=True)
    return Step(REPLACE_IN_HOME, path, keep=True)


def _same(tree: Tree, base: Tree, path: str) -> bool:
    """Whether ``tree`` still holds at ``path`` what both sides agreed on."""
    paths = {*below(tree, path)}
    return paths == {*below(base, path)} and all(tree[each].is_as(base[each]) for each in paths)


def _changed(tree: Tree, path: str) -> float:
    return max(tree[each].changed for each in below(tree, path))


def agreed(home: Tree, storage: Tree, steps: Iterable[Step]) -> dict[str, Entry]:
    """What both sides hold when ``steps`` are done."""
    after = dict(storage)
    for step in steps:
        if step.what in (ADD_TO_STORAGE, REPLACE_IN_STORAGE, TAKE_FROM_STORAGE):
            for path in list(below(after, step.path)):
                del after[path]
        if step.what in (ADD_TO_STORAGE, REPLACE_IN_STORAGE):
            after.update({path: home[path] for path in below(home, step.path)})
    return after
