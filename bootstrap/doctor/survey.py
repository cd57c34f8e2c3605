"""What a Python has, asked of itself: run as a script by the image's Python, whatever version that is.

Prints one JSON object. It imports nothing that a user could have put in the way (the caller passes ``-s``),
needs nothing newer than Python 3.8, and writes nothing.
"""

from __future__ import annotations

import json
import os
import site
import sys
import sysconfig


def tops(folder: str) -> set[str]:
    """The names that ``import`` finds in ``folder``."""
    found: set[str] = set()
    try:
        entries = list(os.scandir(folder))
    except OSError:
        return found
    for entry in entries:
        stem = entry.name.split(".", 1)[0]
        if entry.name.endswith((".py", ".so")) or ("." not in entry.name and entry.is_dir()):
            found.add(stem)
    return {name for name in found if name.isidentifier() and name != "__pycache__"}


def modules_of(folder: str) -> list[str]:
    """The names that one installed package brings, by its list of files."""
    for name in ("RECORD", "installed-files.txt"):
        try:
            with open(os.path.join(folder, name), encoding="utf-8", errors="replace") as file:
                paths = [line.split(",")[0].lstrip('"') for line in file]
        except OSError:
            continue
        return sorted({path.split("/")[0].split(".")[0] for path in paths if not path.startswith((".", "/"))})
    return []


def distributions(folder: str, *, files: bool = False) -> dict[str, list[object]]:
    """Installed packages in ``folder``: name as its folder has it -> version, place, and the
    modules that it brings.
    """
    found: dict[str, list[object]] = {}
    try:
        names = os.listdir(folder)
    except OSError:
        return found
    for name in names:
        if name.endswith((".dist-info", ".egg-info")):
            stem, _, version = name.rsplit(".", 1)[0].partition("-")
            path = os.path.join(folder, name)
            found[stem] = [version, path, modules_of(path)] if files else [version, path]
    return found


def main() -> None:
    """Say it."""
    user = site.getusersitepackages()
    image = [path for path in sys.path if path.endswith(("site-packages", "dist-packages")) and path != user]
    packages: dict[str, list[object]] = {}
    for folder in reversed(image):
        packages.update(distributions(folder))
    marker = os.path.join(sysconfig.get_path("stdlib"), "EXTERNALLY-MANAGED")
    told = {
        "version": ".".join(map(str, sys.version_info[:2])),
        "executable": sys.executable,
        "managed": sys.prefix == sys.base_prefix and os.path.exists(marker),
        "base": site.getuserbase(),
        "user": user,
        "user_packages": distributions(user, files=True),
        "user_tops": sorted(tops(user)),
        "image": image,
        "image_packages": packages,
        "image_tops": sorted(set().union(*map(tops, image))),
        "standard": sorted(getattr(sys, "stdlib_module_names", sys.builtin_module_names)),
    }
    print(json.dumps(told))


main()
