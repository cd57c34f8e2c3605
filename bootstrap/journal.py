"""What was changed in a home: one JSON object a line, paths only."""

import os
import time

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
