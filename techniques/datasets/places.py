"""Moving pictures of a dataset: to another class, out of it, and back.

What is dropped is not deleted: it goes to ``NAME.dropped`` beside the dataset, because every folder inside
would count as a class. The manifest is written first, so a move that was cut short is finished next time.
"""

import errno
import os
import shutil
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from techniques.datasets.manifest import Manifest
from techniques.datasets.rows import Place

__all__ = ["HAND", "UNDO", "back", "dropped_folder", "last_batch", "put", "settle"]

HAND = ("keep", "moved")
"""Reasons of a person: what a person has placed, no program drops again."""
UNDO = "undo"


def dropped_folder(root: Path) -> Path:
    """Where pictures lie that were dropped from the dataset in ``root``."""
    return root.with_name(f"{root.name}.dropped")


def put(manifest: Manifest, root: Path, places: Iterable[Place]) -> None:
    """Remember ``places``, then move their pictures there."""
    for place in places:
        before = _spots(root, place.file, manifest.places.get(place.file, []))
        manifest.put(place)
        _bring(root, place, before)


def settle(manifest: Manifest, root: Path) -> None:
    """Finish the moves that an earlier run had remembered, but did not come to."""
    for file, history in manifest.places.items():
        _bring(root, history[-1], _spots(root, file, history[:-1]))


def last_batch(manifest: Manifest) -> int | None:
    """The newest batch that has not been taken back."""
    undone = {place.undoes for history in manifest.places.values() for place in history}
    batches = {place.batch for history in manifest.places.values() for place in history if not place.undoes}
    return max(batches - undone, default=None)


def back(manifest: Manifest, batch: int) -> list[Place]:
    """The places that take ``batch`` back, as a batch of their own."""
    undone = {place.undoes for history in manifest.places.values() for place in history}
    found = []
    for file, history in manifest.places.items():
        if not any(place.batch == batch for place in history):
            continue
        before = [
            place
            for place in history
            if place.batch < batch and not place.undoes and place.batch not in undone
        ]
        folder = before[-1].folder if before else file.rpartition("/")[0]
        found.append(Place(file, folder, UNDO, "taken back by hand", manifest.batches + 1, batch))
    return found


def _spots(root: Path, file: str, history: list[Place]) -> list[Path]:
    """Where the picture may lie, if not where it belongs: newest first."""
    folders = [place.folder for place in reversed(history)] + [file.rpartition("/")[0]]
    return [_path(root, Place(file, folder)) for folder in dict.fromkeys(folders)]


def _path(root: Path, place: Place) -> Path:
    return (root if place.folder else dropped_folder(root)) / place.now


def _bring(root: Path, place: Place, spots: list[Path]) -> None:
    target = _path(root, place)
    if target.exists():
        return
    for spot in spots:
        if spot.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            _move(spot, target)
            with suppress(OSError):  # an empty class folder stops torchvision's ImageFolder
                spot.parent.rmdir()
            return


def _move(source: Path, target: Path) -> None:
    try:
        source.rename(target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        # The dataset's folder is a mount of its own.
        draft = target.with_name(f".{target.name}.part")
        shutil.copy2(source, draft)
        with draft.open("rb") as written:
            os.fsync(written.fileno())
        draft.replace(target)
        source.unlink()
