"""Where in a region pictures are taken: on a grid, or at random with a least distance. Pure."""

import json
import math
import random
from dataclasses import dataclass
from typing import Any

from techniques.aerial.gazetteer import distance
from techniques.aerial.grid import RADIUS, Box, LonLat

__all__ = ["Region", "SamplingError", "grid", "region_of", "scattered"]

_TRIES = 5000  # without finding room for one more, before a region counts as full
_MOST = 1_000_000


class SamplingError(ValueError):
    """The region cannot give such points; the text says why."""


@dataclass(frozen=True)
class Region:
    """A part of the ground in degrees; ``rings`` are polygons with holes, none for the whole box."""

    box: Box
    rings: tuple[tuple[tuple[LonLat, ...], ...], ...] = ()

    def __contains__(self, place: object) -> bool:
        """Whether a `LonLat` lies in it: inside an odd number of a polygon's rings."""
        if not isinstance(place, LonLat):
            return False
        west, south, east, north = self.box
        if not (west <= place.lon <= east and south <= place.lat <= north):
            return False
        return not self.rings or any(
            sum(_inside(place, ring) for ring in polygon) % 2 == 1 for polygon in self.rings
        )


def region_of(text: str) -> Region:
    """The polygons of a GeoJSON text: a geometry, a feature, or a collection of features.

    Raises:
        SamplingError: it is none, or holds no polygon.
    """
    try:
        found = tuple(_polygons(json.loads(text)))
        corners = [point for polygon in found for ring in polygon for point in ring]
    except (ValueError, TypeError, KeyError, IndexError, AttributeError) as error:
        raise SamplingError("it is no GeoJSON with polygons") from error
    if not corners:
        raise SamplingError("it holds no polygon")
    lons, lats = [point.lon for point in corners], [point.lat for point in corners]
    if max(map(abs, lons)) > 360 or max(map(abs, lats)) > 90:
        raise SamplingError("its numbers are no degrees; GeoJSON wants longitude and latitude (RFC 7946)")
    return Region(Box(min(lons), min(lats), max(lons), max(lats)), found)


def grid(region: Region, size_m: tuple[float, float], overlap: float = 0.0) -> list[LonLat]:
    """Centres of pictures of ``size_m`` (east by north) side by side, row by row from the north-west.

    The rows lie so that the region is covered; each row's step is that of its own latitude. ``overlap`` is
    the part of a picture, 0..1, that the next one repeats.

    Raises:
        SamplingError: there would be more than a million.
    """
    west, south, east, north = region.box
    high, wide = (math.degrees(side * (1 - overlap) / RADIUS) for side in (size_m[1], size_m[0]))
    rows = max(1, math.ceil((north - south) / high - 1e-9))
    if rows * max(1.0, (east - west) / wide) > _MOST:
        raise SamplingError("that would be more than a million pictures; choose a smaller region")
    first = (north + south) / 2 + (rows - 1) * high / 2
    found = []
    for row in range(rows):
        lat = first - row * high
        step = wide / math.cos(math.radians(lat))
        columns = max(1, math.ceil((east - west) / step - 1e-9))
        start = (west + east) / 2 - (columns - 1) * step / 2
        found += [LonLat(start + column * step, lat) for column in range(columns)]
    return [place for place in found if not region.rings or place in region]


def scattered(region: Region, count: int, *, seed: int, least_m: float = 0.0) -> list[LonLat]:
    """``count`` places in ``region``, uniform by area, at least ``least_m`` metres from each other.

    The same seed gives the same places, and a larger ``count`` begins with those of a smaller one.

    Raises:
        SamplingError: not so many places fit.
    """
    noise = random.Random(seed)  # noqa: S311 - a sample, no secret
    low, high = (math.sin(math.radians(lat)) for lat in (region.box.south, region.box.north))
    found: list[LonLat] = []
    cells: dict[tuple[int, int], list[LonLat]] = {}
    # Cells of the least distance: only the neighbours' points can be too near.
    least_m = least_m if least_m > 1e-3 else 0.0
    side = math.degrees(least_m / RADIUS)
    left = _TRIES
    while len(found) < count:
        if left == 0:
            raise SamplingError(
                f"only {len(found)} of {count} places fit {least_m:g} m apart; take fewer, or less distance"
            )
        left -= 1
        lon = noise.uniform(region.box.west, region.box.east)
        # Uniform in the sine of the latitude is uniform on the ground (Archimedes).
        place = LonLat(lon, math.degrees(math.asin(noise.uniform(low, high))))
        if place not in region:
            continue
        if least_m:
            row, widest = math.floor(place.lat / side), side / max(0.05, math.cos(math.radians(place.lat)))
            reach = math.ceil(widest * 1.1 / side)
            column = math.floor(place.lon / side)
            near = (
                other
                for near_row in (row - 1, row, row + 1)
                for near_column in range(column - reach, column + reach + 1)
                for other in cells.get((near_row, near_column), ())
            )
            if any(distance(place, other) < least_m for other in near):
                continue
            cells.setdefault((row, column), []).append(place)
        found.append(place)
        left = _TRIES
    return found


def _polygons(value: dict[str, Any]) -> list[tuple[tuple[LonLat, ...], ...]]:
    kind = value["type"]
    if kind == "FeatureCollection":
        return [polygon for feature in value["features"] for polygon in _polygons(feature)]
    if kind == "Feature":
        return _polygons(value["geometry"])
    if kind == "GeometryCollection":
        return [polygon for part in value["geometries"] for polygon in _polygons(part)]
    if kind == "Polygon":
        return [_rings(value["coordinates"])]
    if kind == "MultiPolygon":
        return [_rings(polygon) for polygon in value["coordinates"]]
    return []


def _rings(coordinates: list[list[list[float]]]) -> tuple[tuple[LonLat, ...], ...]:
    return tuple(tuple(LonLat(float(point[0]), float(point[1])) for point in ring) for ring in coordinates)


def _inside(place: LonLat, ring: tuple[LonLat, ...]) -> bool:
    """Even-odd rule: does a ray to the east cross the ring an odd number of times?"""
    odd = False
    for (x, y), (next_x, next_y) in zip(ring, ring[1:] + ring[:1], strict=True):
        if (y > place.lat) != (next_y > place.lat):
            cross = x + (place.lat - y) / (next_y - y) * (next_x - x)
            odd ^= place.lon < cross
    return odd
