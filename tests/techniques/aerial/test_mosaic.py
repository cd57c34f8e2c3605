"""Every pixel where it belongs: the servers' tiles say where they are."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import rasterio
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from rasterio.warp import transform_bounds

from techniques.aerial.asked import suited
from techniques.aerial.cost import preview
from techniques.aerial.grid import (
    HALF,
    LIMIT,
    Box,
    LonLat,
    Metres,
    Pixel,
    Tile,
    mercator,
    metres_of_pixel,
    resolution,
)
from techniques.aerial.mosaic import TileError, cut, needed, repeated
from techniques.aerial.placing import footprint, outline, save, world_file
from techniques.aerial.run import Order, make_one
from techniques.aerial.testkit.ogc import FakeWMS, FakeWMTS
from techniques.aerial.testkit.paint import encoded, town_photo
from techniques.aerial.testkit.tiles import FakeTiles, blocked_picture
from techniques.aerial.tiles import Got, Tiles
from techniques.aerial.windows import Window, WindowError, around, covering, pixels_around, zoom_for
from techniques.datasets.testkit.server import Reply
from tests.techniques.aerial.conftest import Open, expected, pixels

ANN_ARBOR, FIJI = LonLat(-83.743, 42.281), LonLat(180.0, -16.8)


def picture(window: Window, tiles: Tiles, **options: object) -> Image.Image:
    known = {tile: tiles.get(tile) for tile in needed(window, tiles.service.tile_size)}
    return cut(window, tiles.service.tile_size, tiles.get, known=known, **options).image  # type: ignore[arg-type]


@pytest.mark.parametrize("zoom", range(20))
def test_a_crop_is_exact_at_every_zoom(zoom: int, open_tiles: Open) -> None:
    with FakeTiles() as server:
        tiles = open_tiles(server.template)
        size = min(300, 200 << zoom)
        window = pixels_around(ANN_ARBOR if zoom > 1 else LonLat(0, 0), size, size, zoom, name="x")
        assert (pixels(picture(window, tiles)) == expected(window)).all()


@pytest.mark.parametrize("order", ["zxy", "zyx", "tms"])
@pytest.mark.parametrize("size", [256, 512])
def test_row_order_and_large_tiles(order: str, size: int, open_tiles: Open) -> None:
    with FakeTiles(order=order, tile_size=size) as server:
        tiles = open_tiles(server.template, tile_size=size)
        window = pixels_around(ANN_ARBOR, 333, 217, 17, name="x")
        assert (pixels(picture(window, tiles)) == expected(window)).all()
        assert {tile.z for tile in server.tiles} == {17 if size == 256 else 16}
        assert server.refused == []


@pytest.mark.parametrize("rest", [False, True])
def test_wmts_by_query_and_by_address(rest: bool, open_tiles: Open) -> None:
    with FakeWMTS(rest=rest) as server:
        tiles = open_tiles(server.endpoint, type="wmts", layer="ortho")
        window = pixels_around(ANN_ARBOR, 300, 300, 16, name="x")
        assert (pixels(picture(window, tiles)) == expected(window)).all()
        assert server.refused == []


def test_wms_tile_by_tile(open_tiles: Open) -> None:
    with FakeWMS() as server:
        tiles = open_tiles(f"{server.url}/wms", type="wms", layer="ortho")
        window = pixels_around(ANN_ARBOR, 300, 300, 18, name="x")
        assert (pixels(picture(window, tiles)) == expected(window)).all()
        assert server.refused == []


def test_over_the_date_line(open_tiles: Open) -> None:
    with FakeTiles() as server:
        window = pixels_around(FIJI, 400, 100, 12, name="x")
        assert (pixels(picture(window, open_tiles(server.template))) == expected(window)).all()
        assert {tile.x for tile in server.tiles} == {4095, 0}
    shape = footprint(window, "x.tif", {})["geometry"]
    assert shape["type"] == "MultiPolygon"
    lons = [lon for part in shape["coordinates"] for lon, _ in part[0]]
    assert min(lons) == -180.0
    assert max(lons) == 180.0


@pytest.mark.parametrize("lon", [180.0, 180.5, 181.0, 539.5, -180.5])
def test_beyond_the_date_line_the_map_begins_again(lon: float, tmp_path: Path) -> None:
    there = LonLat((lon + 180) % 360 - 180, -17.0)
    beyond = LonLat(lon, -17.0)
    assert around(beyond, (90, 60), 0.5, 18, name="x") == around(there, (90, 60), 0.5, 18, name="x")
    window = pixels_around(beyond, 64, 64, 12, name="x")
    assert window == pixels_around(there, 64, 64, 12, name="x")
    box = Box(lon, -17.1, lon + 0.1, -17.0)
    assert covering(box, None, 12, name="x") == covering(
        box._replace(west=there.lon, east=there.lon + 0.1), None, 12, name="x"
    )
    if lon == 180:
        return  # it lies over the line
    assert window.centre == pytest.approx(there, abs=1e-3)
    assert footprint(window, "x.tif", {})["geometry"]["type"] == "Polygon"
    save(tmp_path / "x.tif", Image.new("RGB", (64, 64)), window, {})
    with rasterio.open(tmp_path / "x.tif") as seen:
        assert seen.lnglat() == pytest.approx(there, abs=1e-3)
        assert max(map(abs, (seen.bounds.left, seen.bounds.right))) < HALF


def test_what_touches_the_date_line_is_one_piece() -> None:
    for bounds in ((-180.00000000000003, 0.0, -179.0, 1.0), (179.0, 0.0, 180.00000000000003, 1.0)):
        assert outline("x.tif", bounds, {})["geometry"]["type"] == "Polygon"


def test_a_preview_over_the_date_line_shows_the_places_and_not_the_world(open_tiles: Open) -> None:
    windows = [pixels_around(LonLat(lon, -17.0), 300, 300, 15, name="x") for lon in (179.99, -179.99)]
    with FakeTiles(town_photo) as server:
        seen = preview(windows, open_tiles(server.template))
        assert min(tile.z for tile in server.tiles) > 9
    assert seen is not None
    red = (pixels(seen) == (230, 0, 40)).all(axis=2).any(axis=0)
    assert red[:256].any()
    assert red[256:].any()


def _waves(tile: Tile, size: int) -> bytes:
    """A smooth world, of which the value at any point is known."""
    import io

    step = 2 * HALF / (1 << tile.z) / size
    x = tile.x * size * step + (np.arange(size) + 0.5) * step - HALF
    y = HALF - tile.y * size * step - (np.arange(size) + 0.5) * step
    written = io.BytesIO()
    Image.fromarray(_wave(x[None, :], y[:, None])).save(written, "PNG")
    return written.getvalue()


def _wave(x: np.ndarray, y: np.ndarray) -> np.ndarray:  # type: ignore[type-arg]
    red, green = 128 + 100 * np.sin(x / 20), 128 + 100 * np.sin(y / 17)
    return np.stack(np.broadcast_arrays(red, green, red * 0 + 77), axis=-1).round().astype(np.uint8)


@pytest.mark.parametrize("m_per_px", [0.25, 0.3, 0.5, 0.77, 1.0])
def test_asked_in_metres_every_pixel_shows_its_own_ground(m_per_px: float, open_tiles: Open) -> None:
    """Resampled pictures show what the world is at their pixels' centres, within a third of a grey level."""
    zoom = zoom_for(m_per_px, ANN_ARBOR.lat)
    window = around(ANN_ARBOR, (100, 60), m_per_px, zoom, name="x")
    with FakeTiles(_waves) as server:
        seen = pixels(picture(window, open_tiles(server.template))).astype(float)
    east, south = window.pixel_size
    x = window.box.west + (np.arange(window.width) + 0.5) * east
    y = window.box.north - (np.arange(window.height) + 0.5) * south
    right = _wave(x[None, :], y[:, None]).astype(float)
    assert seen.shape == right.shape == (round(60 / m_per_px), round(100 / m_per_px), 3)
    assert np.abs(seen - right).mean() < 0.34
    assert np.abs(seen - right).max() <= 3
    # Half a pixel to any side would show.
    assert np.abs(seen[:, 1:, 0] - right[:, :-1, 0]).mean() > 1


@settings(deadline=None, max_examples=60)
@given(st.floats(-179, 179), st.floats(-80, 80), st.floats(0.1, 30), st.integers(1, 400), st.integers(1, 400))
def test_a_window_in_metres_has_them(
    lon: float, lat: float, m_per_px: float, width: int, height: int
) -> None:
    place = LonLat(lon, lat)
    size = width * m_per_px, height * m_per_px
    try:
        window = around(place, size, m_per_px, zoom_for(m_per_px, lat), name="x")
    except WindowError:
        assert abs(lat) > 79
        return
    assert (window.width, window.height) == (width, height)
    middle = mercator(place)
    assert (
        (window.box.west + window.box.east) / 2,
        (window.box.south + window.box.north) / 2,
    ) == pytest.approx(middle, abs=1e-6)
    # In pixels of the map, the place is exactly in the middle, and the scale there is the one asked for.
    true = window.pixel_size[0] * np.cos(np.radians(lat))
    assert true == pytest.approx(m_per_px, abs=1e-7 / width)
    native = resolution(window.zoom) * np.cos(np.radians(lat))
    assert native <= m_per_px * (1 + 1e-6)


def test_a_box_is_covered_from_its_north_west() -> None:
    box = Box(-83.75, 42.27, -83.74, 42.28)
    for m_per_px in (None, 0.5):
        window = covering(box, m_per_px, 18, name="x")
        west, south, east, north = window.bounds
        pixel_degrees = 360 / (256 << 18)
        slack = pixel_degrees / 2 if m_per_px is None else 1e-9
        assert (west, north) == pytest.approx((box.west, box.north), abs=slack)
        assert east >= box.east - slack
        assert south <= box.south + slack
        assert east - box.east < 2 * pixel_degrees


@pytest.mark.parametrize("box", [Box(0, 0, 0, 1), Box(1, 1, 2, 0), Box(0, 80, 1, 86)])
def test_boxes_that_are_none(box: Box) -> None:
    with pytest.raises(WindowError):
        covering(box, 10.0, 10, name="x")
    with pytest.raises(WindowError, match=f"{LIMIT:.2f}"):
        around(LonLat(0, 85), (100_000, 100_000), 100, 8, name="x")


@pytest.mark.parametrize("suffix", [".tif", ".png", ".jpg"])
@pytest.mark.parametrize("native", [True, False])
def test_rasterio_reads_the_place_to_the_pixel(
    suffix: str, native: bool, open_tiles: Open, tmp_path: Path
) -> None:
    window = (
        pixels_around(ANN_ARBOR, 300, 200, 18, name="x")
        if native
        else around(ANN_ARBOR, (150, 100), 0.5, 18, name="x")
    )
    with FakeTiles() as server:
        make_one(window, open_tiles(server.template), tmp_path / f"x{suffix}", Order())
    with rasterio.open(tmp_path / f"x{suffix}") as seen:
        assert seen.crs.to_epsg() == 3857
        assert seen.bounds == pytest.approx(window.box, abs=1e-6)
        assert (seen.bounds.left, seen.bounds.top) == pytest.approx(
            (window.box.west, window.box.north), abs=1e-6
        )
        degrees = transform_bounds(seen.crs, "EPSG:4326", *seen.bounds)
        assert degrees == pytest.approx(window.bounds, abs=1e-9)
        if suffix != ".jpg":
            data = np.moveaxis(seen.read(), 0, -1)
            assert (data == pixels(Image.open(tmp_path / f"x{suffix}"))).all()
            if native:
                assert (data == expected(window)).all()
    # The world file alone says the same: its C and F are the middle of the first pixel.
    lines = [float(line) for line in world_file(window).split()]
    assert lines[4] - lines[0] / 2 == pytest.approx(window.box.west, abs=1e-6)
    assert lines[5] - lines[3] / 2 == pytest.approx(window.box.north, abs=1e-6)


def test_a_pixel_s_own_metres_are_where_rasterio_says(open_tiles: Open, tmp_path: Path) -> None:
    """The colour at a pixel names a world pixel; rasterio's coordinates of that pixel must be that one's."""
    window = pixels_around(ANN_ARBOR, 64, 64, 18, name="x")
    with FakeTiles() as server:
        make_one(window, open_tiles(server.template), tmp_path / "x.tif", Order())
    left, top, _, _ = window.source_box
    with rasterio.open(tmp_path / "x.tif") as seen:
        for row, column in ((0, 0), (63, 0), (17, 40)):
            middle = metres_of_pixel(Pixel(left + column + 0.5, top + row + 0.5), 18)
            assert Metres(*seen.xy(row, column)) == pytest.approx(middle, abs=1e-6)


def test_missing_tiles_stop_a_picture_or_are_enlarged_by_choice(open_tiles: Open) -> None:
    window = pixels_around(ANN_ARBOR, 256, 256, 18, name="x")
    with FakeTiles(town_photo, deepest=16) as server:
        tiles = open_tiles(server.template)
        with pytest.raises(TileError, match="no picture there at level 18") as caught:
            picture(window, tiles, max_overzoom=1)
        assert caught.value.reason == "missing"
        known = {tile: tiles.get(tile) for tile in needed(window, 256)}
        made = cut(window, 256, tiles.get, known=known, max_overzoom=2)
        assert made.overzoom == 2
    with FakeTiles(town_photo) as server:
        fine = pixels(picture(window, open_tiles(server.template))).astype(float)
    # The same ground: smoothed, it is the same picture.
    small = [
        np.asarray(Image.fromarray(one.astype(np.uint8)).resize((16, 16), Image.Resampling.BOX))
        for one in (fine, pixels(made.image).astype(float))
    ]
    assert np.abs(small[0].astype(float) - small[1].astype(float)).mean() < 12


def test_finer_than_the_source_is_enlarged_and_says_by_how_much(open_tiles: Open, tmp_path: Path) -> None:
    place = LonLat(5.0, 52.0)
    asked = around(place, (12, 12), 0.1, zoom_for(0.1, place.lat), name="x")
    with FakeTiles(town_photo, deepest=17) as server:
        tiles = open_tiles(server.template, zoom=[0, 17])
        window = suited(asked, tiles.service, 4)
        assert (asked.zoom, window.zoom) == (20, 17)
        assert make_one(window, tiles, tmp_path / "x.tif", Order(max_overzoom=4))["overzoom"] == 3
        assert json.loads((tmp_path / "x.json").read_text())["overzoom"] == 3
    with FakeTiles(town_photo, deepest=16) as server:
        tiles = open_tiles(server.template, zoom=[0, 17])
        # Three levels for the window itself and one for the missing tile: four in all.
        with pytest.raises(TileError, match="no picture there at level 17"):
            picture(window, tiles, max_overzoom=3)
        assert make_one(window, tiles, tmp_path / "y.tif", Order(max_overzoom=4))["overzoom"] == 4


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (Reply(404), "missing"),
        (Reply(204), "missing"),
        (Reply(410), "missing"),
        (Reply(200, b"<html>log in</html>", content_type="image/png"), "not-an-image"),
        (Reply(200, encoded(Tile(3, 1, 1), 256)[:300], content_type="image/png"), "damaged"),
        (Reply(200, encoded(Tile(3, 1, 1), 128), content_type="image/png"), "tile-size"),
    ],
)
def test_a_tile_that_is_none_is_never_part_of_a_picture(reply: Reply, reason: str, open_tiles: Open) -> None:
    window = pixels_around(ANN_ARBOR, 256, 256, 18, name="x")
    with FakeTiles() as server:
        server.strange[needed(window, 256)[0]] = reply
        with pytest.raises(TileError) as caught:
            picture(window, open_tiles(server.template))
    assert caught.value.reason == reason


def test_clear_tiles_are_missing_and_palettes_are_read(open_tiles: Open) -> None:
    import io

    written = io.BytesIO()
    Image.new("RGBA", (256, 256), (0, 0, 0, 0)).save(written, "PNG")
    window = pixels_around(ANN_ARBOR, 256, 256, 18, name="x")
    tile = needed(window, 256)[0]
    with FakeTiles(town_photo) as server:
        tiles = open_tiles(server.template)
        server.strange[tile] = Reply(200, written.getvalue(), content_type="image/png")
        with pytest.raises(TileError, match="no picture"):
            picture(window, tiles)
        written = io.BytesIO()
        Image.new("P", (256, 256), 3).save(written, "PNG")
        palette = Got(tile, written.getvalue(), "", cached=False)
        known = {other: tiles.get(other) for other in needed(window, 256)} | {tile: palette}
        assert cut(window, 256, tiles.get, known=known).image.mode == "RGB"


def test_a_placeholder_is_known_by_its_mark_or_by_repeating(open_tiles: Open, tmp_path: Path) -> None:
    window = pixels_around(ANN_ARBOR, 512, 512, 18, name="x")
    blank = Reply(200, blocked_picture(), {"ETag": '"vvvvvvvvvvvvf"'}, "image/png")
    with FakeTiles() as server:
        server.strange = dict.fromkeys(needed(window, 256)[:1], blank)
        tiles = open_tiles(server.template, placeholders=["vvvvvvvvvvvvf"])
        with pytest.raises(TileError, match="nothing here"):
            make_one(
                window,
                tiles,
                tmp_path / "x.tif",
                Order(),
            )
        server.strange = dict.fromkeys(needed(window, 256)[:3], blank)
        other = open_tiles(server.template, name="other", layer="2")
        with pytest.raises(TileError, match="the same to the last bit"):
            make_one(window, other, tmp_path / "x.tif", Order())
    assert not list(tmp_path.glob("x.*"))


def test_what_repeats() -> None:
    tiles = tuple(Tile(5, x, 1) for x in range(4))
    assert repeated([(tiles, ("a", "a", "b", "c")), (tiles[:1], ("a",))]) == set()
    assert repeated([(tiles, ("a", "a", "b", "a"))]) == {"a"}


def test_a_picture_has_its_name_only_when_all_of_it_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from techniques.errors import WorkFailedError

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    window = pixels_around(ANN_ARBOR, 8, 8, 18, name="x")
    image = Image.new("RGB", (8, 8))
    with monkeypatch.context() as patched:
        patched.setattr(Image.Image, "save", full)
        with pytest.raises(WorkFailedError, match="disk is full"):
            save(tmp_path / "x.tif", image, window, {})
    assert not (tmp_path / "x.tif").exists()
    assert replace(window, label="a").centre == pytest.approx(window.centre)
