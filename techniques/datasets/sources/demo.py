"""The source ``demo``: a made-up museum on this machine, for lessons without internet.

It is the test kit's Openverse and file server, with their rules, and drawings for whatever the class list
asks for: everything after the network, from licences to duplicates, is as with the real ones.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from typing import Any, BinaryIO
from zlib import crc32

from techniques.datasets.answers import Answer
from techniques.datasets.client import Client
from techniques.datasets.pace import HostRule
from techniques.datasets.recipe import Query, Recipe
from techniques.datasets.sources.base import Candidate, Page
from techniques.datasets.sources.openverse import Openverse
from techniques.datasets.testkit.corpus import Work
from techniques.datasets.testkit.drawings import drawing, drawing_size
from techniques.datasets.testkit.files import FakeFiles
from techniques.datasets.testkit.openverse import FakeOpenverse
from techniques.datasets.testkit.server import Reply

__all__ = ["NAME", "SHOWN", "museum"]

NAME = "demo"
SHOWN = 60
"""How many pictures it has of each search."""
_LICENCES = (("cc0", "1.0"), ("by", "4.0"), ("by-sa", "4.0"), ("by-nd", "4.0"), ("by-nc", "2.0"))
_ADDRESS = "demo:"
# Brisker than any real service, so that a lesson does not wait.
_RATE = (3000, 60.0)


class Museum(Openverse):
    """See `base.Source`."""

    name = NAME
    kinds: tuple[str, ...] = ("words", "category")

    def __init__(self, client: Client, endpoint: str, files: str) -> None:
        super().__init__(client, endpoint)
        self._files = files

    def search(
        self, query: Query, licences: tuple[str, ...], cursor: dict[str, Any] | None
    ) -> Iterator[Page]:
        """Its pictures' addresses hold on any day: the museum's own is another one each time it opens."""
        for page in super().search(query, licences, cursor):
            yield replace(page, candidates=tuple(map(self._lasting, page.candidates)))

    def fetch(
        self,
        query: Query,  # noqa: ARG002 - the address says all
        candidate: Candidate,
        sink: BinaryIO,
        *,
        max_bytes: int,
    ) -> Answer:
        """See `base.Fetching`; the bytes come over the network as any others."""
        name = candidate.file_url.removeprefix(_ADDRESS)
        return self._client.download(f"{self._files}/files/{name}", sink, max_bytes=max_bytes)

    def _lasting(self, candidate: Candidate) -> Candidate:
        name = candidate.file_url.rpartition("/")[2]
        return replace(candidate, source=NAME, file_url=_ADDRESS + name, page_url="", creator_url="")


def museum(stack: ExitStack, recipe: Recipe, client: Client) -> Museum:
    """Open it with pictures for every search of ``recipe``; it closes with ``stack``."""
    searches = {query.text.casefold() for label in recipe.labels for query in label.queries}
    works: list[Work] = []
    draw: dict[str, Callable[[], Reply]] = {}
    for words in sorted(searches):
        for number in range(SHOWN):
            works.append(work := _work(words, number))
            draw[work.file] = partial(_drawn, words, number)
    files = stack.enter_context(FakeFiles([], strange=draw))
    server = stack.enter_context(FakeOpenverse(works, files.url, burst=_RATE, sustained=_RATE))
    client.rules[server.address] = HostRule(rates=(_RATE,), concurrency=1, api=True)
    client.rules[files.address] = HostRule(rates=(_RATE,), concurrency=4)
    return Museum(client, server.endpoint, files.url)


def _work(words: str, number: int) -> Work:
    licence, version = _LICENCES[number % len(_LICENCES)]
    width, height = drawing_size(words, number)
    return Work(
        # The same picture has the same number whatever else the list names.
        number=crc32(words.encode()) * 100 + number,
        title=f"{words.capitalize()}, No. {number + 1} (made up)",
        creator=f"Draughtsman {number // 4 + 1} of the museum",
        licence=licence,
        version=version,
        words=frozenset(words.split()),
        data=b"",
        width=width,
        height=height,
    )


def _drawn(words: str, number: int) -> Reply:
    return Reply(body=drawing(words, number), content_type="image/jpeg")
