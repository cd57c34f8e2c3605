"""The lines of a manifest: how one is written down, read back, and kept from leading out of the dataset.

A line is about a picture that was offered (``image``), a page of a source's results (``page``), or where a
picture was put later (``place``). Nothing here writes; `manifest.Manifest` does.
"""

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from techniques.datasets.licences import Licence
from techniques.datasets.row_types import well_formed
from techniques.datasets.sources.base import Candidate
from techniques.errors import BadInputError

__all__ = [
    "NAME",
    "DamagedManifestError",
    "Place",
    "Row",
    "as_row",
    "candidate_of",
    "inside",
    "lines",
    "parsed",
    "place_of",
    "rows",
]

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
        "creator_markup",
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


def rows(root: Path) -> list[Row]:
    """All rows about pictures, oldest first, with class and file as they are now.

    A torn last line is left out. A picture that was dropped has the status ``dropped``. Of one that was made
    anew under its name only the last row is told: the others are of a file that is no longer there.
    """
    found: list[Row] = []
    places: dict[str, Place] = {}
    for row in lines(root):
        if row["row"] == "image":
            found.append(row)
        elif row["row"] == "place":
            place = place_of(row)
            places[place.file] = place
    last = {row["file"]: row for row in found if row["status"] == "kept"}
    found = [row for row in found if row["status"] != "kept" or row is last[row["file"]]]
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
                yield parsed(line, number)


def parsed(line: bytes, number: int) -> Row:
    """One line as a row; raises `DamagedManifestError` if it is none, or names a file outside the dataset."""
    try:
        row: Row = json.loads(line, object_pairs_hook=_shared)
        kind = row["row"]
        safe = all(inside(row[name], pieces) for name, pieces in _PATHS[kind].items() if row.get(name))
        if safe and not well_formed(row):
            raise TypeError(kind)
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise DamagedManifestError(
            f"{NAME}, line {number}, is damaged. Restore a copy, or choose another -o."
        ) from error
    if not safe:
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


def inside(path: str, pieces: int) -> bool:
    """Whether ``path`` has so many ``pieces``, none of which leads out of the dataset."""
    parts = path.split("/")
    return len(parts) == pieces and not any(part in ("", ".", "..") or "\0" in part for part in parts)


def _put(row: Row, place: Place) -> None:
    row["first_file"], row["file"] = row["file"], place.now
    if place.folder:
        row["class"] = place.folder
    else:
        row |= {"status": "dropped", "reason": place.reason, "why": place.why}


def place_of(row: Row) -> Place:
    """What a line about a place says."""
    return Place(**{name: value for name, value in row.items() if name != "row"})


def as_row(candidate: Candidate) -> Row:
    """What a source offered, as the fields of a row."""
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
        "creator_markup": candidate.creator_markup,
    }


def candidate_of(row: Row) -> Candidate:
    """What a source offered, from the fields of a row."""
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
        creator_markup=row.get("creator_markup", ""),
    )
