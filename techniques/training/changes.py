"""What happened to a dataset's files since they were looked at."""

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path

from techniques.errors import BadInputError
from techniques.files import sha256_of
from techniques.training.dataset import Dataset, Example
from techniques.training.examine import MOST_BYTES
from techniques.training.folders import list_pictures
from techniques.training.problems import Problem

__all__ = ["changes", "contents_of"]


def changes(dataset: Dataset) -> list[Problem]:
    """The files that changed, went away or came since ``dataset`` was read.

    Only files with another size or time are read again: one that was merely touched has not changed.
    """
    found = [problem for example in dataset.examples if (problem := _change(dataset, example))]
    try:
        now = {source.path for source in list_pictures(dataset.root).sources}
    except BadInputError:
        return found  # all of it is gone, and has been named
    return [*found, *(Problem("added", path) for path in sorted(now - dataset.listed))]


def contents_of(root: Path, known: Mapping[str, str]) -> str:
    """One hash of all files in the dataset at ``root``, by name and content; ``known`` has those of some.

    What is too large for a picture counts by its size.

    Raises:
        BadInputError: it is no dataset.
    """
    found = hashlib.sha256()
    for source in list_pictures(root).sources:
        content = known.get(source.path) or _content(root / source.path)
        found.update(os.fsencode(f"{source.path}\0{content}\n"))
    return found.hexdigest()


def _content(path: Path) -> str:
    try:
        if not path.is_file():
            return "no file"
        size = path.stat().st_size
        return sha256_of(path) if size <= MOST_BYTES else f"{size} bytes"
    except OSError:
        return "unreadable"


def _change(dataset: Dataset, example: Example) -> Problem | None:
    path = dataset.root / example.path
    try:
        facts = path.stat()
        if (facts.st_size, facts.st_mtime_ns) == example.stamp:
            return None
        same = sha256_of(path) == example.sha256
    except OSError:
        return Problem("vanished", example.path)
    return None if same else Problem("changed", example.path)
