"""Files that a mesh names: found in its own folder, never outside, whatever the name tries."""

import re
from pathlib import Path

__all__ = ["find_beside"]

_DRIVE = re.compile(r"^[A-Za-z]:")


def find_beside(folder: Path, name: str) -> Path | None:
    """The ordinary file that ``name`` means inside ``folder``; None if there is none.

    Backslashes separate folders, as Windows writes them, and case does not matter. An absolute name, or one
    with ``..``, is looked for by its last part only, because that is what a student uploads. A link that
    leads out of ``folder`` is not followed.
    """
    parts = [part for part in _DRIVE.sub("", name.strip().strip('"')).replace("\\", "/").split("/") if part]
    parts = [part for part in parts if part != "."]
    outside = bool(_DRIVE.match(name.strip())) or name.strip()[:1] in {"/", "\\"} or ".." in parts
    if not parts or parts[-1] == "..":
        return None
    whole = None if outside else _spelled(folder, parts)
    return whole or _spelled(folder, parts[-1:])


def _spelled(folder: Path, parts: list[str]) -> Path | None:
    here, home = folder, folder.resolve()
    for part in parts:
        try:
            entries = {entry.name: entry for entry in here.iterdir()}
        except (OSError, ValueError):
            return None
        close = [entry for found, entry in sorted(entries.items()) if found.casefold() == part.casefold()]
        match = entries.get(part) or (close[0] if close else None)
        if match is None:
            return None
        here = match
    try:
        inside = here.resolve().is_relative_to(home)
        return here if inside and here.is_file() else None
    except (OSError, RuntimeError):  # a loop of links
        return None
