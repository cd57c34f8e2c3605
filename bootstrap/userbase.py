"""Where ``pip install --user`` puts things: one place for each image and Python, so that what was built for
an old image cannot break a new one.

``ITEMS/.deepdesign/python/KEY`` is that place. The first image that comes to a storage takes over the
``.local`` that it finds there, or makes it: its KEY is a link to it, and the layout stays the widely used
script's. Every other image gets a folder. ``~/.local`` leads to the same place as ``PYTHONUSERBASE``, so a
shell without our environment installs there too.
"""

import os
import re
import sys

from bootstrap.actions import Ensure, MarkBase
from bootstrap.place import LOCAL, Place, UserBase
from bootstrap.plan import Group
from bootstrap.settings import CLASSIC

ITEM = ".local"
_OWNED = os.path.join("..", "..", ITEM)
_PYTHON = re.compile(r"python(\d+\.\d+)")


def find(place: Place) -> UserBase | None:
    """The user base of this image; ``None`` where all images share one ``.local``."""
    if not place.links or place.settings.preset == CLASSIC or not place.capabilities.symlinks:
        return None
    shared, folder = os.path.join(place.items, ITEM), _folder(place)
    path = os.path.join(folder, place.image)
    try:
        return UserBase(path, shared if os.readlink(path) == _OWNED else path)
    except FileNotFoundError:
        taken = _is_taken(folder) or _is_of_another_python(shared)
        return UserBase(path, path if taken else shared, new=True)
    except OSError:
        return UserBase(path, path)  # a folder


def _folder(place: Place) -> str:
    return os.path.join(place.items, LOCAL, "python")


def all_bases(items: str) -> list[str]:
    """The user bases of all images that have come to this storage."""
    folder = os.path.join(items, LOCAL, "python")
    try:
        return [os.path.join(folder, name) for name in sorted(os.listdir(folder))]
    except OSError:
        return []


def _is_taken(folder: str) -> bool:
    try:
        return any(os.path.islink(os.path.join(folder, name)) for name in os.listdir(folder))
    except OSError:
        return False


def _is_of_another_python(shared: str) -> bool:
    """Whether what stands in ``.local`` was installed by other Pythons only."""
    try:
        names = os.listdir(os.path.join(shared, "lib"))
    except OSError:
        return False
    versions = {match[1] for name in names if (match := _PYTHON.fullmatch(name))}
    return bool(versions) and f"{sys.version_info[0]}.{sys.version_info[1]}" not in versions


def plan_base(place: Place) -> Group:
    """The folders that lead to a new user base, and whether ``.local`` becomes it."""
    base = place.base
    if base is None or not base.new or not place.writable or place.hindered:
        return Group("python")
    folder = _folder(place)
    steps = [Ensure(os.path.dirname(folder), 0o700), Ensure(folder, 0o700)]
    if base.target != base.path:
        return Group("python", (*steps, MarkBase(base.path, _OWNED)))
    shared = os.path.join(place.items, ITEM)
    return Group(
        "python",
        tuple(steps),
        note=f"this image and Python have a ~/.local of their own; what others installed stays in {shared}. "
        "`preset: classic` in the settings uses that one everywhere.",
    )
