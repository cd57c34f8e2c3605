"""Every fault of a service or a file server, on every source: each is named, none stops the rest."""

import email.utils
import gzip
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from PIL import Image

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
from techniques.datasets.testkit.clock import VirtualClock
from techniques.datasets.testkit.corpus import Work
from techniques.datasets.testkit.files import FakeFiles
from techniques.datasets.testkit.flickr import FakeFlickr
from techniques.datasets.testkit.server import Reply
from tests.techniques.datasets.conftest import Web, picture

SOURCES = ("openverse", "commons", "flickr", "urls")
Answers = Callable[[bytes], list[Reply]]


@dataclass(frozen=True)
class Fault:
    """``answers`` are given in turn, the last one for ever; ``end`` is what becomes of the picture."""

    name: str
    answers: Answers
    end: str


def _jpeg(data: bytes) -> Reply:
    return Reply(200, data, content_type="image/jpeg")


def _moved(status: int, where: str) -> Reply:
    return Reply(status, headers={"Location": where})


def _longer(data: bytes) -> Reply:
    return Reply(200, data, {"Content-Length": str(len(data) + 9)}, cut=len(data))


def _zipped(data: bytes) -> Reply:
    return Reply(200, gzip.compress(data), {"Content-Encoding": "gzip"}, "image/jpeg")


def _turned() -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6
    return picture(exif=exif)


def _moving() -> bytes:
    frames = [Image.effect_noise((240, 240), 60 + number).convert("P") for number in range(2)]
    written = io.BytesIO()
    frames[0].save(written, "GIF", save_all=True, append_images=frames[1:])
    return written.getvalue()


def _bomb() -> bytes:
    written = io.BytesIO()
    Image.new("1", (9_000, 8_000)).save(written, "PNG")
    return written.getvalue()


def _date(seconds: float) -> str:
    return email.utils.formatdate(VirtualClock().time() + seconds, usegmt=True)


FILE_FAULTS = (
    Fault("301 to itself, once", lambda data: [_moved(301, "?again"), _jpeg(data)], "kept"),
    Fault("302 for ever", lambda data: [_moved(302, "?again")], "forbidden-address"),
    Fault("302 to a file", lambda data: [_moved(302, "file:///etc/passwd")], "forbidden-address"),
    Fault("401", lambda data: [Reply(401, b"who are you")], "blocked"),
    Fault("403 with a page", lambda data: [Reply(403, b"<html>private</html>")], "blocked"),
    Fault("404", lambda data: [Reply(404)], "gone"),
    Fault("410", lambda data: [Reply(410)], "gone"),
    Fault("429, seconds", lambda data: [Reply(429, headers={"Retry-After": "3"}), _jpeg(data)], "kept"),
    Fault("429, a date", lambda data: [Reply(429, headers={"Retry-After": _date(2)}), _jpeg(data)], "kept"),
    Fault("429, nothing", lambda data: [Reply(429), _jpeg(data)], "kept"),
    Fault("500 for ever", lambda data: [Reply(500)], "unreachable"),
    Fault("503 once", lambda data: [Reply(503), _jpeg(data)], "kept"),
    Fault("reset before the body", lambda data: [Reply(reset=True), _jpeg(data)], "kept"),
    Fault("reset for ever", lambda data: [Reply(reset=True)], "unreachable"),
    Fault("breaks off once", lambda data: [Reply(200, data, cut=500), _jpeg(data)], "kept"),
    Fault("says it is longer", lambda data: [_longer(data)], "unreachable"),
    Fault("gzip", lambda data: [_zipped(data)], "kept"),
    Fault("chunked", lambda data: [Reply(200, data, chunked=True, content_type="image/jpeg")], "kept"),
    Fault("empty", lambda data: [_jpeg(b"")], "empty"),
    Fault("a page as jpeg", lambda data: [_jpeg(b"<!DOCTYPE html><html>log in</html>")], "html"),
    Fault("cut in half", lambda data: [_jpeg(data[: len(data) // 2])], "damaged"),
    Fault("bomb", lambda data: [Reply(200, _bomb(), content_type="image/png")], "bomb"),
    Fault("animated", lambda data: [Reply(200, _moving(), content_type="image/gif")], "kept"),
    Fault("cmyk", lambda data: [_jpeg(picture(mode="CMYK"))], "kept"),
    Fault("16 bits", lambda data: [_jpeg(picture(mode="I;16", kind="PNG"))], "kept"),
    Fault("turned", lambda data: [_jpeg(_turned())], "kept"),
    Fault("huge", lambda data: [_jpeg(b"\xff\xd8\xff" + bytes(400_000))], "too-large"),
    Fault("noai", lambda data: [Reply(200, data, {"X-Robots-Tag": "noai"}, "image/jpeg")], "noai"),
)


def _scripted(fault: Fault, work: Work) -> Callable[[], Reply]:
    answers = fault.answers(work.data)
    return lambda: answers.pop(0) if len(answers) > 1 else answers[0]


def _services(web: Web, client: Client, flickr: FakeFlickr) -> dict[str, Source]:
    return {
        "openverse": Openverse(client, web.openverse.endpoint),
        "commons": Commons(client, web.commons.endpoint),
        "flickr": Flickr(client, flickr.endpoint, key="a-key"),
    }


@pytest.fixture(scope="module")
def faulty(works: list[Work]) -> list[Work]:
    """One work for each fault, all of one free licence, and two without a fault."""
    chosen = works[: len(FILE_FAULTS) + 2]
    return [
        Work(**{**vars(work), "licence": "by", "version": "2.0", "words": frozenset({"nave"})})
        for work in chosen
    ]


@pytest.fixture
def ask(web: Web, faulty: list[Work], tmp_path: Path) -> Iterator[Callable[[str], dict[str, str]]]:
    """Collect all of them from one source; gives what became of each, by fault."""
    strange = {work.file: _scripted(fault, work) for work, fault in zip(faulty, FILE_FAULTS, strict=False)}
    with (
        FakeFiles(faulty, strange=strange, clock=web.clock) as files,
        FakeFlickr(faulty, files.url, clock=web.clock) as flickr,
    ):
        web.openverse.works = web.commons.works = faulty
        web.openverse.files = web.commons.files = files.url
        client = web.client()
        client.rules[files.address] = client.rules[web.files.address]
        lines = "\n".join(f"{files.url}/files/{work.file},by,2.0" for work in faulty)
        (tmp_path / "nave.csv").write_text(f"url,license,license_version\n{lines}\n")
        made = _services(web, client, flickr) | {"urls": Urls(tmp_path)}

        def run(source: str) -> dict[str, str]:
            recipe = parse("nave: urls:nave.csv" if source == "urls" else "nave")
            order = Order(licences=KNOWN, max_bytes=300_000, near=False)
            collect(recipe, tmp_path / "set", [made[source]], client, order, lambda *_: None)
            ends = {}
            for row in rows(tmp_path / "set"):
                number = next(
                    index for index, work in enumerate(faulty) if f"/{work.file}" in row["file_url"]
                )
                name = FILE_FAULTS[number].name if number < len(FILE_FAULTS) else f"none {number}"
                ends[name] = row["reason"] or row["status"]
            return ends

        yield run


@pytest.mark.parametrize("source", SOURCES)
def test_every_fault_of_a_file_server_is_named_and_stops_nothing(
    source: str, ask: Callable[[str], dict[str, str]], tmp_path: Path
) -> None:
    ends = ask(source)
    assert {fault.name: ends.get(fault.name) for fault in FILE_FAULTS} == {
        fault.name: fault.end for fault in FILE_FAULTS
    }
    assert [end for name, end in ends.items() if name.startswith("none")] == ["kept", "kept"]
    kept = list((tmp_path / "set" / "nave").iterdir())
    assert len(kept) == list(ends.values()).count("kept")
    for path in kept:
        with Image.open(path) as image:
            image.load()
            assert image.mode in ("RGB", "L")
    assert not list((tmp_path / "set").rglob("*.part"))


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
