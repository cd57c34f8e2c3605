"""What was changed in a home: one JSON object a line, paths only."""

import os
import time
from typing import Any

from bootstrap.system import System


class Journal:
    """``HOME/.deepdesign/journal.jsonl``, written before each step, so that a crash hides nothing."""

    def __init__(self, folder: str, system: System) -> None:
        self.folder = folder
        self.system = system

    def record(self, step: str, **paths: str) -> None:
        """Add one line; ``paths`` are paths and link targets, never content."""
        import json

        if not os.path.isdir(self.folder):
            self.system.make_folder(self.folder, 0o700)
        line = json.dumps({"time": round(time.time(), 3), "step": step, **paths})
        self.system.append(os.path.join(self.folder, "journal.jsonl"), line.encode() + b"\n")


def entries(folder: str) -> list[dict[str, Any]]:
    """What the journal in ``folder`` says, oldest first; a line that a kill cut is left out."""
    import json

    try:
        with open(os.path.join(folder, "journal.jsonl"), encoding="utf-8") as file:
            lines = file.read().splitlines()
    except OSError:
        return []
    found = []
    for line in lines:
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        if isinstance(entry, dict):
            found.append(entry)
    return found


def lost_links(folder: str) -> dict[str, str]:
    """Links that the bootstrap made and that lead nowhere now, with where they lead."""
    made = {
        entry.get("path", ""): entry.get("target", "")
        for entry in entries(folder)
        if entry.get("step") in ("link", "relink")
    }
    return {
        path: target
        for path, target in made.items()
        if os.path.islink(path) and os.readlink(path) == target and not os.path.exists(path)
    }


def linked(folder: str) -> set[str]:
    """Paths of which the last that the bootstrap did was to make a link."""
    last = {
        entry.get("path", ""): entry["step"]
        for entry in entries(folder)
        if entry.get("step") in ("link", "relink", "restored", "give-back", "remove-link")
    }
    return {path for path, step in last.items() if step in ("link", "relink")}
