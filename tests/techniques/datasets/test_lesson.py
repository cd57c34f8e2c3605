"""The README's two lessons, offline: a class list becomes a network and a dream, a place becomes pictures."""

import csv
import json
import math
import re
import shlex
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import pytest
import rasterio
import yaml
from rasterio.warp import transform

from techniques.aerial.testkit.paint import town_photo
from techniques.aerial.testkit.tiles import FakeTiles
from techniques.datasets.testkit.commons import FakeCommons
from techniques.datasets.testkit.corpus import Work
from techniques.datasets.testkit.files import FakeFiles
from techniques.datasets.testkit.openverse import FakeOpenverse
from tests.techniques.conftest import Run

README = Path(__file__).parents[3] / "README.md"
# What a test changes of the commands that students type: smaller, and from the servers here.
SMALLER = {
    "collect": ["--per-class", "10", "--keep-near", "--allow-private"],
    "train": ["--epochs", "1", "--size", "64", "--weights", "none", "--arch", "mobilenet_v2"],
    "dream": ["--width", "64", "--height", "64", "--iterations", "2", "--judges", "none"],
}  # fmt: skip


@pytest.fixture
def endpoints(works: list[Work]) -> Iterator[list[str]]:
    many = [Work(**{**vars(work), "creator": f"Photographer {work.number}"}) for work in works]
    with (
        FakeFiles(many) as hosts,
        FakeOpenverse(many, hosts.url) as openverse,
        FakeCommons(many, hosts.url) as commons,
    ):
        yield ["--endpoint", f"openverse={openverse.endpoint}", "--endpoint", f"commons={commons.endpoint}"]
        assert openverse.refused == commons.refused == hosts.refused == []


def _lesson(first: str) -> list[list[str]]:
    """The commands of the block that begins with ``first``."""
    text = README.read_text()
    block = re.search(rf"```sh\n(deepdesign {first} .*?)```", text, re.DOTALL)
    assert block is not None
    return [shlex.split(line, comments=True)[1:] for line in block.group(1).splitlines() if line]


@pytest.mark.xdist_group("weights")
def test_a_class_list_becomes_a_trained_network_and_a_dream(
    here: Run, endpoints: list[str], photos: dict[str, Path], tmp_path: Path
) -> None:
    folder = tmp_path / "work"
    (folder / "classes.txt").write_text("gothic\ndome\n")
    (folder / "photo.jpg").write_bytes(photos["china"].read_bytes())
    commands = _lesson("collect")
    assert [command[0] for command in commands] == ["collect", "dataset", "train", "dream", "dataset"]
    for command in commands:
        extra = SMALLER.get(command[0], []) + (endpoints if command[0] == "collect" else [])
        # The last of an option that is given twice counts.
        finished = here(*command, *extra)
        assert finished.returncode == 0, f"{command}: {finished.stderr}"
    assert json.loads((folder / "dream.run.json").read_text())["command"] == "dream"
    assert re.match(r"Made from \d+ pictures by \d+ creators \(.*CC ", finished.stdout)


def test_a_latitude_and_a_longitude_become_a_licensed_metre_true_set(here: Run, tmp_path: Path) -> None:
    """Of the source that is chosen by itself for that place, its address led to a server here."""
    (command,) = _lesson("aerial")
    with FakeTiles(town_photo, order="zyx", rate=(600, 60.0), at_once=2, deepest=20) as server:
        text = files("techniques.aerial").joinpath("services.yaml").read_text(encoding="utf-8")
        (record,) = [one for one in yaml.safe_load(text) if one["name"] == "usgs"]
        (tmp_path / "usgs.yaml").write_text(yaml.safe_dump([record | {"url": server.template}]))
        finished = here(
            *command,
            *("--services", tmp_path / "usgs.yaml", "--cache", tmp_path / "tiles", "--allow-private"),
            DEEPDESIGN_DATA=str(tmp_path / "data"),
        )
        assert finished.returncode == 0, finished.stderr
        assert server.refused == []
    assert "in Ann Arbor, United States" in finished.stderr
    root = Path(finished.stdout.strip())
    (picture,) = (root / "images").glob("*.tif")
    with rasterio.open(picture) as seen:
        assert (seen.crs.to_epsg(), seen.width, seen.height) == (3857, 512, 512)
        on_the_ground = (seen.bounds.right - seen.bounds.left) * math.cos(math.radians(42.281))
        assert on_the_ground == pytest.approx(256, abs=1e-6)
        (lon,), (lat,) = transform(
            seen.crs,
            "EPSG:4326",
            [(seen.bounds.left + seen.bounds.right) / 2],
            [(seen.bounds.top + seen.bounds.bottom) / 2],
        )
        assert (lat, lon) == pytest.approx((42.281, -83.743), abs=1e-9)
    with (root / "credits.csv").open(newline="") as table:
        (row,) = csv.DictReader(table)
    assert row["license"] == "pdm"
    assert "U.S. Geological Survey" in (root / "ATTRIBUTION.md").read_text()
