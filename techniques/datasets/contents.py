"""What lies in a dataset's class folders now, with what the manifest knows of it."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from techniques.datasets.rows import Row
from techniques.duplicates import from_hex, hash_of
from techniques.pictures import DECODER_ERRORS

__all__ = ["SUFFIXES", "Item", "contents", "hashes"]

SUFFIXES = {".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp"}
"""What torchvision's ImageFolder takes for pictures."""


@dataclass(frozen=True)
class Item:
    """One picture: ``file`` as ``folder/name`` under the root, ``row`` empty if nobody collected it."""

    file: str
    folder: str
    row: Row

    @property
    def creator(self) -> str:
        """Who made it, as something to compare; empty if nobody knows."""
        return str(self.row.get("creator_url") or self.row.get("creator") or "").strip().casefold()

    @property
    def pixels(self) -> int:
        """Width by height; 0 if nobody looked."""
        return int(self.row.get("width") or 0) * int(self.row.get("height") or 0)


def contents(root: Path, rows: Iterable[Row]) -> list[Item]:
    """The pictures in the class folders of ``root``, by class and name; hidden folders are no classes."""
    known = {row["file"]: row for row in rows if row["status"] == "kept"}
    found = []
    for folder in sorted(path for path in root.iterdir() if path.is_dir() and not path.name.startswith(".")):
        for path in sorted(folder.iterdir()):
            if path.suffix.lower() in SUFFIXES and not path.name.startswith(".") and path.is_file():
                file = f"{folder.name}/{path.name}"
                found.append(Item(file, folder.name, known.get(file, {})))
    return found


def hashes(root: Path, items: list[Item]) -> list[int | None]:
    """The perceptual hash of each, from the manifest or the picture; None for one that cannot be read."""

    def one(item: Item) -> int | None:
        if item.row.get("phash"):
            return from_hex(item.row["phash"])
        try:
            with Image.open(root / item.file) as image:
                return hash_of(image)
        except (*DECODER_ERRORS, Image.DecompressionBombError):
            return None

    with ThreadPoolExecutor() as pool:
        return list(pool.map(one, items))
