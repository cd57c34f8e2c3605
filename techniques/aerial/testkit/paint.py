"""What the servers show: a world whose every pixel says where it is, and a town that nobody built."""

import io
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from techniques.aerial.grid import HALF, Tile

__all__ = ["Painter", "coordinates", "encoded", "town_map", "town_photo"]

Painter = Callable[[Tile, int], bytes]
"""Gives the bytes of a tile of so many pixels a side."""

_STREET, _BLOCK, _LOT = 12.0, 96.0, 21.0  # metres of the map

Floats = NDArray[np.float64]
Bytes = NDArray[np.uint8]


def coordinates(x: NDArray[Any], y: NDArray[Any]) -> Bytes:
    """The colour of the world's pixel (x, y) at its zoom: its low 8 bits each, then 4 more bits of each.

    Any crop of a mosaic can be checked pixel for pixel; the pattern repeats after 4096 pixels.
    """
    blue = ((x >> 8) & 15) << 4 | ((y >> 8) & 15)
    return np.stack(np.broadcast_arrays(x & 255, y & 255, blue), axis=-1).astype(np.uint8)


def encoded(tile: Tile, size: int) -> bytes:
    """A PNG tile of `coordinates`."""
    x = np.arange(tile.x * size, (tile.x + 1) * size)[None, :]
    y = np.arange(tile.y * size, (tile.y + 1) * size)[:, None]
    return _written(coordinates(x, y), "PNG")


def town_photo(tile: Tile, size: int) -> bytes:
    """The town from above, as JPEG."""
    x, y = _metres(tile, size)
    colour, height = _town(x, y)
    lit = colour + np.where(_shadowed(x, y, height), -45.0, 0.0)[..., None]
    grain = _hashed(np.floor(x * 2), np.floor(y * 2), 5)[..., None] * 26 - 13
    return _written((lit + grain).clip(0, 255).astype(np.uint8), "JPEG", quality=90)


def town_map(tile: Tile, size: int) -> bytes:
    """The same town as a map, as PNG."""
    x, y = _metres(tile, size)
    kind = _kinds(x, y)
    palette = np.array([[255, 255, 255], [203, 203, 209], [205, 235, 176], [242, 239, 233], [170, 211, 223]])
    return _written(palette[kind].astype(np.uint8), "PNG")


def _metres(tile: Tile, size: int) -> tuple[Floats, Floats]:
    side = 2 * HALF / (1 << tile.z)
    steps = (np.arange(size) + 0.5) / size * side
    return np.meshgrid(tile.x * side + steps, tile.y * side + steps)


def _hashed(x: Floats, y: Floats, salt: int) -> Floats:
    """A number in 0..1 for each pair of whole numbers, as if by chance."""
    mixed = (x.astype(np.int64) * 73_856_093) ^ (y.astype(np.int64) * 19_349_663) ^ (salt * 83_492_791)
    bits = mixed.astype(np.uint64)
    for shift, factor in ((33, 0xFF51AFD7ED558CCD), (33, 0xC4CEB9FE1A85EC53)):
        bits = (bits ^ (bits >> np.uint64(shift))) * np.uint64(factor)
    return (bits >> np.uint64(40)).astype(np.float64) / 2**24


def _kinds(x: Floats, y: Floats) -> NDArray[np.int64]:
    """0 street, 1 building, 2 green, 3 yard, 4 water."""
    block_x, block_y = np.floor(x / _BLOCK), np.floor(y / _BLOCK)
    in_x, in_y = x - block_x * _BLOCK, y - block_y * _BLOCK
    street = (in_x < _STREET) | (in_y < _STREET)
    lot_x, lot_y = np.floor((in_x - _STREET) / _LOT), np.floor((in_y - _STREET) / _LOT)
    at_x, at_y = (in_x - _STREET) - lot_x * _LOT, (in_y - _STREET) - lot_y * _LOT
    chance = _hashed(block_x * 8 + lot_x, block_y * 8 + lot_y, 1)
    deep = 3 + 4 * chance
    built = (at_x > deep / 2) & (at_x < _LOT - deep / 2) & (at_y > deep) & (at_y < _LOT - 2)
    park = _hashed(block_x, block_y, 2) < 0.15
    river = np.abs(y % 4000 - 2000 - 500 * np.sin(x / 900)) < 55
    kind = np.where(built & (chance < 0.8), 1, 3)
    kind = np.where(park | (chance > 0.93), 2, kind)
    kind = np.where(street, 0, kind)
    return np.where(river, 4, kind)


def _town(x: Floats, y: Floats) -> tuple[Floats, NDArray[np.bool_]]:
    kind = _kinds(x, y)
    ground = np.array([[112, 112, 116], [0, 0, 0], [74, 104, 58], [140, 132, 112], [48, 76, 88]], dtype=float)
    colour = ground[kind]
    lot_x, lot_y = (np.floor(at / _BLOCK) * 8 + np.floor((at % _BLOCK - _STREET) / _LOT) for at in (x, y))
    key = _hashed(lot_x, lot_y, 3)
    roofs = np.array(
        [[150, 84, 64], [172, 168, 160], [96, 92, 96], [196, 184, 164], [126, 60, 52]], dtype=float
    )
    built = kind == 1
    colour[built] = roofs[(key[built] * len(roofs)).astype(int)]
    crowns = (kind == 2) & (_hashed(np.floor(x / 4), np.floor(y / 4), 4) < 0.5)
    colour[crowns] = (44, 76, 40)
    return colour, built


def _shadowed(x: Floats, y: Floats, height: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The ground north-west of which a roof stands."""
    shadow: NDArray[np.bool_] = ~height & (_kinds(x - 3, y - 3) == 1)
    return shadow


def _written(pixels: Bytes, kind: str, **options: Any) -> bytes:
    written = io.BytesIO()
    Image.fromarray(pixels).save(written, kind, **options)
    return written.getvalue()
