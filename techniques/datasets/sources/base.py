"""What a source is: a name, what it can promise, and a search that can be taken up again."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO, Protocol, runtime_checkable

from techniques.datasets.answers import Answer
from techniques.datasets.licences import Licence
from techniques.datasets.recipe import Query


@dataclass(frozen=True)
class Candidate:
    """A picture that a source offers, before it is fetched."""

    source: str
    source_id: str
    file_url: str
    page_url: str
    title: str
    creator: str
    creator_url: str
    licence: Licence
    attribution: str
    licence_field: str
    """Where in the source's answer the licence stood, so that it can be looked up again."""
    width: int | None = None
    height: int | None = None
    sha1: str = ""
    creator_markup: str = ""
    """The creator as the source wrote it, where that was markup."""

    @property
    def key(self) -> str:
        """What makes it the same picture in another answer of the source."""
        return f"{self.source}:{self.source_id}"


@dataclass(frozen=True)
class Page:
    """One answer: what it offers, and the ``cursor`` that goes on after it (None: that was all)."""

    candidates: tuple[Candidate, ...]
    cursor: dict[str, Any] | None
    claimed: int | None
    """How many results the source says it has for the query."""


class Source(Protocol):
    """A service that pictures come from."""

    name: str
    licensed: bool
    """Whether it says for each picture under which licence it stands."""
    needs_contact: bool
    kinds: tuple[str, ...]
    """Which kinds of `recipe.Query` it answers."""

    def search(
        self, query: Query, licences: tuple[str, ...], cursor: dict[str, Any] | None
    ) -> Iterator[Page]:
        """Pages from ``cursor`` (or the first) on; raises a kind of `errors.SourceError`."""
        ...


@runtime_checkable
class Fetching(Protocol):
    """A source whose pictures do not lie at an address: it gives their bytes itself."""

    def fetch(self, query: Query, candidate: Candidate, sink: BinaryIO, *, max_bytes: int) -> Answer:
        """Write the picture's bytes to ``sink``; raises a kind of `errors.SourceError`."""
        ...
