"""`deepdesign aerial` as a person runs it, against servers on this machine."""

import json
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import numpy as np
import pytest
import rasterio
from PIL import Image
from torchvision.datasets import ImageFolder

from techniques.aerial import command
from techniques.aerial.grid import LonLat, Tile, pixel
from techniques.aerial.services import parse
from techniques.aerial.testkit.paint import town_map, town_photo
from techniques.aerial.testkit.tiles import FakeTiles, blocked_picture
from techniques.datasets.manifest import Manifest
from techniques.datasets.rows import rows
from techniques.datasets.testkit.server import Reply
from techniques.errors import WorkFailedError
from tests.techniques.conftest import PROGRAM, Run, one_line

Aerial = Callable[..., CompletedProcess[str]]
FIELDS = {"command", "arguments", "seed", "device", "weights", "versions", "results", "metrics", "seconds"}
PLACE = ("--lat", 42.281, "--lon", -83.743)


@pytest.fixture
def photo() -> Iterator[FakeTiles]:
    with FakeTiles(town_photo, identified=True, rate=(600, 60.0), at_once=2) as server:
        yield server
        assert server.refused == []


@pytest.fixture
def aerial(photo: FakeTiles, here: Run, tmp_path: Path) -> Aerial:
    records = [
        {"name": "town", "kind": "photo", "url": photo.template, "rate": [600, 60], "contact": True},
        {"name": "plan", "kind": "map", "url": photo.template, "rate": [600, 60], "most_tiles": 3},
        {"name": "mine", "kind": "photo", "url": photo.template + "?k={key}", "key": "TOWN_KEY"},
        {"name": "dutch", "kind": "photo", "url": photo.template, "areas": [[3, 50, 8, 54]]},
    ]
    known = {"type": "xyz", "zoom": [0, 18], "license": "cc0", "attribution": "Nobody", "cache_days": 9}
    (tmp_path / "services.yaml").write_text(json.dumps([{**known, **record} for record in records]))

    def ask(*options: object, contact: str = "me@example.edu", **variables: str) -> CompletedProcess[str]:
        fixed = ("--services", tmp_path / "services.yaml", "--cache", tmp_path / "tiles", "--allow-private")
        return here("aerial", *fixed, *options, DEEPDESIGN_CONTACT=contact, **variables)

    return ask


def test_a_latitude_and_a_longitude_become_a_metre_true_licensed_picture(
    aerial: Aerial, tmp_path: Path
) -> None:
    out = tmp_path / "set"
    finished = aerial(*PLACE, "--source", "town", "--size-m", 60, "--m-per-px", 0.5, "-o", out)
    assert finished.returncode == 0, finished.stderr
    assert finished.stdout.strip() == str(out)
    assert "in Ann Arbor, United States" in finished.stderr
    assert "Takes: 1 picture from" in finished.stderr
    record = json.loads((out / "run.json").read_text())
    assert record.keys() >= FIELDS
    assert record["metrics"]["pictures"] == 1
    (picture,) = (out / "images").glob("*.tif")
    with rasterio.open(picture) as seen:
        assert seen.crs.to_epsg() == 3857
        assert (seen.width, seen.height) == (120, 120)
        ground = (seen.bounds.right - seen.bounds.left) * np.cos(np.radians(42.281))
        assert ground == pytest.approx(60, abs=1e-6)
    assert (picture.with_suffix(".tfw")).is_file()
    facts = json.loads(picture.with_suffix(".json").read_text())
    assert (facts["m_per_px"], facts["license"], facts["attribution"]) == (0.5, "CC0 1.0", "Nobody")
    (feature,) = json.loads((out / "footprints.geojson").read_text())["features"]
    assert feature["properties"]["file"] == f"images/{picture.name}"
    assert "Nobody" in (out / "ATTRIBUTION.md").read_text()
    with Image.open(out / "preview.png") as preview:
        assert (230, 0, 40) in {colour for _, colour in preview.getcolors(1 << 20) or []}


def test_run_again_fetches_nothing(aerial: Aerial, photo: FakeTiles, tmp_path: Path) -> None:
    command = (*PLACE, "--source", "town", "--size-px", 100, "--zoom", 18, "-o", tmp_path / "set")
    assert aerial(*command).returncode == 0
    asked = len(photo.asked)
    assert aerial(*command).returncode == 0
    assert len(photo.asked) == asked
    (tmp_path / "set" / "images").rename(tmp_path / "away")
    # The picture is made anew, from the tiles that are kept.
    finished = aerial(*command, "--offline")
    assert finished.returncode == 0, finished.stderr
    assert "of them here already" in finished.stderr
    made, before = (
        next(folder.glob("*.tif")).read_bytes() for folder in (tmp_path / "set" / "images", tmp_path / "away")
    )
    assert made == before
    assert len(photo.asked) == asked


def test_one_picture_under_its_own_name(aerial: Aerial, tmp_path: Path) -> None:
    out = tmp_path / "results" / "roof.png"
    finished = aerial(*PLACE, "--source", "town", "--size-m", "40x30", "-o", out)
    assert finished.returncode == 0, finished.stderr
    with Image.open(out) as image:
        assert image.size == (80, 60)
    names = {path.name for path in out.parent.iterdir()}
    assert names == {
        "roof.png",
        "roof.pgw",
        "roof.prj",
        "roof.png.aux.xml",
        "roof.json",
        "roof.footprint.geojson",
        "roof.run.json",
    }
    assert json.loads((out.parent / "roof.run.json").read_text()).keys() >= FIELDS


def test_a_hand_drawn_site_outlives_the_picture_named_like_it(aerial: Aerial, tmp_path: Path) -> None:
    site = tmp_path / "site.geojson"
    ring = [[-83.7432, 42.2809], [-83.7428, 42.2809], [-83.7428, 42.2811], [-83.7432, 42.2809]]
    site.write_text(json.dumps({"type": "Polygon", "coordinates": [ring]}))
    drawn = site.read_bytes()
    asked = ("--polygon", site, "--source", "town", "-o", tmp_path / "site.tif")
    for _ in range(2):
        finished = aerial(*asked)
        assert finished.returncode == 0, finished.stderr
        assert site.read_bytes() == drawn
    (feature,) = json.loads((tmp_path / "site.footprint.geojson").read_text())["features"]
    assert feature["properties"]["file"] == "site.tif"


@pytest.mark.parametrize("name", ["roof.tif", "roof.tfw", "roof.json", "roof.footprint.geojson"])
def test_one_picture_replaces_nothing_that_no_run_of_it_made(
    aerial: Aerial, photo: FakeTiles, tmp_path: Path, name: str
) -> None:
    (tmp_path / name).write_text("mine")
    line = one_line(aerial(*PLACE, "--source", "town", "-o", tmp_path / "roof.tif"), status=2)
    assert name in line
    assert (tmp_path / name).read_text() == "mine"
    assert photo.asked == []


def test_a_picture_that_fails_leaves_nothing_in_the_way_of_the_next_try(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(_window: Any, _tiles: Any, path: Path, _order: Any) -> None:
        path.with_suffix(".tfw").write_text("half of it")
        path.with_suffix(".json").write_text("half of it")
        raise WorkFailedError("the disk is full")

    monkeypatch.setattr(command, "make_one", fails)
    (tmp_path / "roof.json").write_text("of an earlier run")
    given: Any = {"max_overzoom": 0, "keep_blank": False}
    nothing: Any = None
    with pytest.raises(WorkFailedError):
        command._one([(nothing,)], [nothing], tmp_path / "roof.tif", given)
    assert [path.name for path in tmp_path.iterdir()] == ["roof.json"]


def test_an_input_is_never_an_output(aerial: Aerial, photo: FakeTiles, tmp_path: Path) -> None:
    out = tmp_path / "set"
    out.mkdir()
    ring = [[-83.7432, 42.2809], [-83.7428, 42.2809], [-83.7428, 42.2811], [-83.7432, 42.2809]]
    for drawn, asked in (
        (out / "footprints.geojson", out),
        (tmp_path / "roof.json", tmp_path / "roof.tif"),
    ):
        drawn.write_text(json.dumps({"type": "Polygon", "coordinates": [ring]}))
        before = drawn.read_bytes()
        line = one_line(aerial("--polygon", drawn, "--source", "town", "-o", asked), status=2)
        assert "read by this run" in line
        assert drawn.read_bytes() == before
    assert photo.asked == []


def test_a_folder_of_another_run_is_left_alone(aerial: Aerial, photo: FakeTiles, tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text('{"command": "style", "results": ["result.png"]}')
    line = one_line(aerial(*PLACE, "--source", "town", "-o", tmp_path), status=2)
    assert "run.json" in line
    assert "style" in (tmp_path / "run.json").read_text()
    assert photo.asked == []


def test_the_same_place_of_another_source_is_refused(
    aerial: Aerial, photo: FakeTiles, tmp_path: Path
) -> None:
    asked = (*PLACE, "--size-px", 64, "--zoom", 18, "-o", tmp_path / "set", "--quiet")
    assert aerial(*asked, "--source", "town").returncode == 0
    before = {path: path.read_bytes() for path in (tmp_path / "set").rglob("*") if path.is_file()}
    tiles = len(photo.asked)
    line = one_line(aerial(*asked, "--source", "plan", "--format", "png"), status=2)  # one side-car for both
    assert "of another source, town" in line
    assert {path: path.read_bytes() for path in (tmp_path / "set").rglob("*") if path.is_file()} == before
    assert len(photo.asked) == tiles


def test_two_services_of_one_host_are_two_sources(here: Run, tmp_path: Path) -> None:
    asked = ("aerial", *PLACE, "--size-px", 64, "--zoom", 18, "-o", tmp_path / "set", "--allow-private")
    with FakeTiles(town_photo, deepest=22) as server:
        for year, status in (("2010", 0), ("2024", 2)):
            address = f"{server.template}?year={year}"
            finished = here(*asked, "--quiet", "--source", address, XDG_CACHE_HOME=str(tmp_path / "cache"))
            assert finished.returncode == status, finished.stderr
    assert "year=2010" in one_line(finished, status=2)
    assert "year=2010" in json.loads((tmp_path / "set" / "run.json").read_text())["arguments"]["source"]


def test_a_picture_made_anew_is_credited_once_and_to_its_own_source(aerial: Aerial, tmp_path: Path) -> None:
    asked = (*PLACE, "--size-px", 64, "--zoom", 18, "-o", tmp_path / "set", "--quiet")
    assert aerial(*asked, "--source", "town").returncode == 0
    (picture,) = (tmp_path / "set" / "images").glob("*.tif")
    picture.unlink()  # by hand: it may come from anywhere now
    assert aerial(*asked, "--source", "plan").returncode == 0
    (row,) = [row for row in rows(tmp_path / "set") if row["status"] == "kept"]
    assert row["source"] == "plan"
    assert (tmp_path / "set" / "credits.csv").read_text().count(picture.name) == 2  # file and source_id


def test_points_with_labels_become_classes(aerial: Aerial, tmp_path: Path) -> None:
    lines = [
        "lat,lon,name,label",
        "42.281,-83.743,a,campus",
        "42.283,-83.745,b,campus",
        "42.29,-83.75,c,edge",
    ]
    (tmp_path / "places.csv").write_text("\n".join(lines))
    finished = aerial(
        *("--points", tmp_path / "places.csv", "--source", "town", "--size-px", 64, "--zoom", 18, "--json"),
        *("--format", "png"),
        DEEPDESIGN_DATA=str(tmp_path / "data"),
    )
    assert finished.returncode == 0, finished.stderr
    root = tmp_path / "data" / "places"
    last = json.loads(finished.stdout.splitlines()[-1])
    assert last["results"] == [str(root)]
    dataset = ImageFolder(str(root))
    assert dataset.classes == ["campus", "edge"]
    assert len(dataset) == 3


def test_pairs_show_the_same_ground_under_equal_names(program: Run, tmp_path: Path) -> None:
    """The offline demo: the town as photograph and as map."""
    finished = program(
        *(
            "aerial",
            "--bbox",
            "-83.745,42.280,-83.740,42.284",
            "--random",
            3,
            "--min-distance-m",
            60,
            "--seed",
            4,
        ),
        *("--source", "demo", "--pair", "demo-map", "--size-m", 64, "-o", tmp_path / "pairs"),
    )
    assert finished.returncode == 0, finished.stderr
    ours, theirs = (sorted((tmp_path / "pairs" / side).glob("*.tif")) for side in "AB")
    assert [path.name for path in ours] == [path.name for path in theirs]
    assert len(ours) == 3
    for one, other in zip(ours, theirs, strict=True):
        with rasterio.open(one) as photo, rasterio.open(other) as plan:
            assert photo.bounds == plan.bounds
            # Where the map is green, the photograph is too.
            green = (plan.read(2) > plan.read(3).astype(int) + 40) & (plan.read(1) < 220)
            if green.sum() > 200:
                assert (photo.read(2).astype(int) - photo.read(1))[green].mean() > 10
    record = json.loads((tmp_path / "pairs" / "run.json").read_text())
    assert record["metrics"]["layers"] == ["demo", "demo-map"]
    assert record["seed"] == 4


def test_a_grid_covers_a_polygon(aerial: Aerial, tmp_path: Path) -> None:
    ring = [[-83.744, 42.280], [-83.742, 42.280], [-83.742, 42.2815], [-83.744, 42.2815], [-83.744, 42.280]]
    (tmp_path / "site.geojson").write_text(json.dumps({"type": "Polygon", "coordinates": [ring]}))
    finished = aerial(
        *(
            "--polygon",
            tmp_path / "site.geojson",
            "--grid",
            "--size-m",
            60,
            "--m-per-px",
            1,
            "--source",
            "town",
        ),
        *("-o", tmp_path / "set"),
    )
    assert finished.returncode == 0, finished.stderr
    features = json.loads((tmp_path / "set" / "footprints.geojson").read_text())["features"]
    # 165 m by 167 m in steps of 60 m.
    assert len(features) == 9
    corners = [corner for feature in features for corner in feature["geometry"]["coordinates"][0]]
    assert min(lon for lon, _ in corners) <= -83.744
    assert max(lat for _, lat in corners) >= 42.2815


def test_a_missing_minus_sign_is_seen_before_anything_is_fetched(
    aerial: Aerial, photo: FakeTiles, tmp_path: Path
) -> None:
    finished = aerial("--lat", 42.281, "--lon", 83.743, "--source", "town", "--dry-run")
    assert "China" in finished.stderr
    line = one_line(aerial("--lat", 42.281, "--lon", 83.743, "-o", tmp_path / "set"), status=2)
    assert "minus sign" in line
    assert "China" in line
    line = one_line(aerial(*PLACE, "--source", "dutch", "-o", tmp_path / "set"), status=2)
    assert "dutch has no picture" in line
    assert photo.asked == []
    assert not (tmp_path / "set").exists()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ((), "Say where"),
        (("--lat", "1"), "belong together"),
        ((*PLACE, "--bbox", "1,1,2,2"), "Leave one away"),
        ((*PLACE, "--grid"), "need a region"),
        (("--bbox", "1,1,2,2", "--grid", "--random", "3"), "Leave one away"),
        (("--lat", "-121.9", "--lon", "37.3"), "swapped"),
        ((*PLACE, "--source", "nowhere"), "none we know"),
        ((*PLACE, "--source", "town", "--pair", "town"), "another source"),
        ((*PLACE, "--source", "town", "--m-per-px", "0.1"), "--max-overzoom"),
        ((*PLACE, "--source", "mine"), "$TOWN_KEY"),
        ((*PLACE, "--source", "plan", "--size-m", "600"), "forbids bulk"),
        (("--bbox", "-83.8,42.2,-83.7,42.3", "--source", "town", "--m-per-px", "0.5"), "--grid"),
        (("--bbox", "-83.8,42.2,-83.7,42.3", "--grid", "--size-m", "100", "--source", "town"), "--yes"),
        (("--bbox", "-83.8,42.2,-83.7,42.3", "--random", 3, "-o", "x.png", "--source", "town"), "several"),
        ((*PLACE, "--contact", "me\r\nX-Evil: 1"), "--contact"),
        (("--points", "missing.csv"), "missing.csv"),
        (("--polygon", "missing.geojson"), "missing.geojson"),
        ((*PLACE, "--services", "missing.yaml"), "missing.yaml"),
        ((*PLACE, "--size-m", "abc"), "--size-m"),
    ],
)  # fmt: skip
def test_wrong_arguments_are_one_plain_line(
    options: tuple[object, ...], words: str, aerial: Aerial, photo: FakeTiles, tmp_path: Path
) -> None:
    finished = aerial("--quiet", *(() if "-o" in options else ("-o", tmp_path / "set")), *options)
    assert words in one_line(finished, status=2)
    assert photo.asked == []
    assert not (tmp_path / "set").exists()


def test_a_contact_is_asked_for(aerial: Aerial, tmp_path: Path) -> None:
    assert "--contact" in one_line(aerial(*PLACE, "--source", "town", contact=""), status=2)


def test_what_is_missing_ends_with_status_1_and_the_rest_is_kept(
    aerial: Aerial, photo: FakeTiles, tmp_path: Path
) -> None:
    (tmp_path / "p.csv").write_text("lat,lon\n42.281,-83.743\n42.3,-83.7\n")
    point = pixel(LonLat(-83.7, 42.3), 18)
    hole = Tile(18, int(point.x // 256), int(point.y // 256))
    photo.strange[hole] = Reply(404)
    options = (
        "--points",
        tmp_path / "p.csv",
        "--source",
        "town",
        "--size-px",
        64,
        "--zoom",
        18,
        "-o",
        tmp_path / "set",
    )
    finished = aerial(*options, "--quiet")
    line = one_line(finished, status=1)
    assert "1 of 2 pictures could be made (1 missing" in line
    assert "42.3" in line
    kept = [row for row in rows(tmp_path / "set") if row["status"] == "kept"]
    assert len(kept) == len(list((tmp_path / "set" / "images").glob("*.tif"))) == 1
    # Enlarged from the level above by choice, and said.
    finished = aerial(*options, "--max-overzoom", 1)
    assert finished.returncode == 0, finished.stderr
    assert json.loads((tmp_path / "set" / "run.json").read_text())["metrics"]["overzoomed"] == 1


def test_what_a_person_has_dropped_or_moved_is_not_made_again(
    aerial: Aerial, here: Run, photo: FakeTiles, tmp_path: Path
) -> None:
    (tmp_path / "p.csv").write_text("lat,lon,name\n42.281,-83.743,a\n42.29,-83.75,b\n42.3,-83.7,c\n")
    asked = ("--points", tmp_path / "p.csv", "--size-px", 64, "--zoom", 18, "-o", tmp_path / "set", "--quiet")
    assert aerial(*asked, "--source", "town").returncode == 0
    first, second, third = sorted((tmp_path / "set" / "images").glob("*.tif"))
    (tmp_path / "list.csv").write_text(f"drop,images/{first.name},\nmove,images/{second.name},roofs\n")
    assert here("dataset", "curate", tmp_path / "set", tmp_path / "list.csv").returncode == 0
    tiles = len(photo.asked)
    finished = aerial(*asked, "--source", "town")
    assert finished.returncode == 0, finished.stderr
    assert len(photo.asked) == tiles
    lies = {str(path.relative_to(tmp_path / "set")) for path in (tmp_path / "set").rglob("*.tif")}
    assert lies == {f"roofs/{second.name}", f"images/{third.name}"}
    assert json.loads((tmp_path / "set" / "run.json").read_text())["metrics"]["pictures"] == 2


def test_pictures_that_say_blocked_are_no_pictures(aerial: Aerial, photo: FakeTiles, tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text("lat,lon\n" + "".join(f"42.28{n},-83.7\n" for n in range(4)))
    photo.faults.extend([None] * 4 + [Reply(200, blocked_picture(), content_type="image/png")] * 99)
    finished = aerial(
        *(
            "--points",
            tmp_path / "p.csv",
            "--source",
            "town",
            "--size-px",
            256,
            "--zoom",
            18,
            "-o",
            tmp_path / "set",
        ),
        "--quiet",
    )
    assert "placeholder" in one_line(finished, status=1)
    assert not list((tmp_path / "set" / "images").glob("*.tif"))
    assert not list((tmp_path / "set" / "images").glob("*.tfw"))


def test_a_refusal_stops_the_run(aerial: Aerial, photo: FakeTiles, tmp_path: Path) -> None:
    photo.faults.extend([Reply(403, b"go away")] * 99)
    finished = aerial(*PLACE, "--source", "mine", "-o", tmp_path / "set", "--quiet", TOWN_KEY="secret-key")
    line = one_line(finished, status=1)
    assert "403" in line
    assert "TOWN_KEY" in line
    for path in tmp_path.rglob("*"):
        assert path.is_dir() or b"secret-key" not in path.read_bytes()
    assert "secret-key" not in finished.stdout + finished.stderr


def test_two_runs_on_one_folder_are_refused(aerial: Aerial, tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    with Manifest(tmp_path / "set"):
        finished = aerial(*PLACE, "--source", "town", "--size-px", 64, "-o", tmp_path / "set", "--quiet")
    assert "another run" in one_line(finished, status=2)


class Held(FakeTiles):
    """Gives a few tiles, then keeps everybody waiting until released."""

    def __init__(self) -> None:
        super().__init__(town_photo)
        self.reached, self.released = threading.Event(), threading.Event()

    def hold(self) -> None:
        if len(self.asked) >= 12:
            self.reached.set()
            self.released.wait(240)


def test_interrupted_and_run_again_fetches_nothing_twice(tmp_path: Path) -> None:
    with Held() as server:
        record = {
            "name": "town",
            "kind": "photo",
            "type": "xyz",
            "zoom": [0, 18],
            "license": "cc0",
            "attribution": "x",
        }
        (tmp_path / "s.yaml").write_text(
            json.dumps([{**record, "url": server.template, "cache_days": 1, "rate": [9999, 60]}])
        )
        command = [
            *(PROGRAM, "aerial", "--services", tmp_path / "s.yaml", "--source", "town", "--allow-private"),
            *("--cache", tmp_path / "tiles", "--bbox", "-83.745,42.280,-83.735,42.29", "--random", "12"),
            *("--size-px", "64", "--zoom", "18", "-o", tmp_path / "set"),
        ]
        process = subprocess.Popen(
            list(map(str, command)),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            # A shell starts what it puts into the background with Ctrl-C ignored, and that is inherited.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
        assert server.reached.wait(240)
        process.send_signal(signal.SIGINT)
        server.released.set()
        _, said = process.communicate(timeout=240)
        assert process.returncode == 130, said
        assert "Traceback" not in said
        again = subprocess.run(
            list(map(str, command)), capture_output=True, text=True, check=False, timeout=240
        )
        assert again.returncode == 0, again.stderr
        # Those that were on their way when it stopped may come twice; never one that had arrived.
        assert len(server.tiles) - len(set(server.tiles)) <= 4
    assert len(list((tmp_path / "set" / "images").glob("*.tif"))) == 12
    assert not list((tmp_path / "set").rglob("*.part"))


def test_an_address_is_a_source_whose_licence_nobody_knows(
    here: Run, photo: FakeTiles, tmp_path: Path
) -> None:
    photo.identified = False
    finished = here(
        *(
            "aerial",
            *PLACE,
            "--source",
            photo.template,
            "--allow-private",
            "--size-m",
            30,
            "-o",
            tmp_path / "x.tif",
        ),
        XDG_CACHE_HOME=str(tmp_path / "cache"),
    )
    assert finished.returncode == 0, finished.stderr
    assert "nobody has said under which licence" in finished.stderr
    assert not list((tmp_path / "cache").rglob("*.tile"))
    assert "{z}" in one_line(here("aerial", *PLACE, "--source", "http://example.org/tiles"), status=2)
    assert "--allow-private" in one_line(
        here("aerial", *PLACE, "--source", photo.template, "-o", tmp_path / "y.tif", "--quiet"), status=1
    )


def test_sources_are_listed_with_their_terms(program: Run) -> None:
    said = program("aerial", "--list-sources").stdout
    assert "usgs" in said
    assert "needs $MAPBOX_ACCESS_TOKEN" in said
    assert "bulk downloads are prohibited" in said
    assert "demo" in said
    told = [json.loads(line) for line in program("aerial", "--list-sources", "--json").stdout.splitlines()]
    assert {"usgs", "demo"} <= {one["name"] for one in told}


def test_the_town_is_one_town_at_every_zoom() -> None:
    """A tile and the four below it show the same."""
    import io

    def shown(tile: Tile, size: int) -> np.ndarray:  # type: ignore[type-arg]
        return np.asarray(Image.open(io.BytesIO(town_map(tile, size))))

    point = pixel(LonLat(-83.743, 42.281), 17)
    tile = Tile(17, int(point.x // 256), int(point.y // 256))
    whole = shown(tile, 256)
    corner = shown(Tile(18, tile.x * 2, tile.y * 2), 128)
    assert (whole[:128, :128] == corner).all()


def test_the_commands_of_the_page(here: Run, tmp_path: Path) -> None:
    page = (Path(__file__).parents[3] / "docs" / "aerial.md").read_text()
    lines = [line.split() for line in page.splitlines() if line.startswith("    deepdesign aerial")]
    assert len(lines) == 2
    for line in lines:
        offline = line if "demo" in line else [*line, "--dry-run"]
        finished = here(*offline[1:], XDG_CACHE_HOME=str(tmp_path / "cache"))
        assert finished.returncode == 0, finished.stderr
    assert len(list((tmp_path / "work" / "town").glob("[AB]/*.tif"))) == 2
    record = page.partition("`--services mine.yaml`.")[2].partition("## ")[0]
    services = parse("\n".join(line[4:] for line in record.splitlines()), "docs/aerial.md")
    assert services["town"].licence.name == "CC BY"
