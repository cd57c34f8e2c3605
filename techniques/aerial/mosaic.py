"""Tiles put together and cut to the exact window."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from PIL import Image

from techniques.aerial.decoding import TileError, decoded
from techniques.aerial.grid import Tile
from techniques.aerial.tiles import Got
from techniques.aerial.windows import Window

__all__ = ["Cut", "TileError", "cut", "is_flat", "needed", "repeated"]

_FLAT = 2.0  # grey levels of standard deviation; sea and snow have more, "no data" has none


@dataclass(frozen=True)
class Cut:
    """A finished picture, and what it was made of."""

    image: Image.Image
    tiles: tuple[Tile, ...]
    digests: tuple[str, ...]
    """SHA-256 of each tile's bytes."""
    overzoom: int
    """Levels by which the coarsest piece was enlarged; 0 for none."""


def needed(window: Window, tile_size: int) -> list[Tile]:
    """The tiles that ``window`` is cut from, row by row; over the date line they go on in the west."""
    left, top, right, bottom = window.reach
    level = window.zoom - (tile_size // 256).bit_length() + 1
    count = 1 << level
    return [
        Tile(level, column % count, row)
        for row in range(top // tile_size, (bottom - 1) // tile_size + 1)
        for column in range(left // tile_size, (right - 1) // tile_size + 1)
    ]


def cut(
    window: Window,
    tile_size: int,
    get: Callable[[Tile], Got],
    *,
    known: Mapping[Tile, Got],
    max_overzoom: int = 0,
    placeholders: frozenset[str] = frozenset(),
) -> Cut:
    """The picture of ``window`` from the ``known`` tiles; where one is missing, a piece of its ancestor.

    No piece is enlarged by more than ``max_overzoom`` levels in all, those of the window itself among them.

    Raises:
        TileError: a tile is missing (and none of its ancestors is there), damaged, of another size, or one of
            the ``placeholders``.
    """
    left, top, right, bottom = window.reach
    first_column, first_row = left // tile_size, top // tile_size
    sheet = Image.new("RGB", (right - left, bottom - top))
    level = window.zoom - (tile_size // 256).bit_length() + 1
    count, overzoom = 1 << level, 0
    spare = max_overzoom - window.enlarged
    used: list[Got] = []
    pieces: dict[Tile, Image.Image] = {}
    for row in range(first_row, (bottom - 1) // tile_size + 1):
        for column in range(first_column, (right - 1) // tile_size + 1):
            tile = Tile(level, column % count, row)
            if tile not in pieces:
                pieces[tile], got, climbed = _piece(tile, tile_size, get, known, spare, placeholders)
                used.append(got)
                overzoom = max(overzoom, climbed)
            sheet.paste(pieces[tile], (column * tile_size - left, row * tile_size - top))
    return Cut(
        _fitted(sheet, window),
        tuple(got.tile for got in used),
        tuple(got.digest for got in used),
        overzoom + window.enlarged,
    )


def is_flat(image: Image.Image) -> bool:
    """Whether a picture is of one colour, as "no imagery here" is."""
    return float(np.asarray(image.convert("L"), dtype=np.float32).std()) < _FLAT


def _fitted(sheet: Image.Image, window: Window) -> Image.Image:
    if window.exact:
        return sheet
    left, top, right, bottom = window.source_box
    begin_x, begin_y, _, _ = window.reach
    box = (left - begin_x, top - begin_y, right - begin_x, bottom - begin_y)
    return sheet.resize((window.width, window.height), Image.Resampling.LANCZOS, box=box)


def _piece(
    tile: Tile,
    size: int,
    get: Callable[[Tile], Got],
    known: Mapping[Tile, Got],
    max_overzoom: int,
    placeholders: frozenset[str],
) -> tuple[Image.Image, Got, int]:
    asked = tile
    for climbed in range(max_overzoom + 1):
        got = known.get(asked) or get(asked)
        if got.data:
            if got.etag.strip('"') in placeholders or got.digest in placeholders:
                raise TileError("placeholder", "the service sends its 'nothing here' picture")
            image = decoded(got.data, size)
            if image is not None:
                return _part(image, tile, climbed, size), got, climbed
        if asked.z == 0:
            break
        asked = asked.parent
    raise TileError("missing", f"the service has no picture there at level {tile.z}")


def _part(image: Image.Image, tile: Tile, climbed: int, size: int) -> Image.Image:
    if not climbed:
        return image
    share = size / 2**climbed
    x, y = (tile.x % 2**climbed) * share, (tile.y % 2**climbed) * share
    box = (x, y, x + share, y + share)
    return image.resize((size, size), Image.Resampling.BICUBIC, box=box)


def repeated(cuts: Iterable[tuple[tuple[Tile, ...], tuple[str, ...]]], least: int = 3) -> set[str]:
    """Digests that ``least`` different tiles share: no two pieces of ground look the same to the last bit."""
    seen: dict[str, set[Tile]] = {}
    for tiles, digests in cuts:
        for tile, digest in zip(tiles, digests, strict=True):
            seen.setdefault(digest, set()).add(tile)
    return {digest for digest, where in seen.items() if len(where) >= least}
