"""Whether a dataset is still what was collected: its bytes on disk, and its pictures where they came from."""

import hashlib
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from techniques.datasets.client import Client
from techniques.datasets.contents import contents
from techniques.datasets.errors import BlockedError, GoneError, SourceError
from techniques.datasets.robots import Robots
from techniques.datasets.rows import Row
from techniques.files import sha256_of

__all__ = ["Finding", "refreshed", "verified"]

_WORKERS = 8
_MOST_BYTES = 100_000_000


@dataclass(frozen=True)
class Finding:
    """What became of one picture: ``state`` is one word for counting."""

    file: str
    state: str
    why: str = ""


def verified(root: Path, rows: Iterable[Row]) -> Iterator[Finding]:
    """Each picture as ``same``, ``changed``, ``missing`` or, if nobody collected it, ``unknown``."""
    known = {row["file"]: row for row in rows if row["status"] == "kept"}
    present = {item.file for item in contents(root, ())}
    for file in sorted(known.keys() | present):
        if file not in present:
            yield Finding(file, "missing")
        elif not known.get(file, {}).get("sha256"):
            yield Finding(file, "unknown")
        else:
            same = sha256_of(root / file) == known[file]["sha256"]
            yield Finding(file, "same" if same else "changed")


def refreshed(root: Path, rows: Iterable[Row], client: Client) -> Iterator[Finding]:
    """Ask for each picture whether it is where it was: ``same``, ``changed``, ``gone`` or ``unreachable``.

    With its ETag or date, so that nothing is sent that has not changed (RFC 9110, 13.1). A picture that its
    owner has made private answers 401 or 403: that is gone too. Pictures from folders have no address.
    """
    robots = Robots(client)
    asked = [
        row
        for row in rows
        if row["status"] == "kept"
        and str(row.get("file_url", "")).startswith(("https://", "http://"))
        and row.get("fetched_sha256")
        and (root / row["file"]).is_file()
    ]

    def one(row: Row) -> Finding:
        headers = {"Accept": "image/*"}
        if row.get("etag"):
            headers["If-None-Match"] = row["etag"]
        elif row.get("last_modified"):
            headers["If-Modified-Since"] = row["last_modified"]
        try:
            robots.check(row["file_url"])
            answer, data = client.fetch(row["file_url"], max_bytes=_MOST_BYTES, headers=headers)
        except (GoneError, BlockedError) as error:
            return Finding(row["file"], "gone", str(error))
        except SourceError as error:
            return Finding(row["file"], "unreachable", str(error))
        same = answer.status == 304 or hashlib.sha256(data).hexdigest() == row["fetched_sha256"]
        return Finding(row["file"], "same" if same else "changed")

    with ThreadPoolExecutor(_WORKERS) as pool:
        try:
            yield from pool.map(one, asked)
        except BaseException:
            client.stopped.set()
            raise
