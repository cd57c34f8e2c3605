"""Which files of a dataset folder belong to which class: names only, nothing is opened.

Two layouts: a folder for each class, or ``train``, ``val`` and ``test`` folders with such folders inside.
"""

import os
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from techniques.errors import BadInputError
from techniques.training.problems import Problem

__all__ = ["Listing", "Part", "Source", "list_pictures"]

Part = str  # "all" (to be split here), "train", "val" or "test"

_PARTS = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "test": "test",
}
_SYSTEM = {"__macosx", "thumbs.db", "desktop.ini", "@eadir", "$recycle.bin"}


@dataclass(frozen=True)
class Source:
    """A file that may be a picture. ``path`` is relative to the dataset, ``label`` its class by name."""

    path: str
    label: str
    part: Part


@dataclass(frozen=True)
class Listing:
    """What lies in a dataset. ``labels`` are the classes in the order of the network's outputs: by name."""

    root: Path
    labels: tuple[str, ...]
    sources: tuple[Source, ...]
    problems: tuple[Problem, ...]


def list_pictures(root: Path) -> Listing:
    """List the dataset at ``root``.

    Files anywhere below a class folder belong to the class. A lone folder that only wraps the class folders,
    as archives make it, is stepped into.

    Raises:
        BadInputError: it is not a folder, cannot be read, or has no class folders at all.
    """
    if not root.is_dir():
        what = "is not a folder" if root.exists() else "does not exist"
        raise BadInputError(f"{root} {what}. Name a folder that has one folder of pictures for each class.")
    problems: list[Problem] = []
    folders, files = _content(root, root, problems)
    if len(folders) == 1 and not files and len(_content(folders[0], root, [])[0]) > 1:
        folders, files = _content(folders[0], root, problems)  # what only wraps the class folders
    if not folders:
        raise BadInputError(
            f"{root} has no class folders{f', only {len(files)} files' if files else ''}. "
            "Make one folder of pictures for each class inside it."
        )
    problems += [Problem("stray", _relative(path, root)) for path in files]
    tops = _tops(folders, root, problems)
    labels = _labels(tops, root, problems)
    sources: list[Source] = []
    for part, folder in tops:
        sources += [
            Source(_relative(path, root), labels[folder.name], part)
            for path in _below(folder, root, problems)
        ]
    _name_twins(sources, problems)
    sources.sort(key=lambda source: source.path)
    return Listing(root, tuple(sorted(set(labels.values()))), tuple(sources), tuple(problems))


def _tops(folders: list[Path], root: Path, problems: list[Problem]) -> list[tuple[Part, Path]]:
    """The class folders, with the part of the dataset that each belongs to."""
    named = {folder: _PARTS.get(folder.name.lower()) for folder in folders}
    inside = {folder: _content(folder, root, [])[0] for folder in folders}
    if "train" not in named.values() or not all(named.values()) or not all(inside.values()):
        return [("all", folder) for folder in folders]
    tops = []
    for folder, part in named.items():
        below, files = _content(folder, root, problems)
        problems += [Problem("stray", _relative(path, root)) for path in files]
        tops += [(str(part), path) for path in below]
    return tops


def _labels(tops: list[tuple[Part, Path]], root: Path, problems: list[Problem]) -> dict[str, str]:
    """The class that each folder name means: those that differ in case only mean the first of them."""
    first: dict[str, str] = {}
    for _, folder in tops:
        first.setdefault(_folded(folder.name), folder.name)
    labels = {}
    for _, folder in tops:
        label = unicodedata.normalize("NFC", first[_folded(folder.name)])
        if folder.name not in labels and folder.name != label and _folded(folder.name) == _folded(label):
            problems.append(Problem("merged-class", _relative(folder, root), f"taken as {label}"))
        labels[folder.name] = label
    return labels


def _name_twins(sources: list[Source], problems: list[Problem]) -> None:
    seen: dict[str, str] = {}
    for source in sources:
        other = seen.setdefault(_folded(source.path), source.path)
        if other != source.path:
            problems.append(Problem("same-name", source.path, f"beside {other}"))


def _below(folder: Path, root: Path, problems: list[Problem]) -> Iterator[Path]:
    folders, files = _content(folder, root, problems)
    yield from files
    for inner in folders:
        if inner.is_symlink():  # may lead round in a circle
            problems.append(Problem("stray", _relative(inner, root), "a link to a folder"))
        else:
            yield from _below(inner, root, problems)


def _content(folder: Path, root: Path, problems: list[Problem]) -> tuple[list[Path], list[Path]]:
    """The folders and files in ``folder`` by name, without those that no person put there."""
    try:
        with os.scandir(folder) as entries:
            names = sorted(entry.name for entry in entries)
    except OSError as error:
        if folder == root:
            raise BadInputError(f"{root} cannot be read: {error.strerror}. Check its mode.") from error
        problems.append(Problem("unreadable", _relative(folder, root), error.strerror or ""))
        return [], []
    folders, files = [], []
    for name in names:
        path = folder / name
        if name.startswith(".") or name.lower() in _SYSTEM:
            problems.append(Problem("hidden", _relative(path, root)))
        elif path.is_dir():
            folders.append(path)
        else:
            files.append(path)
    return folders, files


def _relative(path: Path, root: Path) -> str:
    return str(path.relative_to(root))


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()
