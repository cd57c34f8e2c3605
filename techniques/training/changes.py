"""What happened to a dataset's files since they were looked at."""

import hashlib

from techniques.errors import BadInputError
from techniques.training.dataset import Dataset, Example
from techniques.training.folders import list_pictures
from techniques.training.problems import Problem

__all__ = ["changes"]


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


def _change(dataset: Dataset, example: Example) -> Problem | None:
    path = dataset.root / example.path
    try:
        facts = path.stat()
        if (facts.st_size, facts.st_mtime_ns) == example.stamp:
            return None
        with path.open("rb") as file:
            same = hashlib.file_digest(file, "sha256").hexdigest() == example.sha256
    except OSError:
        return Problem("vanished", example.path)
    return None if same else Problem("changed", example.path)
