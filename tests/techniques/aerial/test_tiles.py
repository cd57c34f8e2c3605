"""The servers refuse the naive; our client keeps their rules, the cache their terms, and a key its secret."""

import json
import socket
import urllib.error
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

import pytest

from techniques.aerial.cache import Cache, lifetime
from techniques.aerial.grid import Box, LonLat, Tile
from techniques.aerial.mosaic import needed
from techniques.aerial.services import at_address, parse, shipped
from techniques.aerial.testkit.ogc import FakeWMS, FakeWMTS
from techniques.aerial.testkit.rules import RULES
from techniques.aerial.testkit.tiles import FakeTiles, blocked_picture
from techniques.aerial.tiles import opened
from techniques.aerial.windows import pixels_around
from techniques.aerial.wmts import CapabilitiesError, layout
from techniques.datasets.client import Client
from techniques.datasets.errors import BlockedError, PageChangedError, SourceError, UnreachableError
from techniques.datasets.testkit.clock import VirtualClock
from techniques.datasets.testkit.server import Reply, Server
from techniques.errors import BadInputError
from tests.techniques.aerial.conftest import Open, service

TILE = Tile(15, 8760, 12129)  # Ann Arbor


def naive(url: str, agent: str = "") -> tuple[int, bytes]:
    """How a first script asks: no limits, no name, no look at the answer."""
    request = urllib.request.Request(url, headers={"User-Agent": agent} if agent else {})
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


@dataclass(frozen=True)
class Case:
    rule: str
    server: Callable[[], Server]
    path: str
    status: int
    text: str = ""
    times: int = 1


def _query(**values: object) -> str:
    whole = {
        "SERVICE": "WMTS", "VERSION": "1.0.0", "REQUEST": "GetTile", "LAYER": "ortho", "STYLE": "normal",
        "FORMAT": "image/png", "TILEMATRIXSET": "PM", "TILEMATRIX": "EPSG:3857:3", "TILEROW": 1, "TILECOL": 1,
    } | values  # fmt: skip
    return "/wmts?" + urlencode({name: value for name, value in whole.items() if value is not None})


CASES = [
    Case("tiles-agent", lambda: FakeTiles(identified=True), "/3/1/1.png", 200),
    Case("tiles-rate", lambda: FakeTiles(rate=(2, 60.0)), "/3/1/1.png", 429, times=3),
    Case("tiles-depth", lambda: FakeTiles(deepest=5), "/6/1/1.png", 404),
    Case("tiles-coverage", lambda: FakeTiles(coverage=Box(3, 50, 8, 54)), "/6/1/1.png", 404),
    Case("tiles-key", lambda: FakeTiles(key="secret"), "/3/1/1.png", 401),
    Case("wmts-missing", FakeWMTS, _query(TILEROW=None), 400, "MissingParameterValue"),
    Case("wmts-invalid", FakeWMTS, _query(TILEMATRIX="3"), 400, "InvalidParameterValue"),
    Case(
        "wmts-range",
        lambda: FakeWMTS(limits=(0, 1, 0, 1), deepest=3),
        _query(TILEROW=2),
        400,
        "TileOutOfRange",
    ),
    Case("wmts-operation", FakeWMTS, _query(REQUEST="GetFeatureInfo"), 501, "OperationNotSupported"),
    Case(
        "wms-exception", FakeWMS, "/wms?VERSION=1.3.0&REQUEST=GetMap&SRS=EPSG:3857", 200, "ServiceException"
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.rule)
def test_a_naive_client_is_refused(case: Case) -> None:
    assert RULES[case.rule].contract
    with case.server() as server:
        for _ in range(case.times):
            status, body = naive(server.url + case.path)
        assert status == case.status
        assert server.refused == [case.rule]
        assert case.text.encode() in body
        if case.rule == "tiles-agent":
            assert body == blocked_picture()
            naive(server.url + case.path, "Mozilla/5.0 (X11; Linux x86_64) Firefox/130.0")
            assert server.refused == [case.rule] * 2


def test_too_many_at_once_are_refused() -> None:
    with FakeTiles(at_once=0) as server:
        assert naive(f"{server.url}/3/1/1.png")[0] == 429
        assert server.refused == ["tiles-at-once"]


def test_every_rule_has_a_naive_client() -> None:
    assert {case.rule for case in CASES} | {"tiles-at-once"} == RULES.keys()


def test_our_client_keeps_them_all(open_tiles: Open, clock: VirtualClock) -> None:
    with FakeTiles(identified=True, rate=(10, 60.0), key="secret", clock=clock) as server:
        tiles = open_tiles(server.template, key="secret", rate=[10, 60], cache_days=0)
        for number in range(35):
            assert tiles.get(Tile(15, 8000 + number, 12000)).data.startswith(b"\x89PNG")
        assert server.refused == []
        waited = server.asked[-1].at - server.asked[0].at
    assert 180 <= waited <= 180 * 1.05


def test_the_hosts_of_a_template_are_one(
    open_tiles: Open, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """{s} spreads requests over three names of one machine, whose operator counts them together."""
    here = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", lambda _host, *rest, **more: here("127.0.0.1", *rest, **more))
    with FakeTiles(rate=(10, 60.0), at_once=1, clock=clock) as server:
        address = server.template.replace("127.0.0.1", "{s}.tiles.example")
        tiles = open_tiles(address, rate=[10, 60], at_once=1, cache_days=0)
        with ThreadPoolExecutor(6) as pool:
            wanted = [Tile(15, 8000 + number, 12000) for number in range(24)]
            assert all(got.data for got in pool.map(tiles.get, wanted))
        assert server.refused == []
        assert len({asked.headers["host"] for asked in server.asked}) == 3


def test_asked_to_wait_it_waits(open_tiles: Open, clock: VirtualClock) -> None:
    with FakeTiles(clock=clock) as server:
        server.faults.append(Reply(429, b"", {"Retry-After": "5"}))
        assert open_tiles(server.template).get(TILE).data
        assert server.asked[1].at - server.asked[0].at >= 5


def test_a_kept_tile_is_not_asked_for_until_it_is_old(open_tiles: Open, clock: VirtualClock) -> None:
    with FakeTiles(clock=clock, max_age=600) as server:
        first = open_tiles(server.template).get(TILE)
        again = open_tiles(server.template).get(TILE)
        assert (first.cached, again.cached, again.data) == (False, True, first.data)
        assert len(server.asked) == 1
        clock.sleep(601)
        assert open_tiles(server.template).get(TILE).data == first.data
        # Asked with its mark, and answered that nothing changed.
        assert "if-none-match" in server.asked[1].headers
        assert open_tiles(server.template).get(TILE).cached
        assert len(server.asked) == 2


def test_a_clock_that_was_set_back_makes_nothing_eternal(open_tiles: Open, clock: VirtualClock) -> None:
    with FakeTiles(clock=clock) as server:
        open_tiles(server.template).get(TILE)
        clock.sleep(-7 * 86400)
        assert not open_tiles(server.template).get(TILE).cached
        assert len(server.asked) == 2


@pytest.mark.parametrize(
    ("fields", "headers"), [({"cache_days": 0}, {}), ({}, {"Cache-Control": "no-store, max-age=600"})]
)
def test_where_terms_forbid_it_nothing_is_kept(
    fields: dict[str, object], headers: dict[str, str], open_tiles: Open, tmp_path: Path
) -> None:
    with FakeTiles() as server:
        picture = server.paint(TILE, 256)
        server.strange[TILE] = Reply(200, picture, headers, "image/png")
        for _ in range(2):
            assert open_tiles(server.template, **fields).get(TILE).data == picture
        assert len(server.asked) == 2
    assert not list((tmp_path / "tiles").rglob("*.tile"))


@pytest.mark.parametrize(
    ("control", "days", "seconds"),
    [
        ("max-age=60", 30, 60),
        ("public, max-age=99999999", 30, 30 * 86400),
        ("", 30, 7 * 86400),
        ("no-store", 30, 0),
        ("max-age=60", 0, 0),
    ],
)
def test_lifetimes(control: str, days: float, seconds: float) -> None:
    record = service("http://x.example/{z}/{x}/{y}", cache_days=days)
    assert lifetime(control, record, missing=False) == seconds
    assert lifetime(control, record, missing=True) <= 86400


def test_offline_uses_what_is_kept_and_asks_nobody(open_tiles: Open, clock: VirtualClock) -> None:
    with FakeTiles(clock=clock) as server:
        address = server.template
        known = open_tiles(address).get(TILE)
    clock.sleep(10 * 86400)
    assert open_tiles(address, offline=True).get(TILE).data == known.data
    # The server is gone: what is kept is better than nothing.
    assert open_tiles(address).get(TILE).data == known.data
    with pytest.raises(UnreachableError, match="offline"):
        open_tiles(address, offline=True).get(Tile(15, 1, 1))


def test_a_damaged_cache_is_asked_again(open_tiles: Open, tmp_path: Path) -> None:
    with FakeTiles() as server:
        known = open_tiles(server.template).get(TILE)
        (kept,) = (tmp_path / "tiles").rglob("*.tile")
        for damage in (kept.read_bytes()[:-10], b"", b"{}\n", b"[1]\nx", b"\xff\xfe"):
            kept.write_bytes(damage)
            assert open_tiles(server.template).get(TILE).data == known.data
        assert len(server.asked) == 6


def test_the_cache_is_kept_small(tmp_path: Path) -> None:
    from techniques.aerial.cache import Kept

    cache = Cache(tmp_path, service("http://x.example/{z}/{x}/{y}"))
    for number in range(10):
        cache.keep(Tile(5, number, 0), Kept(bytes(1000), at=1.0, until=2.0))
    cache.trim(5000)
    assert 3 <= sum(cache.get(Tile(5, number, 0)) is not None for number in range(10)) <= 4


def test_a_key_is_nowhere(client: Client, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    key = "pk.very-secret-0123456789"
    with FakeTiles(key="another") as server:
        record = service(server.template)
        tiles = opened(record, client, cache=Cache(tmp_path, record), key=key)
        with pytest.raises(BlockedError) as caught:
            tiles.get(TILE)
    assert "401" in str(caught.value)
    assert "(your key)" in str(caught.value)
    assert key not in str(caught.value)
    with FakeTiles(key=key) as server:
        record = service(server.template)
        opened(record, client, cache=Cache(tmp_path, record), key=key).get(TILE)
    for path in tmp_path.rglob("*"):
        assert key not in str(path)
        assert path.is_dir() or key.encode() not in path.read_bytes()
    assert key not in "".join(capsys.readouterr())


def test_wmts_limits_spare_the_question(open_tiles: Open) -> None:
    edge = (1 << 19) - 1
    with FakeWMTS(limits=(0, edge // 2, 0, edge)) as server:
        tiles = open_tiles(server.endpoint, type="wmts", layer="ortho")
        assert tiles.get(Tile(4, 1, 1)).data
        assert not tiles.get(Tile(4, 1, 12)).data
        assert server.refused == []


def test_a_wmts_that_says_out_of_range_has_nothing_there(open_tiles: Open) -> None:
    with FakeWMTS() as server:
        tiles = open_tiles(server.endpoint, type="wmts", layer="ortho")
        server.limits = (0, 3, 0, 3)
        assert not tiles.get(Tile(19, 9, 9)).data
        assert server.refused == ["wmts-range"]


@pytest.mark.parametrize(
    ("changes", "fields", "words"),
    [
        ({}, {"layer": "roads"}, "no layer roads"),
        ({}, {"layer": "ortho", "format": "image/jpeg"}, "image/jpeg"),
        ({}, {"layer": "ortho", "matrix_set": "WGS84"}, "4326"),
        ({}, {"layer": "ortho", "matrix_set": "XX"}, "no tile matrix set XX"),
        # One public server has this sign in its corner: its rows would count from the south.
        ({"corner": "-20037508.34 -20037508.34"}, {"layer": "ortho"}, "not at the map's corner"),
    ],
)
def test_descriptions_that_do_not_fit(
    changes: dict[str, str], fields: dict[str, str], words: str, open_tiles: Open
) -> None:
    with FakeWMTS(**changes) as server, pytest.raises(PageChangedError, match=words):
        open_tiles(server.endpoint, type="wmts", **fields)


@pytest.mark.parametrize(
    "document",
    [
        b"<html>log in",
        b"",
        b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><x>&b;</x>',
        b"<Capabilities/>",
    ],
)
def test_documents_that_are_none(document: bytes) -> None:
    with pytest.raises(CapabilitiesError):
        layout(document, "http://x.example", layer="ortho")


def test_a_wms_exception_is_no_picture(open_tiles: Open) -> None:
    with FakeWMS() as server:
        tiles = open_tiles(f"{server.url}/wms", type="wms", layer="roads")
        with pytest.raises(BlockedError, match="LayerNotDefined"):
            tiles.get(Tile(4, 1, 1))


@pytest.mark.parametrize(
    "reply",
    [
        Reply(500),
        Reply(503, headers={"Retry-After": "1"}),
        Reply(403, b"<html>no</html>"),
        Reply(200, bytes(5000), cut=100),
        Reply(200, b"x" * 6_000_000, content_type="image/png"),
        Reply(302, headers={"Location": "file:///etc/passwd"}),
        Reply(302, headers={"Location": "/loop"}),
    ],
    ids=["500", "503", "403", "broken-off", "huge", "file", "loop"],
)
def test_every_fault_is_a_typed_error_and_nothing_is_kept(
    reply: Reply, open_tiles: Open, tmp_path: Path
) -> None:
    with FakeTiles() as server:
        server.faults.extend([reply] * 12)
        with pytest.raises(SourceError):
            open_tiles(server.template).get(TILE)
    assert not list((tmp_path / "tiles").rglob("*.tile"))


def test_the_shipped_records() -> None:
    services = shipped()
    assert {"usgs", "ign", "pdok", "osm", "mapbox"} <= services.keys()
    for record in services.values():
        assert record.url.startswith("https://")
        assert record.attribution
        assert record.terms.startswith("https://")
        # What is taken without being named must be free to use, change and publish, and need no account.
        if record.default:
            assert record.licence.slug
            assert record.licence.commercial
            assert record.licence.adaptation
            assert not record.key
    assert services["usgs"].covers(Box(-83.8, 42.2, -83.7, 42.3))
    assert not services["usgs"].covers(Box(83.7, 42.2, 83.8, 42.3))
    assert services["osm"].most_tiles == 250
    assert services["osm"].rule.needs_contact
    assert services["mapbox"].cache_days == 0
    assert services["mapbox"].level(18) == 17
    assert services["ign"].covers(Box(2.3, 48.8, 2.4, 48.9))
    window = pixels_around(LonLat(179.99, 10), 512, 512, 14, name="x")
    assert services["eox"].covers(window.bounds)
    assert needed(window, 512)


def _record(**fields: object) -> str:
    known = {"name": "x", "kind": "photo", "type": "wms", "url": "http://x", "zoom": [0, 1]}
    return json.dumps([{**known, "license": "", "attribution": "", **fields}])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "no YAML"),
        ("a: 1", "list of records"),
        ("- {name: x}", "record x: kind"),
        (_record(url="ftp://x"), "https"),
        (_record(type="xyz"), "{z}"),
        (_record(zoom=[5, 1]), "zoom"),
        (_record(license="gpl"), "gpl"),
        (_record(ratelimit=1), "ratelimit"),
        (_record(areas=[[1, 2]]), "record x"),
        (_record(url="https://x/wms?ApiKey=s3cr3t"), "(ApiKey)"),
        (_record(url="https://me:s3cr3t@x/wms"), "name or password"),
    ],
)
def test_records_that_are_wrong_are_named(text: str, words: str) -> None:
    with pytest.raises(BadInputError) as caught:
        parse(text, "mine.yaml")
    assert words in str(caught.value)
    assert "mine.yaml" in str(caught.value)
    assert "s3cr3t" not in str(caught.value)


@pytest.mark.parametrize("secret", ["?apikey=s3cr3t", "?v=1&access_token=s3cr3t", "?client-secret=s3cr3t"])
def test_an_address_with_a_key_in_it_is_refused(secret: str) -> None:
    address = "https://tiles.example.org/{z}/{x}/{y}.png"
    with pytest.raises(BadInputError, match="--services") as caught:
        at_address(address + secret)
    assert "s3cr3t" not in str(caught.value)
    assert at_address(f"{address}?style=plain").url.endswith("?style=plain")
    assert parse(_record(url=f"{address}?apikey={{key}}", type="xyz", key="TOWN_KEY"), "mine.yaml")["x"].key
