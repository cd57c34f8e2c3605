"""The nearest city to a place, offline, so that a missing minus sign is seen.

The cities are GeoNames' (https://www.geonames.org), CC BY 4.0: those of 100,000 people and more.
"""

import csv
import math
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from techniques.aerial.grid import LonLat

__all__ = ["Near", "distance", "nearest"]

_MEAN_RADIUS = 6_371_008.8  # metres; IUGG
_WINDS = ("north", "north-east", "east", "south-east", "south", "south-west", "west", "north-west")


@dataclass(frozen=True)
class Near:
    """A city, and where the place asked for lies from it."""

    city: str
    country: str
    metres: float
    wind: str

    def __str__(self) -> str:
        """As a person says it."""
        if self.metres < 3000:
            return f"in {self.city}, {self.country}"
        return f"{self.metres / 1000:,.0f} km {self.wind} of {self.city}, {self.country}"


def nearest(place: LonLat) -> Near:
    """The nearest of the world's larger cities."""
    names, degrees = _cities()
    lon, lat = np.radians(degrees[:, 0]), np.radians(degrees[:, 1])
    here_lon, here_lat = math.radians(place.lon), math.radians(place.lat)
    half = (
        np.sin((lat - here_lat) / 2) ** 2
        + np.cos(lat) * math.cos(here_lat) * np.sin((lon - here_lon) / 2) ** 2
    )
    index = int(np.argmin(half))
    (city, country), (city_lon, city_lat) = names[index], degrees[index]
    there = LonLat(float(city_lon), float(city_lat))
    return Near(city, country, distance(place, there), _WINDS[round(_bearing(there, place) / 45) % 8])


def distance(one: LonLat, other: LonLat) -> float:
    """Metres along the great circle (haversine formula)."""
    lat, other_lat = math.radians(one.lat), math.radians(other.lat)
    half = (
        math.sin((other_lat - lat) / 2) ** 2
        + math.cos(lat) * math.cos(other_lat) * math.sin(math.radians(other.lon - one.lon) / 2) ** 2
    )
    return 2 * _MEAN_RADIUS * math.asin(min(1.0, math.sqrt(half)))


def _bearing(start: LonLat, end: LonLat) -> float:
    east = math.radians(end.lon - start.lon)
    lat, end_lat = math.radians(start.lat), math.radians(end.lat)
    x = math.sin(east) * math.cos(end_lat)
    y = math.cos(lat) * math.sin(end_lat) - math.sin(lat) * math.cos(end_lat) * math.cos(east)
    return math.degrees(math.atan2(x, y)) % 360


@cache
def _cities() -> tuple[list[tuple[str, str]], NDArray[np.float64]]:
    text = files(__package__).joinpath("cities.csv").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    table = list(csv.reader(lines))
    return [(row[0], row[1]) for row in table], np.array([[float(row[3]), float(row[2])] for row in table])
