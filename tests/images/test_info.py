"""What an image says about the machine that it runs on, against driver libraries made to measure."""

import subprocess
from pathlib import Path

import pytest

from images import info
from images.driver import Card, Driver, ask
from images.errors import ImagesError
from images.matrix import load
from images.packages import python_packages
from tests.needs import need


def stub(folder: Path, version: int, count: int = 1, capability: tuple[int, int] = (8, 6)) -> Path:
    """A libcuda.so.1 that reports ``version`` (12040 is CUDA 12.4) and ``count`` cards."""
    need("cc")
    library = folder / "libcuda.so.1"
    facts = {"VERSION": version, "COUNT": count, "MAJOR": capability[0], "MINOR": capability[1]}
    defines = [f"-D{name}={value}" for name, value in facts.items()]
    source = Path(__file__).with_name("libcuda.c")
    subprocess.run(["cc", "-shared", "-fPIC", "-o", library, *defines, source], check=True)
    return library


@pytest.mark.parametrize(
    ("version", "served"), [(12000, (12, 0)), (12040, (12, 4)), (13000, (13, 0)), (11080, (11, 8))]
)
def test_the_driver_library_is_asked(tmp_path, version, served):
    assert ask(str(stub(tmp_path, version))) == Driver(served, (Card("Stub Card", "sm_86"),))


def test_no_library_is_no_driver(tmp_path):
    assert ask(str(tmp_path / "libcuda.so.1")) is None


def test_a_driver_without_a_card_still_has_a_version(tmp_path):
    assert ask(str(stub(tmp_path, 12040, count=0))) == Driver((12, 4), ())


@pytest.mark.parametrize(
    ("variant", "served", "architecture", "runs", "told"),
    [
        ("cu126", (12, 0), "sm_61", True, "runs this image"),
        ("cu126", (12, 4), "sm_86", True, "runs this image"),
        ("cu126", (13, 0), "sm_90", True, "runs this image"),
        ("cu130", (13, 0), "sm_89", True, "runs this image"),
        ("cu130", (12, 4), "sm_86", False, "Take cu126-notebook"),
        ("cu130", (13, 0), "sm_61", False, "Take cu126-notebook"),
        ("cu126", (13, 0), "sm_120", False, "Take cu130-notebook"),
        ("cu126", (11, 8), "sm_75", False, "No image of this project"),
    ],
)
def test_the_verdict_names_the_image_that_runs(variant, served, architecture, runs, told):
    matrix = load()
    verdict = info.judge(
        matrix.choose(variant, "notebook"), matrix, Driver(served, (Card("Card", architecture),))
    )
    assert verdict.runs is runs
    assert told in " ".join(verdict.words)


def test_one_card_that_does_not_fit_is_enough():
    matrix = load()
    both = (Card("A4000", "sm_86"), Card("P5000", "sm_61"))
    verdict = info.judge(matrix.choose("cu130"), matrix, Driver((13, 0), both))
    assert not verdict.runs
    assert [word for word in verdict.words if word.startswith("A4000") and "runs this image" in word]


@pytest.mark.parametrize("driver", [None, Driver((13, 0), ())])
def test_without_a_card_the_way_to_one_is_told(driver):
    matrix = load()
    verdict = info.judge(matrix.choose(), matrix, driver)
    assert not verdict.runs
    assert "--gpus all" in " ".join(verdict.words)


def test_outside_an_image_it_says_so(tmp_path):
    with pytest.raises(ImagesError, match="no deepdesign image"):
        info.facts(tmp_path / "image.json")


def test_every_package_has_a_version_and_a_licence():
    rows = {package.name.lower(): package for package in python_packages()}
    assert rows["click"].licence == "BSD-3-Clause"
    assert all(package.version and package.licence for package in rows.values())
