"""Every fault of a service or a file server, on every source: each is named, none stops the rest."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from techniques.datasets import guard
from techniques.datasets.client import Client
from techniques.datasets.collect import Order, collect
from techniques.datasets.licences import KNOWN
from techniques.datasets.recipe import parse
from techniques.datasets.rows import rows
from techniques.datasets.sources.base import Source
from techniques.datasets.sources.commons import Commons
from techniques.datasets.sources.flickr import Flickr
from techniques.datasets.sources.openverse import Openverse
from techniques.datasets.sources.urls import Urls
from techniques.datasets.testkit.corpus import Work
from techniques.datasets.testkit.faults import faults
from techniques.datasets.testkit.files import FakeFiles
from techniques.datasets.testkit.flickr import FakeFlickr
from techniques.datasets.testkit.server import Reply, Server
from tests.techniques.datasets.conftest import Web

SOURCES = ("openverse", "commons", "flickr", "urls")


MOST_BYTES = 300_000
ENDS = {
    "301 to itself, once": "kept",
    "302 for ever": "forbidden-address",
    "302 to a file": "forbidden-address",
    "302 to a private address": "forbidden-address",
    "401": "blocked",
    "403 with a page": "blocked",
    "404": "gone",
    "410": "gone",
    "429, seconds": "kept",
    "429, a date": "kept",
    "429, nothing": "kept",
    "500 for ever": "unreachable",
    "503 once": "kept",
    "reset before the body": "kept",
    "reset for ever": "unreachable",
    "breaks off once": "kept",
    "slow drip": "unreachable",
    "says it is longer": "unreachable",
    "gzip": "kept",
    "chunked": "kept",
    "empty": "empty",
    "a page as jpeg": "html",
    "another type than it says": "kept",
    "cut in half": "damaged",
    "bomb": "bomb",
    "animated": "kept",
    "cmyk": "kept",
    "16 bits": "kept",
    **{f"turned, exif {number}": "kept" for number in range(2, 9)},
    "huge": "too-large",
    "noai": "noai",
}
"""What becomes of the picture."""


def _services(web: Web, client: Client, flickr: FakeFlickr) -> dict[str, Source]:
    return {
        "openverse": Openverse(client, web.openverse.endpoint),
        "commons": Commons(client, web.commons.endpoint),
        "flickr": Flickr(client, flickr.endpoint, key="a-key"),
    }


@pytest.fixture(scope="module")
def faulty(works: list[Work]) -> list[Work]:
    """One work for each fault, all of one free licence, and two without a fault."""
    chosen = works[: len(ENDS) + 2]
    return [
        Work(**{**vars(work), "licence": "by", "version": "2.0", "words": frozenset({"nave"})})
        for work in chosen
    ]


@pytest.fixture
def inside() -> Iterator[Server]:
    """A server in the private network, that nobody may reach."""
    with Server(host="127.0.0.2") as server:
        yield server
        assert server.asked == []


@pytest.fixture
def outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take this machine's first address for the open internet, so that the guard is at work."""
    real = guard.is_public
    monkeypatch.setattr(guard, "is_public", lambda address: address == "127.0.0.1" or real(address))


@pytest.fixture
def ask(
    web: Web, faulty: list[Work], inside: Server, outside: None, tmp_path: Path
) -> Iterator[Callable[[str], dict[str, str]]]:
    """Collect all of them from one source; gives what became of each, by fault."""
    known = faults(private=f"{inside.url}/", most_bytes=MOST_BYTES)
    assert [fault.name for fault in known] == list(ENDS)
    strange = {work.file: fault.script(work.data) for work, fault in zip(faulty, known, strict=False)}
    with (
        FakeFiles(faulty, strange=strange, clock=web.clock) as files,
        FakeFlickr(faulty, files.url, clock=web.clock) as flickr,
    ):
        web.openverse.works = web.commons.works = faulty
        web.openverse.files = web.commons.files = files.url
        client = web.client(allow_private=False)
        # One at a time: all share a clock, and what one file drips away would be the next one's time, too.
        client.rules[files.address] = replace(client.rules[web.files.address], concurrency=1)
        lines = "\n".join(f"{files.url}/files/{work.file},by,2.0" for work in faulty)
        (tmp_path / "nave.csv").write_text(f"url,license,license_version\n{lines}\n")
        made = _services(web, client, flickr) | {"urls": Urls(tmp_path)}

        def run(source: str) -> dict[str, str]:
            recipe = parse("nave: urls:nave.csv" if source == "urls" else "nave")
            order = Order(licences=KNOWN, max_bytes=MOST_BYTES, near=False)
            collect(recipe, tmp_path / "set", [made[source]], client, order, lambda *_: None)
            ends = {}
            for row in rows(tmp_path / "set"):
                number = next(
                    index for index, work in enumerate(faulty) if f"/{work.file}" in row["file_url"]
                )
                name = known[number].name if number < len(known) else f"none {number}"
                ends[name] = row["reason"] or row["status"]
            return ends

        yield run


@pytest.mark.parametrize("source", SOURCES)
def test_every_fault_of_a_file_server_is_named_and_stops_nothing(
    source: str, ask: Callable[[str], dict[str, str]], tmp_path: Path
) -> None:
    ends = ask(source)
    assert {name: end for name, end in ends.items() if not name.startswith("none")} == ENDS
    assert [end for name, end in ends.items() if name.startswith("none")] == ["kept", "kept"]
    kept = list((tmp_path / "set" / "nave").iterdir())
    assert len(kept) == list(ends.values()).count("kept")
    for path in kept:
        with Image.open(path) as image:
            image.load()
            assert image.mode in ("RGB", "L")
    assert not list((tmp_path / "set").rglob("*.part"))


@pytest.mark.parametrize("source", SOURCES)
def test_robots_txt_keeps_robots_away_whatever_led_there(source: str, web: Web, tmp_path: Path) -> None:
    works = web.openverse.works[:6]
    with (
        FakeFiles(works, robots="User-agent: *\nDisallow: /", clock=web.clock) as files,
        FakeFlickr(works, files.url, clock=web.clock) as flickr,
    ):
        web.openverse.works = web.commons.works = works
        web.openverse.files = web.commons.files = files.url
        client = web.client()
        lines = "\n".join(f"{files.url}/files/{work.file},by,2.0" for work in works)
        (tmp_path / "nave.csv").write_text(f"url,license,license_version\n{lines}\n")
        made = (_services(web, client, flickr) | {"urls": Urls(tmp_path)})[source]
        recipe = parse("nave: urls:nave.csv" if source == "urls" else "gothic")
        came = collect(recipe, tmp_path / "set", [made], client, Order(licences=KNOWN), lambda *_: None)
        assert came.images == 0
        assert came.reasons == {"blocked": 6}
        assert [asked.path for asked in files.asked] == ["/robots.txt"]


SERVICE_FAULTS: dict[str, list[Reply | None]] = {
    "301 for ever": [Reply(301, headers={"Location": "?a=1"})] * 30,
    "401": [Reply(401, b"{}")],
    "403 with a page": [Reply(403, b"<html>no</html>", content_type="text/html")],
    "404": [Reply(404)],
    "410": [Reply(410)],
    "429 for ever": [Reply(429)] * 30,
    "429 for hours": [Reply(429, headers={"Retry-After": "9999"})],
    "500 for ever": [Reply(500)] * 30,
    "reset for ever": [Reply(reset=True)] * 30,
    "breaks off": [Reply(200, b'{"results": [', {"Content-Length": "99"}, cut=10)] * 30,
    "empty": [Reply(200)],
    "a page": [Reply(200, b"<html>sorry</html>", content_type="text/html")],
    "a list": [Reply(200, b"[1]")],
    "another shape": [Reply(200, b'{"stat": "ok", "hello": 1}')],
    "not text": [Reply(200, b"\xff\xfe\x00")],
    "huge": [Reply(200, b'{"a": "' + b"x" * 11_000_000)],
}
MENDED: dict[str, list[Reply | None]] = {
    "503 once": [Reply(503)],
    "429, seconds": [Reply(429, headers={"Retry-After": "2"})],
    "reset once": [Reply(reset=True)],
    "breaks off once": [Reply(200, b'{"', {"Content-Length": "99"}, cut=2)],
}


@pytest.mark.parametrize("source", ["openverse", "commons", "flickr"])
def test_every_fault_of_a_service_is_said_and_is_never_no_results(
    source: str, web: Web, works: list[Work], tmp_path: Path
) -> None:
    with FakeFlickr(works, web.files.url, clock=web.clock) as flickr:
        servers = {"openverse": web.openverse, "commons": web.commons, "flickr": flickr}
        for number, (name, replies) in enumerate([*SERVICE_FAULTS.items(), *MENDED.items()]):
            client = web.client()
            made = _services(web, client, flickr)
            servers[source].faults.clear()
            servers[source].faults.extend(replies)
            root = tmp_path / f"{number}"
            order = Order(per_class=2, licences=KNOWN)
            came = collect(parse("gothic"), root, [made[source]], client, order, lambda *_: None)
            if name in MENDED:
                assert (came.images, came.notes) == (2, ()), name
            else:
                assert came.images == 0, name
                assert came.silent, name
                assert came.notes[0].startswith(f"{source}: "), name
            # What is over, is over: the same folder is filled once the service is well again.
            servers[source].faults.clear()
            if number % 5 == 0:
                client = web.client()
                again = _services(web, client, flickr)[source]
                assert collect(parse("gothic"), root, [again], client, order, lambda *_: None).images == 2
