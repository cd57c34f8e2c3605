"""Real photographs cut into many, the servers that offer them, and a client on their clock."""

import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from techniques.datasets.client import Client, Limits
from techniques.datasets.collect import Collected, Order, collect
from techniques.datasets.licences import policy
from techniques.datasets.pace import HostRule
from techniques.datasets.recipe import parse
from techniques.datasets.sources.base import Source
from techniques.datasets.sources.commons import Commons
from techniques.datasets.sources.openverse import Openverse
from techniques.datasets.testkit.clock import VirtualClock
from techniques.datasets.testkit.commons import FakeCommons
from techniques.datasets.testkit.corpus import Work, works_from
from techniques.datasets.testkit.files import FakeFiles
from techniques.datasets.testkit.openverse import FakeOpenverse

LICENCES = (("by", "2.0"), ("cc0", "1.0"), ("by-sa", "4.0"), ("by-nc", "2.0"), ("by-nd", "2.0"))
OPENVERSE = HostRule(rates=((20, 60.0),), concurrency=1, api=True)
WIKIMEDIA = HostRule(rates=((200, 60.0),), concurrency=2, needs_contact=True, api=True)


@pytest.fixture(scope="session")
def works(photos: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> list[Work]:
    """Fifty different pieces of three photographs; the words are what they are found by."""
    folder = tmp_path_factory.mktemp("works")
    pictures: dict[str, list[Path]] = {}
    for words, name, count in [
        ("gothic church", "china", 30),
        ("dome", "coffee", 12),
        ("ionic capitals", "chelsea", 8),
    ]:
        with Image.open(photos[name]) as image:
            photo = image.convert("RGB")
        for number in range(count):
            left, top = (number * 37) % (photo.width - 280), (number * 23) % (photo.height - 260)
            path = folder / f"{name}{number}.jpg"
            photo.crop((left, top, left + 280, top + 260)).save(path, quality=80)
            pictures.setdefault(words, []).append(path)
    return works_from(pictures, LICENCES)


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@dataclass
class Web:
    """The three servers, and what a student's run against them needs."""

    files: FakeFiles
    openverse: FakeOpenverse
    commons: FakeCommons
    clock: VirtualClock

    def client(self, **changes: Any) -> Client:
        rules = {
            self.openverse.address: OPENVERSE,
            self.commons.address: WIKIMEDIA,
            self.files.address: HostRule(rates=((6000, 60.0),), concurrency=2),
        }
        wanted: dict[str, Any] = {
            "contact": "student@example.edu",
            "allow_private": True,
            "rules": rules,
            "clock": self.clock,
            "limits": Limits(read=5.0),
        }
        return Client(**(wanted | changes))

    def collect(
        self, root: Path, text: str, *, only: str = "", client: Client | None = None, **order: Any
    ) -> Collected:
        client = client or self.client()
        sources: list[Source] = [
            Openverse(client, self.openverse.endpoint),
            Commons(client, self.commons.endpoint),
        ]
        sources = [source for source in sources if not only or source.name == only]
        order.setdefault("licences", policy())
        return collect(parse(text), root, sources, client, Order(**order), lambda name, have, want: None)

    @property
    def fetched(self) -> list[str]:
        return [asked.path.rpartition("/")[2] for asked in self.files.asked if asked.path != "/robots.txt"]


@pytest.fixture
def web(works: list[Work], clock: VirtualClock) -> Iterator[Web]:
    with (
        FakeFiles(works, clock=clock) as files,
        FakeOpenverse(works, files.url, clock=clock) as openverse,
        FakeCommons(works, files.url, clock=clock) as commons,
    ):
        yield Web(files, openverse, commons, clock)


def picture(
    size: tuple[int, int] = (300, 300), mode: str = "RGB", kind: str = "JPEG", **options: Any
) -> bytes:
    """A picture with something on it."""
    image = Image.effect_noise(size, 60).convert("RGB").convert(mode)
    written = io.BytesIO()
    image.save(written, kind, **options)
    return written.getvalue()


def manifest(root: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (root / "manifest.jsonl").read_text().splitlines()]
