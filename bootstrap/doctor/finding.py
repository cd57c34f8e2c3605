"""What the doctor says, and whom it looks at."""

import os
from collections.abc import Iterator, Mapping
from shlex import quote
from typing import NamedTuple, Protocol

from bootstrap.place import Place

PROBLEM = "problem"  # it will not work
WARNING = "warning"  # it works for now, or others may be harmed
NOTE = "note"  # good to know


class Finding(NamedTuple):
    """One thing: what is so and why, in one sentence, and the command that mends it."""

    topic: str
    severity: str
    what: str
    #: A line for a shell; empty where nothing that can be typed helps.
    command: str = ""


class Patient(NamedTuple):
    """Everything that a question may look at."""

    place: Place
    environment: Mapping[str, str]
    #: The git server that ssh should reach.
    host: str

    @property
    def again(self) -> str:
        """``deepdesign-bootstrap apply`` for this home and storage, as a person would type it."""
        return self.program("apply")

    def program(self, command: str) -> str:
        """One of our commands with the options without which it would look elsewhere."""
        words = ["deepdesign-bootstrap", command]
        place = self.place
        if self.environment.get("HOME") != place.home:
            words += ["--home", place.home]
        if place.storage.root and self.environment.get("DEEPDESIGN_STORAGE") != place.storage.root:
            words += ["--storage", place.storage.root]
        return line(*words)

    def home(self, *parts: str) -> str:
        """A path in HOME."""
        return os.path.join(self.place.home, *parts)

    def show(self, path: str) -> str:
        """``path`` as a message has it: short where it is in HOME."""
        home = self.place.home
        return "~" + path[len(home) :] if path == home or path.startswith(home + "/") else path


class Question(Protocol):
    """One question; it yields what it finds, and may be stopped in between."""

    def __call__(self, patient: Patient, /) -> Iterator[Finding]:
        """Look."""


def line(*words: str) -> str:
    """A command line whose words a shell takes as they are."""
    return " ".join(quote(word) for word in words)


def size(count: float) -> str:
    """Bytes for people."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if count < 1000 or unit == "GB":
            break
        count /= 1000
    return f"{count:.0f} {unit}" if unit == "bytes" or count >= 10 else f"{count:.1f} {unit}"
