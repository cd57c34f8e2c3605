"""Pictures that lie on this machine already: ``gothic: folder:my photos`` in a class list, beside the list.

They are copied, checked as all others are, and stand under whatever terms their owner gave them: nobody is
asked. Links that lead out of the folder are not followed.
"""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from techniques.datasets.answers import Answer
from techniques.datasets.contents import SUFFIXES
from techniques.datasets.errors import BlockedError, ForbiddenAddressError, GoneError, TooLargeError
from techniques.datasets.licences import Licence
from techniques.datasets.recipe import Query
from techniques.datasets.sources.base import Candidate, Page

_PAGE = 200
_CHUNK = 1 << 20


class Folder:
    """See `base.Fetching`."""

    name = "folder"
    licensed = False
    needs_contact = False
    kinds: tuple[str, ...] = ("folder",)

    def __init__(self, base: Path) -> None:
        self._base = base

    def search(
        self,
        query: Query,
        licences: tuple[str, ...],  # noqa: ARG002 - one's own pictures need no leave
        cursor: dict[str, Any] | None,
    ) -> Iterator[Page]:
        """Pages of 200 files, by name, of the folder and those in it."""
        root = (self._base / query.text).resolve()
        if not root.is_dir():
            raise BlockedError(f"{root} is no folder", 0)
        found = [
            path
            for path in sorted(root.rglob("*"))
            if path.suffix.lower() in SUFFIXES
            and not any(part.startswith(".") for part in path.relative_to(root).parts)
            and path.is_file()
        ]
        at = int((cursor or {}).get("at", 0))
        while at < len(found) or at == 0:
            following = at + _PAGE
            page = tuple(_candidate(root, path) for path in found[at:following])
            yield Page(page, {"at": following} if following < len(found) else None, len(found))
            at = following

    def fetch(self, query: Query, candidate: Candidate, sink: BinaryIO, *, max_bytes: int) -> Answer:
        """Copy the file; raises a kind of `errors.SourceError`."""
        root = (self._base / query.text).resolve()
        # The name comes from a manifest, which may be a stranger's.
        path = (root / candidate.title).resolve()
        if not path.is_relative_to(root):
            raise ForbiddenAddressError("it lies outside the folder")
        try:
            size = path.stat().st_size
            if size > max_bytes:
                raise TooLargeError(f"it has {size:,} bytes, more than {max_bytes:,}")
            with path.open("rb") as file:
                while piece := file.read(_CHUNK):
                    sink.write(piece)
        except FileNotFoundError as error:
            raise GoneError("it is no longer in the folder") from error
        except PermissionError as error:
            raise BlockedError("it may not be read", 0) from error
        return Answer(candidate.file_url, 200, {}, size)


def _candidate(root: Path, path: Path) -> Candidate:
    name = path.relative_to(root).as_posix()
    return Candidate(
        source="folder",
        source_id=hashlib.sha256(f"{root.name}/{name}".encode()).hexdigest()[:24],
        file_url=path.as_uri(),
        page_url="",
        title=name,
        creator="",
        creator_url="",
        licence=Licence(""),
        attribution=f"{name}, from a folder of one's own",
        licence_field="",
    )
