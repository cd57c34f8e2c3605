"""Places as students give them."""

import json
import math
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from techniques.aerial.asked import at, box_of, measure_of, points_of, read_region, sampled, windows_of
from techniques.aerial.gazetteer import distance
from techniques.aerial.grid import RADIUS, Box, LonLat
from techniques.aerial.sampling import Region, SamplingError, grid, scattered
from techniques.errors import BadInputError

TOWN = Box(-83.80, 42.25, -83.70, 42.32)


def test_measures() -> None:
    plain = measure_of(None, None, None, None)
    assert (plain.size, plain.m_per_px, plain.in_pixels) == ((256, 256), 0.5, False)
    assert measure_of("400x300", None, 0.3, None).size == (400, 300)
    by_zoom = measure_of(None, None, None, 18)
    assert (by_zoom.size, by_zoom.in_pixels, by_zoom.zoom) == ((512, 512), True, 18)
    assert by_zoom.ground_size(0)[0] == pytest.approx(512 * 0.5971642834779395)


@pytest.mark.parametrize(
    "given",
    [
        ("1", "2", None, None),
        (None, None, 1.0, 3),
        ("0", None, None, None),
        ("x", None, None, None),
        (None, "1.5", None, None),
    ],
)
def test_measures_that_are_none(given: tuple[str | None, str | None, float | None, int | None]) -> None:
    with pytest.raises(BadInputError):
        measure_of(*given)


def test_swapped_coordinates_are_guessed() -> None:
    with pytest.raises(BadInputError, match="swapped"):
        at(-121.9, 37.3, "--lat --lon")
    with pytest.raises(BadInputError, match="web maps end"):
        at(89, 0, "--lat --lon")
    for bad in (float("nan"), float("inf")):
        with pytest.raises(BadInputError):
            at(bad, 0, "--lat --lon")


def test_boxes() -> None:
    assert box_of("-83.8,42.25,-83.7,42.32") == TOWN
    assert box_of(" -83.8 42.25  -83.7 42.32 ") == TOWN
    assert box_of("179,-17,-179,-16") == Box(179, -17, 181, -16)
    for bad in ("1,2,3", "a,b,c,d", "0,2,1,1", "0,0,999,1", ""):
        with pytest.raises(BadInputError, match="--bbox"):
            box_of(bad)


@pytest.mark.parametrize(
    "text",
    [
        "lat,lon,name,label\n42.28,-83.74,hall,campus\n\n42.29,-83.75,,\n",
        "\ufeffname;Latitude;Longitude;label\nhall;42.28;-83.74;campus\n;42.29;-83.75;\n",
        "label\tLNG\tLAT\tname\ncampus\t-83.74\t42.28\thall\n\t-83.75\t42.29\t\n",
    ],
)
def test_points_in_any_spreadsheet_s_csv(text: str, tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text(text)
    one, two = points_of(tmp_path / "p.csv")
    assert (one.place, one.name, one.label) == (LonLat(-83.74, 42.28), "hall", "campus")
    assert (two.place, two.label) == (LonLat(-83.75, 42.29), "")
    windows = windows_of([one, two, two], None, measure_of(None, None, None, None))
    assert [window.label for window in windows] == ["campus", "images"]
    assert windows[0].name.startswith("hall_")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no columns"),
        ("a,b\n1,2\n", "no columns"),
        ("lat,lon\n", "no place"),
        ("lat,lon\n42,x\n", "line 2"),
        ("lat,lon\n42,1\n-122,37\n", "line 3"),
        ("lat,lon\n42\n", "line 2"),
    ],
)
def test_points_that_are_wrong_name_their_line(text: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text(text)
    with pytest.raises(BadInputError, match=words):
        points_of(tmp_path / "p.csv")


def test_a_grid_over_the_date_line_goes_on_where_the_map_begins() -> None:
    measure = measure_of(None, "512", None, 9)
    spots = sampled(
        Region(box_of("179,-18,-179,-16")), measure, random_count=None, overlap=0.0, least_m=0.0, seed=0
    )
    windows = windows_of(spots, None, measure)
    assert len(windows) == 4
    assert all(-180 <= window.centre.lon < 180 for window in windows)
    assert {window.name.split("_")[1][:4] for window in windows} >= {"179.", "-179"}


def _polygon(*rings: list[list[float]]) -> dict[str, object]:
    return {"type": "Polygon", "coordinates": list(rings)}


SQUARE = [[0, 0], [2, 0], [2, 2], [0, 2], [0, 0]]
HOLE = [[0.5, 0.5], [1.5, 0.5], [1.5, 1.5], [0.5, 1.5], [0.5, 0.5]]


@pytest.mark.parametrize(
    "shape",
    [
        _polygon(SQUARE, HOLE),
        {"type": "Feature", "properties": {}, "geometry": _polygon(SQUARE, HOLE)},
        {"type": "FeatureCollection", "features": [{"type": "Feature", "geometry": _polygon(SQUARE, HOLE)}]},
        {"type": "MultiPolygon", "coordinates": [[SQUARE, HOLE]]},
        {
            "type": "GeometryCollection",
            "geometries": [_polygon(SQUARE, HOLE), {"type": "Point", "coordinates": [9, 9]}],
        },
    ],
)
def test_polygons_with_holes(shape: dict[str, object], tmp_path: Path) -> None:
    (tmp_path / "p.geojson").write_text(json.dumps(shape))
    region = read_region(tmp_path / "p.geojson")
    assert region.box == Box(0, 0, 2, 2)
    assert LonLat(0.2, 0.2) in region
    assert LonLat(1, 1) not in region
    assert LonLat(3, 1) not in region
    places = scattered(region, 300, seed=1)
    assert all(place in region for place in places)
    # Three quarters of the square are in; each of its quarters has its share.
    assert 60 < sum(place.lon > 1 and place.lat > 1 for place in places) < 90


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[1]",
        '{"type": "Point", "coordinates": [1, 2]}',
        json.dumps(_polygon([[5000, 1], [2, 9000], [3, 3]])),
    ],
)
def test_polygons_that_are_none(text: str, tmp_path: Path) -> None:
    (tmp_path / "p.geojson").write_text(text)
    with pytest.raises(BadInputError, match="--polygon"):
        read_region(tmp_path / "p.geojson")


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 2**32), st.integers(1, 60), st.floats(0, 800))
def test_random_places_keep_their_distance_and_their_order(seed: int, count: int, least: float) -> None:
    try:
        places = scattered(Region(TOWN), count, seed=seed, least_m=least)
    except SamplingError:
        assert count * least**2 > 0.3 * 8.2e3 * 7.8e3
        return
    assert len(places) == count
    for index, one in enumerate(places):
        assert all(distance(one, other) >= least for other in places[:index])
    assert scattered(Region(TOWN), count, seed=seed, least_m=least) == places
    assert (
        scattered(Region(TOWN), max(1, count // 2), seed=seed, least_m=least) == places[: max(1, count // 2)]
    )


def test_random_places_are_uniform_on_the_ground() -> None:
    places = scattered(Region(Box(0, 0, 10, 60)), 4000, seed=3)
    # Half the ground between 0 and 60 degrees lies below asin(sin(60) / 2) = 25.7 degrees.
    below = sum(place.lat < math.degrees(math.asin(math.sin(math.radians(60)) / 2)) for place in places)
    assert abs(below / 4000 - 0.5) < 0.03


def test_too_many_for_the_region_is_said() -> None:
    with pytest.raises(BadInputError, match="of 500 places fit"):
        sampled(
            Region(Box(0, 0, 0.01, 0.01)),
            measure_of(None, None, None, None),
            random_count=500,
            overlap=0,
            least_m=500,
            seed=0,
        )


@pytest.mark.parametrize("overlap", [0.0, 0.25])
def test_a_grid_covers_its_region(overlap: float) -> None:
    size = 800.0
    places = grid(Region(TOWN), (size, size), overlap)
    rows = sorted({place.lat for place in places}, reverse=True)
    step = math.radians(rows[0] - rows[1]) * RADIUS
    assert step == pytest.approx(size * (1 - overlap))
    half = math.degrees(size / 2 / RADIUS)
    assert rows[0] + half >= TOWN.north - 1e-9
    assert rows[-1] - half <= TOWN.south + 1e-9
    for lat in rows:
        lons = [place.lon for place in places if place.lat == lat]
        wide = half / math.cos(math.radians(lat))
        assert min(lons) - wide <= TOWN.west + 1e-9
        assert max(lons) + wide >= TOWN.east - 1e-9
        assert all(b - a <= 2 * wide * (1 - overlap) + 1e-9 for a, b in pairwise(lons))
