"""Commands that other packages bring: each entry point in the group ``deepdesign.commands`` is one.

Read from the packages' own lists without importing anything. Reading them all takes a while on a file server,
so what was found is kept in HOME under each folder's time of change: pip changes a folder when it installs
or removes something in it.
"""

import os
import re
import sys
from collections.abc import Iterable
from typing import NamedTuple

from bootstrap import names
from bootstrap.place import Place

GROUP = "deepdesign.commands"
#: The file in the bootstrap's folder in HOME that keeps what was found.
KEPT = "plugins"
_ENTRY = re.compile(r"([A-Za-z_][A-Za-z0-9_.]*):([A-Za-z_][A-Za-z0-9_.]*)")
_LIMIT = 64 * 1024


class Plugin(NamedTuple):
    """One command of a package's: ``name = module:function``, found in the packages folder ``folder``."""

    name: str
    module: str
    function: str
    folder: str


class Shelf(NamedTuple):
    """A folder of packages, when it changed last, and the commands in it."""

    folder: str
    changed: int
    plugins: tuple[Plugin, ...]


def look(place: Place) -> tuple[Shelf, ...]:
    """The image's packages, then the user's; a folder that has not changed since is not read again."""
    kept = {shelf.folder: shelf for shelf in _parse(_read(os.path.join(place.local, KEPT)))}
    found = []
    for folder in dict.fromkeys((*_image_folders(), user_folder(place))):
        try:
            changed = os.stat(folder).st_mtime_ns
        except OSError:
            continue
        known = kept.get(folder)
        same = known is not None and known.changed == changed
        found.append(known if known is not None and same else Shelf(folder, changed, tuple(_plugins(folder))))
    return tuple(found)


def user_folder(place: Place) -> str:
    """Where ``pip install --user`` puts packages for this Python."""
    if place.base:
        base = place.base.path
    else:
        base = place.target(".local") if place.links else os.path.join(place.home, ".local")
    return os.path.join(base, "lib", f"python{sys.version_info[0]}.{sys.version_info[1]}", "site-packages")


def text(shelves: Iterable[Shelf]) -> bytes:
    """What ``look`` keeps for the next start."""
    lines = []
    for shelf in shelves:
        lines.append(f"{shelf.changed} {shelf.folder}")
        lines += [f"\t{plugin.name} {plugin.module}:{plugin.function}" for plugin in shelf.plugins]
    return ("\n".join(lines) + "\n").encode("utf-8", "surrogateescape")


def _image_folders() -> list[str]:
    return [path for path in sys.path if path.endswith(("site-packages", "dist-packages"))]


def _plugins(folder: str) -> list[Plugin]:
    found: dict[str, Plugin] = {}
    try:
        entries = sorted(os.listdir(folder))
    except OSError:
        return []
    for entry in entries:
        if entry.endswith(".dist-info"):
            for name, module, function in entry_points(os.path.join(folder, entry), GROUP):
                found.setdefault(name, Plugin(name, module, function, folder))
    return list(found.values())


def entry_points(metadata: str, group: str) -> list[tuple[str, str, str]]:
    """``(name, module, function)`` of each entry point in ``group`` that the package with the folder
    ``metadata`` registers; what cannot be a command is left out.
    """
    content = _read(os.path.join(metadata, "entry_points.txt"))
    if group not in content:
        return []
    found, section = [], ""
    for line in content.splitlines():
        if line.startswith("["):
            section = line.strip("[] \t")
        elif section == group and "=" in line:
            name, _, value = (part.strip() for part in line.partition("="))
            match = _ENTRY.fullmatch(value.partition("[")[0].strip())
            if match and names.is_command(name):
                found.append((name, match[1], match[2]))
    return found


def _parse(content: str) -> list[Shelf]:
    shelves: list[Shelf] = []
    for line in content.split("\n"):
        if line.startswith("\t") and shelves:
            name, _, value = line[1:].partition(" ")
            match = _ENTRY.fullmatch(value)
            if match is None or not names.is_command(name):
                return []  # another version's, or spoiled: it is made anew
            last = shelves[-1]
            plugin = Plugin(name, match[1], match[2], last.folder)
            shelves[-1] = last._replace(plugins=(*last.plugins, plugin))
        elif line:
            changed, _, folder = line.partition(" ")
            if not changed.isdigit():
                return []
            shelves.append(Shelf(folder, int(changed), ()))
    return shelves


def _read(path: str) -> str:
    try:
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
            return file.read(_LIMIT).decode("utf-8", "surrogateescape")
    except OSError:
        return ""
