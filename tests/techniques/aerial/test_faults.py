"""Every fault of a server, on every kind of tile service: named or mended, and never taken for the ground."""

import io
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from techniques.aerial.cache import Cache
from techniques.aerial.grid import Pixel, Tile, lonlat
from techniques.aerial.mosaic import TileError, cut
from techniques.aerial.testkit.ogc import FakeWMS, FakeWMTS
from techniques.aerial.testkit.paint import town_photo
from techniques.aerial.testkit.tiles import FakeTiles
from techniques.aerial.tiles import Tiles, opened
from techniques.aerial.windows import pixels_around
from techniques.datasets import guard
from techniques.datasets.client import Client, Limits
from techniques.datasets.errors import SourceError
from techniques.datasets.testkit.clock import VirtualClock
from techniques.datasets.testkit.faults import faults
from techniques.datasets.testkit.server import Server
from tests.techniques.aerial.conftest import pixels, service

MOST_BYTES = 5_000_000
ENDS = {
    "301 to itself, once": "kept",
    "302 for ever": "ForbiddenAddressError",
    "302 to a file": "ForbiddenAddressError",
    "302 to a private address": "ForbiddenAddressError",
    "401": "BlockedError",
    "403 with a page": "BlockedError",
    "404": "missing",
    "410": "missing",
    "429, seconds": "kept",
    "429, a date": "kept",
    "429, nothing": "kept",
    "500 for ever": "UnreachableError",
    "503 once": "kept",
    "reset before the body": "kept",
    "reset for ever": "UnreachableError",
    "breaks off once": "kept",
    "slow drip": "UnreachableError",
    "says it is longer": "UnreachableError",
    "gzip": "kept",
    "chunked": "kept",
    "empty": "missing",
    "a page as jpeg": "not-an-image",
    "another type than it says": "kept",
    "cut in half": "damaged",
    "bomb": "tile-size",
    "animated": "kept",
    "cmyk": "kept",
    "16 bits": "kept",
    # A tile is no photograph that somebody held upright: it lies as its service says.
    **{f"turned, exif {number}": "kept" for number in range(2, 9)},
    "huge": "TooLargeError",
    "noai": "BlockedError",
}
"""What becomes of a tile that a server does this with."""

TILE = Tile(16, 17521, 24258)
WINDOW = pixels_around(
    lonlat(Pixel((TILE.x + 0.5) * 256, (TILE.y + 0.5) * 256), TILE.z), 256, 256, TILE.z, name="x"
)
KINDS: dict[str, tuple[Callable[[], Server], str]] = {
    "xyz": (FakeTiles, "/{z}/{x}/{y}.png"),
    "wmts": (FakeWMTS, "/wmts"),
    "wms": (FakeWMS, "/wms"),
}


@pytest.fixture
def inside(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A server in the private network, that nobody may reach; this machine's first address counts as open."""
    real = guard.is_public
    monkeypatch.setattr(guard, "is_public", lambda address: address == "127.0.0.1" or real(address))
    with Server(host="127.0.0.2") as server:
        yield server
        assert server.asked == []


def _end(tiles: Tiles, right: np.ndarray) -> str:  # type: ignore[type-arg]
    try:
        got = tiles.get(TILE)
        image = cut(WINDOW, 256, tiles.get, known={TILE: got}).image
    except TileError as error:
        return error.reason
    except SourceError as error:
        return type(error).__name__
    away = np.abs(pixels(image).astype(float).mean(axis=2) - right).mean()
    return "kept" if away < 4 else f"kept, {away:.1f} grey levels away"


@pytest.mark.parametrize("kind", KINDS)
def test_every_fault_is_named_or_mended(
    kind: str, inside: Server, clock: VirtualClock, tmp_path: Path
) -> None:
    make, path = KINDS[kind]
    data = town_photo(TILE, 256)
    with Image.open(io.BytesIO(data)) as image:
        right = pixels(image).astype(float).mean(axis=2)
    ends = {}
    with make() as server:
        server.clock = clock
        record = service(server.url + path, type=kind, layer="ortho", rate=[60_000, 1])
        for fault in faults(private=f"{inside.url}/", most_bytes=MOST_BYTES):
            client = Client(contact="me@example.edu", clock=clock, limits=Limits(tries=3))
            tiles = opened(record, client, cache=Cache(tmp_path / fault.name, record))
            answers = fault.answers(data)
            server.faults.extend([*answers, *[answers[-1]] * 12])
            ends[fault.name] = _end(tiles, right)
            server.faults.clear()
            if ends[fault.name] not in ("kept", "missing"):
                # Nothing that is no tile is kept for the next run to believe.
                assert not tiles.get(TILE).cached, fault.name
    assert ends == ENDS


def test_a_tile_of_another_type_fits_among_its_neighbours(
    client: Client, clock: VirtualClock, tmp_path: Path
) -> None:
    """One lossless WebP that says it is JPEG, among PNGs."""
    east = Tile(TILE.z, TILE.x + 1, TILE.y)
    window = pixels_around(
        lonlat(Pixel((TILE.x + 1) * 256, (TILE.y + 0.5) * 256), TILE.z), 200, 100, TILE.z, name="x"
    )
    with FakeTiles(clock=clock) as server:
        record = service(server.template)
        tiles = opened(record, client, cache=None)
        plain = {tile: tiles.get(tile) for tile in (TILE, east)}
        (other,) = [
            one
            for one in faults(private="", most_bytes=MOST_BYTES)
            if one.name == "another type than it says"
        ]
        server.strange[east] = other.answers(plain[east].data)[0]
        mixed = {TILE: plain[TILE], east: tiles.get(east)}
        assert mixed[east].data[:4] == b"RIFF"
        one, two = (pixels(cut(window, 256, tiles.get, known=known).image) for known in (plain, mixed))
    assert (one == two).all()
