"""One picture on its way into a dataset: fetched, looked at, and made ready under a temporary name.

All of this happens beside the others that are under way. What arrived has a note beside it, so that a run
that dies before it decided on it leaves it for the next one. Nothing here gives a picture its final name.
"""

import datetime
import hashlib
import json
import os
import threading
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from techniques.datasets.check import Demands, RejectedError, check
from techniques.datasets.client import Client
from techniques.datasets.manifest import Manifest
from techniques.datasets.recipe import Query
from techniques.datasets.robots import Robots, forbids_training
from techniques.datasets.rows import Row
from techniques.datasets.sources.base import Candidate, Fetching, Source
from techniques.files import sha256_of

__all__ = ["Arrivals", "Arrived", "Terms", "give_names_to_what_was_left", "now"]

# Decoders let other threads run, and a large picture takes a quarter of a gigabyte: so many at once.
_DECODERS = min(4, os.cpu_count() or 1)


@dataclass(frozen=True)
class Terms:
    """What a fetched file must be to be kept."""

    demands: Demands
    max_bytes: int
    allow_noai: bool


@dataclass(frozen=True)
class Arrived:
    """A picture that lies at ``ready``, on disk to the last byte; ``name`` is its file name in the class."""

    ready: Path
    name: str
    facts: Row
    """What the manifest says of it: the answer that it came with, and what the look at it found."""


class Arrivals:
    """Fetches into the class folders of ``root``; thread-safe as the client is."""

    def __init__(self, root: Path, client: Client, terms: Terms) -> None:
        self._root, self._client, self._terms = root, client, terms
        self._robots = Robots(client)
        self._decoders = threading.BoundedSemaphore(_DECODERS)

    def bring(self, folder: str, query: Query, source: Source, candidate: Candidate) -> Arrived:
        """The picture, ready to be kept; raises `RejectedError` or a kind of `errors.SourceError`."""
        part, note = _temporary(self._root, folder, candidate.key)
        facts = _noted(part, note)
        if facts is None:
            facts = self._fetch(part, query, source, candidate)
            # Written in one go, and only believed with all of its part: see `_noted`.
            note.write_text(json.dumps({"key": candidate.key, "facts": facts}))
        if forbids_training(str(facts["x_robots_tag"])) and not self._terms.allow_noai:
            raise RejectedError("noai", "its host asks not to train on it (X-Robots-Tag)")
        with self._decoders:
            checked = check(part, self._terms.demands)
        digest = hashlib.sha256(checked.data).hexdigest()
        ready = part
        if digest != facts["fetched_sha256"]:
            ready = part.with_suffix(".ready")
            ready.write_bytes(checked.data)
        _to_disk(ready)
        return Arrived(
            ready,
            f"{digest}{checked.suffix}",
            facts
            | {
                "sha256": digest,
                "sniffed_type": checked.sniffed,
                "width": checked.width,
                "height": checked.height,
                "original_width": checked.original_width,
                "original_height": checked.original_height,
                "blur": round(checked.blur, 1),
                "exposure": round(checked.exposure, 1),
                "edits": ", ".join(checked.edits),
                "phash": checked.phash,
            },
        )

    def set_aside(self, folder: str, candidate: Candidate, reason: str) -> None:
        """Put what was fetched and not kept where a person can look at it: beside the dataset, by reason."""
        part, _ = _temporary(self._root, folder, candidate.key)
        if part.exists():
            shelf = self._root.with_name(f"{self._root.name}.rejected") / reason
            shelf.mkdir(parents=True, exist_ok=True)
            part.replace(shelf / f"{folder}-{part.stem.lstrip('.')}.bin")

    def forget(self, folder: str, candidate: Candidate) -> None:
        """Take away what is left of a picture on which has been decided."""
        part, note = _temporary(self._root, folder, candidate.key)
        part.unlink(missing_ok=True)
        note.unlink(missing_ok=True)

    def _fetch(self, part: Path, query: Query, source: Source, candidate: Candidate) -> Row:
        most = self._terms.max_bytes
        if not isinstance(source, Fetching):
            self._robots.check(candidate.file_url)
        part.parent.mkdir(exist_ok=True)
        with part.open("w+b") as file:
            if isinstance(source, Fetching):
                answer = source.fetch(query, candidate, file, max_bytes=most)
            else:
                answer = self._client.download(candidate.file_url, file, max_bytes=most)
            file.seek(0)
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        return {
            "http_status": answer.status,
            "etag": answer.headers.get("etag", ""),
            "last_modified": answer.headers.get("last-modified", ""),
            "content_type": answer.headers.get("content-type", ""),
            "x_robots_tag": answer.headers.get("x-robots-tag", ""),
            "bytes": answer.size,
            "fetched_sha256": digest,
            "retrieved_at": now(),
        }


def give_names_to_what_was_left(manifest: Manifest, root: Path) -> None:
    """Name what a run that died had remembered but not placed; half-fetched files go."""
    left = {path.with_suffix("") for path in root.glob("*/.*") if path.suffix in (".part", ".ready", ".json")}
    for row in manifest.pictures.values() if left else ():
        part, _ = _temporary(root, row["class"], f"{row['source']}:{row['source_id']}")
        if part.with_suffix("") not in left:
            continue
        for ready in (part, part.with_suffix(".ready")):
            if ready.exists() and sha256_of(ready) == row["sha256"]:
                ready.replace(root / row["file"])
    for path in left:
        part, note = path.with_suffix(".part"), path.with_suffix(".json")
        path.with_suffix(".ready").unlink(missing_ok=True)
        key = _key(note)
        if not part.exists() or not key or key in manifest.decided:
            part.unlink(missing_ok=True)
            note.unlink(missing_ok=True)


def _temporary(root: Path, folder: str, key: str) -> tuple[Path, Path]:
    """Where a candidate's bytes and the facts of its answer wait; nobody takes either for a picture."""
    name = hashlib.sha256(key.encode()).hexdigest()[:24]
    return root / folder / f".{name}.part", root / folder / f".{name}.json"


def _noted(part: Path, note: Path) -> Row | None:
    """The facts of what an earlier run fetched; None unless all of it is here.

    Neither file was forced to disk, so after a power cut one may be torn or empty: the digest decides.
    """
    with suppress(OSError, ValueError, KeyError, TypeError):
        facts: Row = json.loads(note.read_text())["facts"]
        if sha256_of(part) == facts["fetched_sha256"]:
            return facts
    return None


def _key(note: Path) -> str:
    """Which candidate a note is about; empty if it cannot be read."""
    with suppress(OSError, ValueError, KeyError, TypeError):
        return str(json.loads(note.read_text())["key"])
    return ""


def _to_disk(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())


def now() -> str:
    """The time, as the manifest writes it."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
