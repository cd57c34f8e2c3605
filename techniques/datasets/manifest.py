"""What happened to every picture that was ever offered: an append-only file of JSON lines.

A row is on disk before the picture gets its final name, so a run that dies anywhere is taken up without
fetching anything twice. The last line may be torn by a crash; it is cut off. A picture that is dropped or
moved to another class gets a row about its place; the row about its origin is never changed.
"""

import fcntl
import json
import os
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from techniques.datasets.licences import Licence
from techniques.datasets.sources.base import Candidate
from techniques.errors import BadInputError

NAME = "manifest.jsonl"
# Fields that name a place in the dataset, and of how many parts: folder, or folder and file.
_PATHS = {
    "image": {"file": 2, "class": 1},
    "page": {"class": 1},
    "place": {"file": 2, "folder": 1},
}
# Texts that thousands of rows have in common.
_REPEATED = {
    *(
        "row",
        "class",
        "folder",
        "query",
        "source",
        "creator",
        "creator_url",
        "status",
        "reason",
        "why",
        "edits",
    ),
    *("license", "license_version", "license_url", "license_source_field", "license_checked_at"),
    *("content_type", "sniffed_type", "retrieved_at", "x_robots_tag", "last_modified", "source_sha1"),
}
Row = dict[str, Any]


@dataclass(frozen=True)
class Place:
    """Where a picture goes from its first ``file``: to a ``folder``, or out of the dataset if it is empty."""

    file: str
    folder: str
    reason: str = ""
    why: str = ""
    batch: int = 0
    """What was done in one go is undone in one go."""
    undoes: int = 0
    """The batch that this takes back."""

    @property
    def now(self) -> str:
        """The file as it lies now, or as it lay in the dataset before it was dropped."""
        return f"{self.folder}/{Path(self.file).name}" if self.folder else self.file


class DamagedManifestError(BadInputError):
    """The manifest holds what no run of ours has written; it may come from somebody else."""


class InUseError(Exception):
    """Another process writes to this dataset."""


@dataclass
class Search:
    """How far one search of one source has come."""

    cursor: dict[str, Any] | None = None
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
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
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
        self._append({"row": "image", **row})

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
        self._file.write(json.dumps(row, ensure_ascii=False).encode() + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())
        self._take(row)

    def _load(self) -> None:
        self._file.seek(0)
        whole = 0
        for number, line in enumerate(self._file, start=1):
            if not line.endswith(b"\n"):
                break
            self._take(_parsed(line, number))
            whole += len(line)
        self._file.truncate(whole)
        self._file.seek(0, os.SEEK_END)

    def _take(self, row: Row) -> None:
        if row["row"] == "page":
            search = self.searches.setdefault((row["class"], row["source"], row["query"]), Search())
            search.cursor, search.finished = row["cursor"], row["cursor"] is None
            for offered in row["candidates"]:
                candidate = _candidate(offered)
                if self.decided.get(candidate.key) is None:
                    search.waiting[candidate.key] = candidate
            return
        if row["row"] == "place":
            place = _place(row)
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


def rows(root: Path) -> list[Row]:
    """All rows about pictures, oldest first, with class and file as they are now.

    A torn last line is left out. A picture that was dropped has the status ``dropped``.
    """
    found: list[Row] = []
    places: dict[str, Place] = {}
    for row in lines(root):
        if row["row"] == "image":
            found.append(row)
        elif row["row"] == "place":
            place = _place(row)
            places[place.file] = place
    for row in found:
        if row["status"] == "kept" and row["file"] in places:
            _put(row, places[row["file"]])
    return found


def lines(root: Path) -> Iterator[Row]:
    """Every line as it was written; a torn last one is left out."""
    path = root / NAME
    if not path.exists():
        return
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if line.endswith(b"\n"):
                yield _parsed(line, number)


def _parsed(line: bytes, number: int) -> Row:
    """One line as a row; raises `DamagedManifestError` if it is none, or names a file outside the dataset."""
    try:
        row: Row = json.loads(line, object_pairs_hook=_shared)
        kind = row["row"]
        inside = all(
            _inside(row[name], pieces) for name, pieces in _PATHS.get(kind, {}).items() if row.get(name)
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DamagedManifestError(
            f"{NAME}, line {number}, is damaged. Restore a copy, or choose another -o."
        ) from error
    if not inside:
        raise DamagedManifestError(
            f"{NAME}, line {number}, names a file outside the dataset. Do not use it; choose another -o."
        )
    return row


def _shared(pairs: list[tuple[str, Any]]) -> Row:
    """One object, its names and short texts shared with all others: 100,000 rows take half the memory."""
    return {
        sys.intern(name): sys.intern(value) if type(value) is str and name in _REPEATED else value
        for name, value in pairs
    }


def _inside(path: str, pieces: int) -> bool:
    parts = path.split("/")
    return len(parts) == pieces and not any(part in ("", ".", "..") or "\0" in part for part in parts)


def _put(row: Row, place: Place) -> None:
    row["first_file"], row["file"] = row["file"], place.now
    if place.folder:
        row["class"] = place.folder
    else:
        row |= {"status": "dropped", "reason": place.reason, "why": place.why}


def _place(row: Row) -> Place:
    return Place(**{name: value for name, value in row.items() if name != "row"})


def as_row(candidate: Candidate) -> Row:
    return {
        "source": candidate.source,
        "source_id": candidate.source_id,
        "file_url": candidate.file_url,
        "page_url": candidate.page_url,
        "title": candidate.title,
        "creator": candidate.creator,
        "creator_url": candidate.creator_url,
        "license": candidate.licence.slug,
        "license_version": candidate.licence.version,
        "license_url": candidate.licence.url,
        "attribution": candidate.attribution,
        "license_source_field": candidate.licence_field,
        "offered_width": candidate.width,
        "offered_height": candidate.height,
        "source_sha1": candidate.sha1,
    }


def _candidate(row: Row) -> Candidate:
    return Candidate(
        source=row["source"],
        source_id=row["source_id"],
        file_url=row["file_url"],
        page_url=row["page_url"],
        title=row["title"],
        creator=row["creator"],
        creator_url=row["creator_url"],
        licence=Licence(row["license"], row["license_version"], row["license_url"]),
        attribution=row["attribution"],
        licence_field=row["license_source_field"],
        width=row["offered_width"],
        height=row["offered_height"],
        sha1=row["source_sha1"],
    )
