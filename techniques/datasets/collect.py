"""From a recipe to class folders: search, fetch, check, remember, until each class has enough.

The root holds only files and one folder for each class that has pictures, so that training programs
which take every folder for a class (torchvision's ImageFolder) read it unchanged.
"""

from collections import Counter, deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from techniques.datasets.arrivals import Arrivals, Arrived, Terms, give_names_to_what_was_left, now
from techniques.datasets.check import Demands, RejectedError
from techniques.datasets.client import Client
from techniques.datasets.contents import contents, hashes
from techniques.datasets.errors import (
    BlockedError,
    ForbiddenAddressError,
    GoneError,
    SourceError,
    TooLargeError,
)
from techniques.datasets.listing import Named, read_named, write_listing
from techniques.datasets.manifest import Manifest
from techniques.datasets.places import HAND, UNDO, put, settle
from techniques.datasets.recipe import Label, Query, Recipe
from techniques.datasets.rows import Place, as_row, rows
from techniques.datasets.similar import weaker
from techniques.datasets.sources.base import Candidate, Source
from techniques.datasets.sources.folder import Folder

_WORKERS = 8
_AHEAD = 2 * _WORKERS  # so that one slow host does not keep the others waiting

PASSING = ("unreachable", "rate-limited", "contact-needed")
"""Reasons that are no decision: the same picture may come another time."""

Progress = Callable[[str, int, int], None]
"""Called with a class, how many pictures it has, and how many it shall have."""


@dataclass(frozen=True)
class Order:
    """What to collect."""

    per_class: int = 100
    licences: tuple[str, ...] = ()
    demands: Demands = field(default_factory=Demands)
    max_bytes: int = 25_000_000
    allow_noai: bool = False
    near: bool = True
    """Whether of pictures that look alike only the best one stays."""
    keep_rejected: bool = False
    """Whether files that were fetched and not kept go to a folder beside the dataset."""


@dataclass(frozen=True)
class Collected:
    """What came of it, for the whole dataset as it now stands."""

    per_class: dict[str, int]
    reasons: dict[str, int]
    notes: tuple[str, ...]
    silent: bool = False
    """Whether every source failed."""

    @property
    def images(self) -> int:
        """Pictures in all classes."""
        return sum(self.per_class.values())


def collect(
    recipe: Recipe, root: Path, sources: list[Source], client: Client, order: Order, progress: Progress
) -> Collected:
    """Fill ``root``; may be run again at any time, and then fetches only what is missing.

    Raises `manifest.InUseError` if another run is at work there.
    """
    root.mkdir(parents=True, exist_ok=True)
    notes: list[str] = []
    with Manifest(root) as manifest:
        give_names_to_what_was_left(manifest, root)
        settle(manifest, root)
        manifest.count_files(root)
        run = _Run(root, manifest, client, order, progress)
        working = list(sources)
        while True:
            for label in recipe.labels:
                for source in list(working):
                    try:
                        run.fill(label, source)
                    except SourceError as error:
                        notes.append(f"{source.name}: {error}")
                        working.remove(source)
            # What is dropped here makes room, and what fills it may look like something again.
            if not order.near or not run.drop_near():
                break
        per_class = {label.name: manifest.kept.get(label.folder, 0) for label in recipe.labels}
        named = {
            label.folder: Named(label.name, [str(query) for query in label.queries])
            for label in recipe.labels
        }
        write_listing(root, read_named(root) | named)
    return Collected(per_class, dict(+run.reasons), tuple(notes), silent=not working)


@dataclass(frozen=True)
class _UnderWay:
    """A picture that is being fetched, or has been."""

    candidate: Candidate
    future: Future[Arrived]


class _Run:
    def __init__(
        self, root: Path, manifest: Manifest, client: Client, order: Order, progress: Progress
    ) -> None:
        self.root, self.manifest, self.client, self.order, self.progress = (
            root,
            manifest,
            client,
            order,
            progress,
        )
        self.arrivals = Arrivals(root, client, Terms(order.demands, order.max_bytes, order.allow_noai))
        self.reasons: Counter[str] = Counter()

    def fill(self, label: Label, source: Source) -> None:
        """Fetch from ``source`` until ``label`` has enough or there is no more."""
        for query in label.queries:
            if self._missing(label) <= 0:
                return
            if query.kind in source.kinds:
                self._fetch_all(label, query, source, self._candidates(label, source, query))

    def drop_near(self) -> int:
        """Drop what looks like a better picture of the dataset, and say how many those were."""
        items = contents(self.root, rows(self.root))
        first = {history[-1].now: file for file, history in self.manifest.places.items()}
        reasons = {history[-1].now: history[-1].reason for history in self.manifest.places.values()}
        # Only what was collected here: a picture that somebody put in is theirs. And what somebody took back
        # after it had been dropped may stand beside what it looks like.
        collected = [item for item in items if item.row and reasons.get(item.file) != UNDO]
        keep = {file for file, reason in reasons.items() if reason in HAND}
        found = weaker(collected, hashes(self.root, collected), keep)
        batch = self.manifest.batches + 1
        put(
            self.manifest,
            self.root,
            [
                Place(first.get(one.item.file, one.item.file), "", "near-duplicate", one.why, batch)
                for one in found
            ],
        )
        self.reasons["near-duplicate"] += len(found)
        self.manifest.count_files(self.root)
        return len(found)

    def _missing(self, label: Label) -> int:
        return self.order.per_class - self.manifest.kept.get(label.folder, 0)

    def _candidates(self, label: Label, source: Source, query: Query) -> Iterator[Candidate]:
        """What is undecided from earlier runs, then what the source has beyond."""
        place = (label.folder, source.name, str(query))
        known = self.manifest.searches.get(place)
        if known is not None:
            yield from list(known.waiting.values())
            if known.finished:
                return
        for page in source.search(query, self.order.licences, known.cursor if known else None):
            self.manifest.found(*place, list(page.candidates), page.cursor)
            # A source may offer a picture twice, on two pages or for two queries.
            yield from list(self.manifest.searches[place].waiting.values())

    def _fetch_all(self, label: Label, query: Query, source: Source, candidates: Iterator[Candidate]) -> None:
        running: deque[_UnderWay] = deque()
        wanted = self._wanted(label, query, source, candidates)
        problem: SourceError | None = None
        with ThreadPoolExecutor(_WORKERS) as pool:
            try:
                while True:
                    # Never more in flight than are missing: nobody's server works for nothing.
                    while problem is None and len(running) < min(_AHEAD, self._missing(label)):
                        try:
                            candidate = next(wanted, None)
                        except SourceError as error:
                            problem = error
                            break
                        if candidate is None:
                            break
                        future = pool.submit(self.arrivals.bring, label.folder, query, source, candidate)
                        running.append(_UnderWay(candidate, future))
                    if not running:
                        break
                    wait([running[0].future])
                    self._decide(label, query, _done(running))
            except BaseException:
                self.client.stopped.set()  # what is under way ends at its next piece
                raise
        with suppress(OSError):
            (self.root / label.folder).rmdir()  # only if it is empty
        if problem is not None:
            raise problem

    def _wanted(
        self, label: Label, query: Query, source: Source, candidates: Iterator[Candidate]
    ) -> Iterator[Candidate]:
        offered: set[str] = set()
        for candidate in candidates:
            if candidate.key in offered or candidate.key in self.manifest.decided:
                continue
            offered.add(candidate.key)
            # What lies in a person's own folder needs nobody's leave; the sheets say that it has no licence.
            if candidate.licence.slug in self.order.licences or isinstance(source, Folder):
                yield candidate
            else:
                self._refuse_licence(label, query, candidate)

    def _decide(self, label: Label, query: Query, arrived: list[_UnderWay]) -> None:
        """Decide on pictures in their order: rows first, one wait for the disk for all, then names."""
        placed: list[tuple[Path, Path]] = []
        for one in arrived:
            try:
                placed.append(self._keep(label, query, one.candidate, one.future.result()))
            except RejectedError as error:
                self._reject(label, query, one.candidate, error.reason, str(error))
                if self.order.keep_rejected:
                    self.arrivals.set_aside(label.folder, one.candidate, error.reason)
            except (GoneError, TooLargeError, ForbiddenAddressError, BlockedError) as error:
                self._reject(label, query, one.candidate, _reason(error), str(error))
            except SourceError as error:
                self.reasons[_reason(error)] += 1
                self.manifest.note(
                    self._row(label, query, one.candidate, "failed", _reason(error), str(error))
                )
        self.manifest.sync()
        for ready, name in placed:
            ready.replace(name)
        # Not in a `finally`: what an interrupted run has fetched stays for the next one.
        for one in arrived:
            self.arrivals.forget(label.folder, one.candidate)
        self.progress(label.name, self.manifest.kept.get(label.folder, 0), self.order.per_class)

    def _keep(self, label: Label, query: Query, candidate: Candidate, arrived: Arrived) -> tuple[Path, Path]:
        """Note that a picture is kept; gives where it lies, and where it shall."""
        for name in ("sha256", "fetched_sha256"):
            if (other := self.manifest.hashes.get(arrived.facts[name])) is not None:
                raise RejectedError("duplicate", f"is in class {other!r} already")
        file = f"{label.folder}/{arrived.name}"
        row = self._row(label, query, candidate, "kept", "", "") | arrived.facts | {"file": file}
        self.manifest.note(row)
        return arrived.ready, self.root / file

    def _refuse_licence(self, label: Label, query: Query, candidate: Candidate) -> None:
        # Not for good: another run may allow more. So it is written down once, and looked at again.
        if candidate.key not in self.manifest.refused:
            self._reject(label, query, candidate, "licence", f"stands under {candidate.licence.name}")

    def _reject(self, label: Label, query: Query, candidate: Candidate, reason: str, text: str) -> None:
        self.reasons[reason] += 1
        self.manifest.note(self._row(label, query, candidate, "rejected", reason, text))

    def _row(
        self, label: Label, query: Query, candidate: Candidate, status: str, reason: str, text: str
    ) -> dict[str, Any]:
        return {
            "class": label.folder,
            "query": str(query),
            **as_row(candidate),
            "license_checked_at": now(),
            "status": status,
            "reason": reason,
            "why": text,
        }


def _done(running: deque[_UnderWay]) -> list[_UnderWay]:
    """Take the finished ones from the front, at least one."""
    taken = [running.popleft()]
    while running and running[0].future.done():
        taken.append(running.popleft())
    return taken


def _reason(error: SourceError) -> str:
    return {
        "GoneError": "gone",
        "TooLargeError": "too-large",
        "ForbiddenAddressError": "forbidden-address",
        "BlockedError": "blocked",
        "ContactNeededError": "contact-needed",
        "RateLimitedError": "rate-limited",
    }.get(type(error).__name__, "unreachable")
