"""A client, services that lead to servers on this machine, and what their pictures must show."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from techniques.aerial.cache import Cache
from techniques.aerial.services import Service, parse
from techniques.aerial.testkit.paint import coordinates
from techniques.aerial.tiles import Tiles, opened
from techniques.aerial.windows import Window
from techniques.datasets.client import Client, Limits
from techniques.datasets.testkit.clock import VirtualClock

Open = Callable[..., Tiles]


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def client(clock: VirtualClock) -> Client:
    return Client(
        contact="student@example.edu", allow_private=True, clock=clock, limits=Limits(read=5.0, tries=3)
    )


def service(url: str, **fields: Any) -> Service:
    """A record as a user writes it."""
    known = {
        "name": "test",
        "kind": "photo",
        "type": "xyz",
        "url": url,
        "zoom": [0, 19],
        "license": "cc0",
        "attribution": "somebody",
        "rate": [60_000, 60],
        "cache_days": 30,
    } | fields
    lines = "\n  ".join(f"{name}: {value!r}" for name, value in known.items())
    return parse(f"- {lines}", "test")[str(known["name"])]


@pytest.fixture
def open_tiles(client: Client, tmp_path: Path) -> Open:
    def make(url: str, *, key: str = "", offline: bool = False, **fields: Any) -> Tiles:
        record = service(url, **fields)
        return opened(record, client, cache=Cache(tmp_path / "tiles", record), key=key, offline=offline)

    return make


def expected(window: Window) -> NDArray[np.uint8]:
    """What a server of coordinates shows in a window of its own pixels."""
    left, top, right, bottom = (int(edge) for edge in window.source_box)
    world = 256 << window.zoom
    return coordinates(np.arange(left, right)[None, :] % world, np.arange(top, bottom)[:, None])


def pixels(image: Image.Image) -> NDArray[np.uint8]:
    return np.asarray(image.convert("RGB"))
