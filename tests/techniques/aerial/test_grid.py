"""The arithmetic, against worked values, the mercantile package, and geodesy."""

import math

import mercantile
import pytest
from hypothesis import given
from hypothesis import strategies as st

from techniques.aerial.gazetteer import distance, nearest
from techniques.aerial.grid import (
    HALF,
    LIMIT,
    LonLat,
    Pixel,
    Tile,
    ground,
    lonlat,
    mercator,
    pixel,
    resolution,
    true_scale,
    unmercator,
)

LATS, LONS, ZOOMS = st.floats(-85, 85), st.floats(-180, 179.99), st.integers(0, 22)


@given(LONS, LATS, ZOOMS)
def test_tiles_and_metres_are_mercantile_s(lon: float, lat: float, zoom: int) -> None:
    place = LonLat(lon, lat)
    point = pixel(place, zoom)
    theirs = mercantile.tile(lon, lat, zoom)
    # On the very edge of a tile, rounding may fall to either side.
    near_edge = min(point.x % 256, 256 - point.x % 256, point.y % 256, 256 - point.y % 256) < 1e-6
    assert near_edge or (int(point.x // 256), int(point.y // 256)) == (theirs.x, theirs.y)
    assert mercator(place) == pytest.approx(mercantile.xy(lon, lat), abs=1e-6)
    tile = Tile(zoom, theirs.x, theirs.y)
    assert tile.quadkey == mercantile.quadkey(theirs)
    if zoom:
        assert (tile.parent.x, tile.parent.y) == mercantile.parent(theirs)[:2]
    bounds = mercantile.bounds(theirs)
    corner = lonlat(Pixel(theirs.x * 256, theirs.y * 256), zoom)
    assert corner == pytest.approx((bounds.west, bounds.north), abs=1e-9)


@given(LONS, LATS, ZOOMS)
def test_there_and_back(lon: float, lat: float, zoom: int) -> None:
    place = LonLat(lon, lat)
    assert lonlat(pixel(place, zoom), zoom) == pytest.approx(place, abs=1e-9)
    assert unmercator(mercator(place)) == pytest.approx(place, abs=1e-9)


@pytest.mark.parametrize(("lat", "metres"), [(0.0, 0.597), (42.3, 0.442), (-33.5, 0.498)])
def test_ground_resolution_of_zoom_18(lat: float, metres: float) -> None:
    assert ground(18, lat) == pytest.approx(metres, abs=5e-4)


def test_the_edges_of_the_map() -> None:
    assert resolution(0) == pytest.approx(156543.03392804097)
    assert mercator(LonLat(180, LIMIT)) == pytest.approx((HALF, HALF))
    assert mercator(LonLat(0, 90)) == mercator(LonLat(0, LIMIT))
    assert pixel(LonLat(-180, LIMIT), 3) == pytest.approx((0, 0), abs=1e-6)
    assert Tile(3, 2, 1).flipped == 6


@pytest.mark.parametrize("lat", [0.0, 30.0, -60.0])
def test_true_scale_is_that_of_the_ellipsoid(lat: float) -> None:
    """Against a degree's length on WGS 84 (textbook values: 111,320 m and 110,574 m at the equator)."""
    east, north = true_scale(lat)
    a, e2 = 6378137.0, 0.00669437999014
    root = math.sqrt(1 - e2 * math.sin(math.radians(lat)) ** 2)
    sphere = math.radians(1) * a
    assert east * sphere == pytest.approx(math.radians(1) * a / root)
    assert north * sphere == pytest.approx(math.radians(1) * a * (1 - e2) / root**3)
    if lat == 0:
        assert (east * sphere, north * sphere) == pytest.approx((111319.5, 110574.3), abs=0.5)


def test_a_missing_minus_sign_names_another_country() -> None:
    assert str(nearest(LonLat(-83.743, 42.281))) == "in Ann Arbor, United States"
    assert nearest(LonLat(83.743, 42.281)).country == "China"
    south = nearest(LonLat(2.3522, 48.6))
    assert (south.country, south.wind) == ("France", "south")
    assert "km south of" in str(south)


def test_distance_of_known_cities() -> None:
    assert distance(LonLat(2.3522, 48.8566), LonLat(-0.1276, 51.5072)) == pytest.approx(343_900, rel=2e-3)
    assert distance(LonLat(179.9, 0), LonLat(-179.9, 0)) == pytest.approx(22_239, rel=1e-3)
