"""What happened to every picture that was ever offered: an append-only file of JSON lines.

A row is on disk before the picture gets its final name, so a run that dies anywhere is taken up without
fetching anything twice. The last line may be torn by a crash; it is cut off. A picture that is dropped or
moved to another class gets a row about its place; the row about its origin is never changed.
"""

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from techniques.datasets.rows import NAME, Place, Row, as_row, candidate_of, parsed, place_of
from techniques.datasets.sources.base import Candidate
from techniques.locks import lock

__all__ = ["InUseError", "Manifest", "Search"]


_START = b'{"row": "'  # of every line that is written here


class InUseError(Exception):
    """Another process writes to this dataset."""


@dataclass
class Search:
    """How far one search of one source has come."""

    cursor: Row | None = None
    finished: bool = False
    waiting: dict[str, Candidate] = field(default_factory=dict)
    """Offered, and not decided on yet."""


class Manifest:
    """The rows of one dataset; enter it to write. Holds what a run must know, not the rows themselves."""

    def __init__(self, root: Path) -> None:
        self.path = root / NAME
        self.decided: dict[str, str] = {}
        """Candidate key to status: ``kept`` or ``rejected``; what failed may succeed another time."""
        self.refused: set[str] = set()
        """Candidates whose licence an earlier run did not allow."""
        self.hashes: dict[str, str] = {}
        """Hash of what was fetched or is kept to the class that has it."""
        self.kept: dict[str, int] = {}
        """Pictures for each class."""
        self.searches: dict[tuple[str, str, str], Search] = {}
        """By class folder, source and query."""
        self.pictures: dict[str, Row] = {}
        """What finds a kept picture, under its temporary name or its own; by its first file."""
        self.places: dict[str, list[Place]] = {}
        """First file name to where the picture was put later, in order."""
        self.batches = 0

    def __enter__(self) -> Self:
        self._file = self.path.open("a+b")
        try:
            lock(self._file.fileno(), wait=False)
        except BlockingIOError as error:
            self._file.close()
            raise InUseError(
                f"another run is writing to {self.path.parent}; wait for it, or choose another -o"
            ) from error
        self._load()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._file.close()

    def found(
        self, folder: str, source: str, query: str, candidates: list[Candidate], cursor: Row | None
    ) -> None:
        """Remember a page of results, so that it need not be asked for again."""
        self._append(
            {
                "row": "page",
                "class": folder,
                "source": source,
                "query": query,
                "cursor": cursor,
                "candidates": [as_row(candidate) for candidate in candidates],
            }
        )

    def decide(self, row: Row) -> None:
        """Remember what became of a candidate; on disk when this returns."""
        self.note(row)
        self.sync()

    def note(self, row: Row) -> None:
        """Remember what became of a candidate; on disk only after `sync`, which one may do for many."""
        self._write({"row": "image", **row})

    def sync(self) -> None:
        """Have all that was noted on disk."""
        self._file.flush()
        os.fsync(self._file.fileno())

    def put(self, place: Place) -> None:
        """Remember where a picture goes; on disk when this returns."""
        self._append({"row": "place", **asdict(place)})

    def count_files(self, root: Path) -> None:
        """Count only pictures that are there: one that was thrown out makes room, and stays out."""
        self.kept = {}
        for row in self.pictures.values():
            later = self.places.get(row["file"])
            file, folder = (later[-1].now, later[-1].folder) if later else (row["file"], row["class"])
            if folder and (root / file).is_file():
                self.kept[folder] = self.kept.get(folder, 0) + 1

    def _append(self, row: Row) -> None:
        self._write(row)
        self.sync()

    def _write(self, row: Row) -> None:
        self._file.write(json.dumps(row, ensure_ascii=False).encode() + b"\n")
        self._take(row)

    def _load(self) -> None:
        self._file.seek(0)
        whole = 0
        for number, line in enumerate(self._file, start=1):
            if not line.endswith(b"\n"):
                if not (line.startswith(_START) or _START.startswith(line)):
                    parsed(line, number)  # not torn by us: somebody else's, of which nothing is cut off
                break
            self._take(parsed(line, number))
            whole += len(line)
        self._file.truncate(whole)
        self._file.seek(0, os.SEEK_END)

    def _take(self, row: Row) -> None:
        if row["row"] == "page":
            search = self.searches.setdefault((row["class"], row["source"], row["query"]), Search())
            search.cursor, search.finished = row["cursor"], row["cursor"] is None
            for offered in row["candidates"]:
                candidate = candidate_of(offered)
                if self.decided.get(candidate.key) is None:
                    search.waiting[candidate.key] = candidate
            return
        if row["row"] == "place":
            place = place_of(row)
            self.places.setdefault(place.file, []).append(place)
            self.batches = max(self.batches, place.batch)
            return
        key = f"{row['source']}:{row['source_id']}"
        if row["status"] == "failed":
            return
        if row["reason"] == "licence":
            self.refused.add(key)
            return
        self.decided[key] = row["status"]
        for search in self.searches.values():
            search.waiting.pop(key, None)
        for name in ("sha256", "fetched_sha256"):
            if row.get(name):
                self.hashes.setdefault(row[name], row["class"])
        if row["status"] == "kept":
            self.kept[row["class"]] = self.kept.get(row["class"], 0) + 1
            self.pictures[row["file"]] = {
                name: row[name] for name in ("file", "sha256", "source", "source_id", "class")
            }
