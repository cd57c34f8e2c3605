"""What is there: home and storage, item by item, read and never changed."""

import errno
import os
import stat
import sys
from typing import TYPE_CHECKING, NamedTuple

from bootstrap import agreement, items, names, trees, ways
from bootstrap.items import COPY, FILE, FOLDER, LINK, MERGE, STORAGE, Item
from bootstrap.place import Place
from bootstrap.storage import is_bind_mount
from bootstrap.trees import Size
from bootstrap.wrong_modes import WrongMode, wrong_modes

if TYPE_CHECKING:  # what only items with a conflict or a copy need is imported for them only
    from bootstrap.merge import Tree

MISSING = "missing"
OTHER = "other"  # a socket, a device, a fifo
OURS = "ours"  # a link to the item in storage, or the very same folder
LIVE = "live link"  # a link to something else
DEAD = "dead link"  # a link to nothing, or a loop
MOUNT = "mount"
BROKEN = "broken"  # in storage: a link to nothing, a loop, no access

#: At a notebook's start larger trees are left to a person: on a file server 2,000 files may take ten seconds.
START_ENTRIES = 2_000
START_BYTES = 256 * 1024 * 1024


class Sides(NamedTuple):
    """All that home and storage have of an item, where it must be compared entry by entry."""

    home: "Tree"
    storage: "Tree"
    #: What both had when they last agreed.
    base: "Tree | None" = None
    #: The agreement as it is on record.
    record: bytes = b""


class ItemState(NamedTuple):
    """One item on both sides."""

    item: Item
    path: str  # in HOME
    target: str  # in storage
    home: str
    store: str
    #: The kind of what HOME's entry is or leads to.
    kind: str = MISSING
    #: Where HOME's link leads, as it is written.
    leads: str = ""
    #: Why storage's entry is broken.
    trouble: str = ""
    #: What HOME has, when it would have to be moved or kept.
    size: Size | None = None
    #: That is more than a notebook's start can wait for.
    large: bool = False
    #: Storage has all of it already.
    covered: bool = False
    #: Nothing in it has changed since the container started, so it came with the image.
    from_image: bool = False
    wrong_modes: tuple[WrongMode, ...] = ()
    #: The storage lies in it: moving it would move the storage.
    holds_storage: bool = False
    #: Whether it is to be linked or copied, and why it is a copy where nobody asked for one.
    way: str = LINK
    why: str = ""
    policy: str = STORAGE
    #: HOME's file came where this bootstrap had made a link: it is the newer version of what storage has.
    replaced: bool = False
    #: There is an agreement on record, so this home has had a copy.
    agreed: bool = False
    sides: Sides | None = None
    #: Wrong permissions of HOME's own files, for items that are copies.
    home_modes: tuple[WrongMode, ...] = ()
    #: A link in a folder of keys to a file that others can read.
    open_key: str = ""
    #: Of what is broken: what stands in the way, or what this user has no right to read.
    hinders: str = ""
    shut: str = ""


def observe_items(place: Place) -> tuple[ItemState, ...]:
    """Both sides of every item: those of the settings, then whatever else stands in storage."""
    chosen = [item for item in place.settings.items if item.name not in place.settings.skip]
    listed = {item.name for item in chosen} | place.settings.skip
    return tuple(_observe_alone(place, item) for item in [*chosen, *_beyond(place, listed)])


def _observe_alone(place: Place, item: Item) -> ItemState:
    """``observe_item``, but what cannot be read is this item's trouble and no other's."""
    try:
        return observe_item(place, item)
    except OSError as error:
        path, target = os.path.join(place.home, item.name), place.target(item.name)
        at = os.fsdecode(error.filename or path)
        trouble = f"{at} cannot be read ({error.strerror})"
        return ItemState(item, path, target, OTHER, BROKEN, trouble=trouble, shut=_shut(error, at))


def _shut(error: OSError, path: str) -> str:
    return path if error.errno in (errno.EACCES, errno.EPERM) else ""


def _beyond(place: Place, listed: set[str] | frozenset[str]) -> list[Item]:
    try:
        found = sorted(os.listdir(place.items))
    except OSError:
        return []
    return [
        Item(name)
        for name in found
        if name not in listed and not items.is_debris(name) and names.why_not_an_item(name) is None
    ]


def observe_item(place: Place, item: Item) -> ItemState:
    """Read both sides of ``item``."""
    path, target = os.path.join(place.home, item.name), place.target(item.name)
    store, trouble, hinders, shut = _store_side(path, target)
    home, kind, leads = _home_side(path, target)
    if home == LIVE and _is_another_base(place, item.name, leads):
        home, kind = DEAD, MISSING  # another image's packages are not to be copied into this one's
    state = ItemState(item, path, target, home, store, kind, leads, trouble, hinders=hinders, shut=shut)
    if home in (FOLDER, LIVE) and _holds(path, place.storage.root or ""):
        return state._replace(holds_storage=True)
    way, why = ways.way(place, item, target)
    state = state._replace(
        way=way,
        why=why,
        policy=item.conflict or place.settings.conflict,
        agreed=os.path.lexists(agreement.file(place.local, item.name)),
    )
    if store in (FOLDER, FILE):
        wrong, open_key = wrong_modes(os.path.dirname(target), item.name)
        state = state._replace(wrong_modes=wrong, open_key=open_key)
    if way == COPY:
        return _copied(place, state)
    moves = home in (FOLDER, FILE) or (home == LIVE and store == MISSING and kind in (FOLDER, FILE))
    if moves:
        state = _measured(place, state, path)
        if store in (FOLDER, FILE) and home != LIVE and state.size:
            state = _compared(place, state, state.size)
    return state


def _is_another_base(place: Place, item: str, leads: str) -> bool:
    """Whether HOME's link leads to what another image or Python has installed."""
    if place.base is None or item != ".local":
        return False
    return leads == os.path.join(place.items, item) or leads.startswith(
        os.path.join(os.path.dirname(place.base.path), "")
    )


def _measured(place: Place, state: ItemState, *paths: str) -> ItemState:
    limit = START_ENTRIES if place.starting else sys.maxsize
    sizes = [trees.measure(os.path.realpath(path), limit, place.tick) for path in paths]
    large = place.starting and any(size.cut or size.bytes > START_BYTES for size in sizes)
    return state._replace(size=sizes[0], large=large)


def _compared(place: Place, state: ItemState, size: Size) -> ItemState:
    """What there is to know where both sides have something and HOME's is to become a link."""
    from bootstrap import container

    state = state._replace(
        covered=not state.large and trees.is_covered(state.path, state.target, place.tick),
        from_image=not size.cut and size.changed < container.started(os.path.dirname(state.path)),
    )
    if state.covered or state.large:
        return state
    if state.home == FILE and state.store == FILE:
        from bootstrap import journal

        state = state._replace(replaced=state.path in journal.linked(place.local))
    if state.agreed or state.replaced or (state.policy == MERGE and not state.from_image):
        state = state._replace(sides=_sides(place, state))
    return state


def _copied(place: Place, state: ItemState) -> ItemState:
    """What there is to know of an item of which HOME has a copy."""
    stored = [state.target] if state.store in (FOLDER, FILE) else []
    if state.home in (FOLDER, FILE):
        state = _measured(place, state, state.path, *stored)
        wrong, open_key = wrong_modes(place.home, state.item.name)
        state = state._replace(home_modes=wrong, open_key=state.open_key or open_key)
    elif state.home == LIVE and state.kind in (FOLDER, FILE) and not stored:
        state = _measured(place, state, state.path)
    elif stored:
        state = _measured(place, state, state.target)
    if state.large or not state.size:
        return state
    return state._replace(sides=_sides(place, state))


def _sides(place: Place, state: ItemState) -> Sides:
    name = state.item.name
    if state.home == LIVE and state.store == MISSING:  # what will be in storage is where HOME's link leads
        real = os.path.realpath(state.path)
        return Sides({}, trees.contents(real, name, real, place.tick))
    return Sides(
        trees.contents(state.path, name, state.path, place.tick) if state.home in (FOLDER, FILE) else {},
        trees.contents(state.target, name, state.path, place.tick) if state.store in (FOLDER, FILE) else {},
        agreement.read(place.local, name, state.target),
        _content(agreement.file(place.local, name)),
    )


def _content(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return b""


def _holds(path: str, root: str) -> bool:
    return (os.path.realpath(root) + "/").startswith(os.path.realpath(path) + "/")


def _kind(found: os.stat_result) -> str:
    if stat.S_ISDIR(found.st_mode):
        return FOLDER
    return FILE if stat.S_ISREG(found.st_mode) else OTHER


def _store_side(path: str, target: str) -> tuple[str, str, str, str]:
    """How storage's entry stands; if it is broken why, and what is in the way or shut."""
    try:
        found = os.lstat(target)
        if stat.S_ISLNK(found.st_mode):
            found = os.stat(target)
            real = os.path.realpath(target)
            own = os.path.join(os.path.realpath(os.path.dirname(path)), os.path.basename(path))
            if real == own or real.startswith(own + "/"):
                return BROKEN, f"{target} is a link back into this home; remove it", target, ""
    except FileNotFoundError:
        if os.path.islink(target):
            why = f"{target} is a link to {os.readlink(target)}, which does not exist; mend or remove it"
            return BROKEN, why, target, ""
        return MISSING, "", "", ""
    except NotADirectoryError:
        above = os.path.dirname(target)
        while not os.path.lexists(above):
            above = os.path.dirname(above)
        return BROKEN, f"{above} is a file where a folder is needed", above, ""
    except OSError as error:
        link = target if os.path.islink(target) else ""
        shut = "" if link else _shut(error, target)
        return BROKEN, f"{target} cannot be read ({error.strerror}); mend or remove it", link, shut
    kind = _kind(found)
    if kind == OTHER:
        return BROKEN, f"{target} is neither a file nor a folder; remove it", target, ""
    return kind, "", "", ""


def _home_side(path: str, target: str) -> tuple[str, str, str]:
    """How HOME's entry stands, the kind of what is behind it, and where its link leads."""
    try:
        found = os.lstat(path)
    except FileNotFoundError:
        return MISSING, MISSING, ""
    if stat.S_ISLNK(found.st_mode):
        leads = os.readlink(path)
        if leads == target:
            return OURS, MISSING, leads
        try:
            behind = os.stat(path)
        except OSError:
            return DEAD, MISSING, leads
        if os.path.realpath(path) == os.path.realpath(target):
            return OURS, MISSING, leads
        return LIVE, _kind(behind), leads
    kind = _kind(found)
    if kind == FOLDER:
        try:
            if os.path.samestat(found, os.stat(target)):
                return OURS, FOLDER, ""
        except OSError:
            pass
        if os.path.ismount(path):
            return MOUNT, FOLDER, ""
    elif kind == FILE and is_bind_mount(path):
        return MOUNT, FILE, ""
    return kind, kind, ""
