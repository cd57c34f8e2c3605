"""The arithmetic of Web Mercator (EPSG:3857) and its tiles. Pure.

``zoom`` always counts in the world of 256-pixel tiles: at zoom z the world is 256 * 2**z pixels wide. Pixel
(0, 0) begins at longitude -180 and latitude 85.0511, x grows to the east and y to the south. After
Battersby et al., "Implications of Web Mercator", 2014, and OGC 17-083r4, annex D (WebMercatorQuad).
"""

import math
from typing import NamedTuple

__all__ = [
    "HALF",
    "LIMIT",
    "RADIUS",
    "Box",
    "LonLat",
    "Metres",
    "Pixel",
    "Tile",
    "ground",
    "lonlat",
    "mercator",
    "metres",
    "metres_of_pixel",
    "on_the_map",
    "pixel",
    "resolution",
    "true_scale",
    "unmercator",
]

RADIUS = 6378137.0
HALF = math.pi * RADIUS
"""Metres from the middle of the map to its edge."""
LIMIT = 85.05112877980659
"""The map ends at this latitude, in degrees."""
_TILE = 256
_FLATTENING = 1 / 298.257223563  # WGS 84


class LonLat(NamedTuple):
    """Degrees; east and north are positive."""

    lon: float
    lat: float


class Pixel(NamedTuple):
    """A point of the world picture at some zoom; whole numbers are the corners of pixels."""

    x: float
    y: float


class Metres(NamedTuple):
    """A point of EPSG:3857: metres on the map, not on the ground."""

    x: float
    y: float


class Box(NamedTuple):
    """Four edges in one of the units above."""

    west: float
    south: float
    east: float
    north: float


class Tile(NamedTuple):
    """``z`` is the service's own level, ``x`` counts to the east, ``y`` to the south."""

    z: int
    x: int
    y: int

    @property
    def parent(self) -> "Tile":
        """The tile of the level above that contains it."""
        return Tile(self.z - 1, self.x >> 1, self.y >> 1)

    @property
    def flipped(self) -> int:
        """``y`` as TMS counts it, from the south."""
        return (1 << self.z) - 1 - self.y

    @property
    def quadkey(self) -> str:
        """As Bing names it: one digit 0..3 a level."""
        return "".join(
            str((self.x >> bit & 1) + 2 * (self.y >> bit & 1)) for bit in range(self.z - 1, -1, -1)
        )


def on_the_map(place: LonLat) -> LonLat:
    """The same place with a longitude from -180 up to 180: beyond the date line the map begins again."""
    if -180 <= place.lon < 180:
        return place
    return LonLat((place.lon + 180) % 360 - 180, place.lat)


def mercator(place: LonLat) -> Metres:
    """Where ``place`` is on the map; latitudes beyond `LIMIT` are taken for it."""
    lat = math.radians(max(-LIMIT, min(LIMIT, place.lat)))
    return Metres(RADIUS * math.radians(place.lon), RADIUS * math.asinh(math.tan(lat)))


def unmercator(point: Metres) -> LonLat:
    """The place on the ground."""
    return LonLat(math.degrees(point.x / RADIUS), math.degrees(math.atan(math.sinh(point.y / RADIUS))))


def resolution(zoom: float) -> float:
    """Metres of the map a pixel: 0.597 at zoom 18."""
    return 2 * HALF / (_TILE * 2**zoom)


def ground(zoom: float, lat: float) -> float:
    """Metres on the ground a pixel, on the sphere: 0.442 at zoom 18 in Ann Arbor."""
    return resolution(zoom) * math.cos(math.radians(lat))


def pixel(place: LonLat, zoom: float) -> Pixel:
    """Where ``place`` is in the world picture."""
    point = mercator(place)
    size = resolution(zoom)
    return Pixel((point.x + HALF) / size, (HALF - point.y) / size)


def metres_of_pixel(point: Pixel, zoom: float) -> Metres:
    """Where a point of the world picture is on the map."""
    size = resolution(zoom)
    return Metres(point.x * size - HALF, HALF - point.y * size)


def lonlat(point: Pixel, zoom: float) -> LonLat:
    """Where a point of the world picture is on the ground."""
    return unmercator(metres_of_pixel(point, zoom))


def metres(box: Box) -> Box:
    """The map's edges of a box in degrees."""
    low, high = mercator(LonLat(box.west, box.south)), mercator(LonLat(box.east, box.north))
    return Box(low.x, low.y, high.x, high.y)


def true_scale(lat: float) -> tuple[float, float]:
    """Metres on the ellipsoid for each metre of the sphere's scale, to the east and to the north.

    Web Mercator reads latitudes of WGS 84 as if the earth were a sphere, so that its scale is up to 0.7 % off
    (NGA.SIG.0011, "Implementation Practice: Web Mercator Map Projection", 2014).
    """
    squared = _FLATTENING * (2 - _FLATTENING)
    root = math.sqrt(1 - squared * math.sin(math.radians(lat)) ** 2)
    return 1 / root, (1 - squared) / root**3
