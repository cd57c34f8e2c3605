"""What a run will take, said before anything is fetched; and a look at where it is."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from PIL import Image, ImageDraw

from techniques.aerial.grid import HALF, Box, Pixel, lonlat, resolution
from techniques.aerial.mosaic import TileError, cut, needed
from techniques.aerial.tiles import Tiles
from techniques.aerial.windows import Window, WindowError, pixels_around
from techniques.datasets.errors import SourceError
from techniques.datasets.wording import counted

__all__ = ["Cost", "cost", "preview"]

_BYTES = {"photo": 22_000, "map": 12_000}  # of a 256-pixel tile, on average
_SHOWN = 512  # px
_RED = (230, 0, 40)


@dataclass(frozen=True)
class Cost:
    """``tiles`` of which ``kept`` are in the cache; bytes and seconds for the others, roughly."""

    pictures: int
    tiles: int
    kept: int
    bytes: int
    seconds: float

    def __str__(self) -> str:
        """As a person says it."""
        kept = f" ({self.kept} of them here already)" if self.kept else ""
        fetching = (
            f", about {max(0.1, self.bytes / 1e6):.1f} MB and {_span(self.seconds)}"
            if self.tiles > self.kept
            else ""
        )
        return f"{counted(self.pictures, 'picture')} from {counted(self.tiles, 'tile')}{kept}{fetching}"


def cost(windows: Iterable[Window], tiles: Tiles) -> Cost:
    """What ``windows`` take from ``tiles``."""
    windows = list(windows)
    wanted = {tile for window in windows for tile in needed(window, tiles.service.tile_size)}
    kept = sum(tiles.kept(tile) for tile in wanted)
    missing = len(wanted) - kept
    count, seconds = tiles.service.rule.rates[0]
    size = _BYTES[tiles.service.kind] * (tiles.service.tile_size // 256) ** 2
    # The first `count` may go at once; the rest waits its turn.
    wait = seconds * max(0.0, missing - count) / count
    return Cost(len(windows), len(wanted), kept, missing * size, wait + missing * 0.1)


def preview(windows: list[Window], tiles: Tiles) -> Image.Image | None:
    """The surroundings with each window outlined, from a few coarse tiles; None if they cannot be shown."""
    size = resolution(0)
    boxes = [_beside(window.box, windows[0].box.west) for window in windows]
    west, east = min(box.west for box in boxes), max(box.east for box in boxes)
    south, north = min(box.south for box in boxes), max(box.north for box in boxes)
    span = max(east - west, north - south) * 1.5
    zoom = math.floor(math.log2(_SHOWN * size / span)) if span else tiles.service.last_zoom
    zoom = max(tiles.service.first_zoom, 1, min(tiles.service.last_zoom, zoom))
    half = size * 128
    place = lonlat(Pixel(((west + east) / 2 + half) / size, (half - (south + north) / 2) / size), 0)
    try:
        around = pixels_around(place, _SHOWN, _SHOWN, zoom, name="preview")
        known = {tile: tiles.get(tile) for tile in needed(around, tiles.service.tile_size)}
        image = cut(around, tiles.service.tile_size, tiles.get, known=known, max_overzoom=2).image
    except (WindowError, SourceError, TileError):
        return None
    pen, step = ImageDraw.Draw(image), resolution(zoom)
    for box in (_beside(box, around.box.west + _SHOWN / 2 * step) for box in boxes):
        left, top = (box.west - around.box.west) / step, (around.box.north - box.north) / step
        right, bottom = (box.east - around.box.west) / step, (around.box.north - box.south) / step
        pen.rectangle((left - 1, top - 1, right + 1, bottom + 1), outline=_RED, width=2)
    return image


def _beside(box: Box, x: float) -> Box:
    """``box`` of the map, as many times round the world as brings it nearest to ``x``."""
    turns = 2 * HALF * round((x - box.west) / (2 * HALF))
    return Box(box.west + turns, box.south, box.east + turns, box.north)


def _span(seconds: float) -> str:
    if seconds < 90:
        return f"{max(1, math.ceil(seconds))} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
