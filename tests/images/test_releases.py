"""What a version held, and what has changed since."""

from dataclasses import replace

import pytest

from images import project, releases
from images.errors import UsageError
from images.matrix import load


@pytest.fixture
def checkout(tmp_path):
    here = project.find()
    (tmp_path / "images").mkdir()
    (tmp_path / "images/locks").mkdir()
    for lock in (here.root / "images/locks").iterdir():
        (tmp_path / "images/locks" / lock.name).write_bytes(lock.read_bytes())
    return replace(here, root=tmp_path, version="1.2.0")


def test_a_release_lists_every_package_of_every_image(checkout):
    written = releases.record(load(), checkout)
    assert [path.stem for path in written] == [choice.name for choice in load().choices()]
    listed = (checkout.root / "images/releases/1.2.0/cu130-notebook.txt").read_text().splitlines()
    assert "torch==2.14.1" in listed
    assert "nvdiffrast==0.4.0" in listed
    names = [line.partition("==")[0] for line in listed]
    assert names == sorted(set(names))
    free = (checkout.root / "images/releases/1.2.0/cu130-notebook-free.txt").read_text()
    assert "nvdiffrast" not in free


def test_a_recorded_version_is_not_changed(checkout):
    releases.record(load(), checkout)
    assert releases.record(load(), checkout)
    lock = checkout.root / "images/locks/cu130-notebook.txt"
    lock.write_text(lock.read_text().replace("click==", "click==99."))
    with pytest.raises(UsageError, match="raise the version"):
        releases.record(load(), checkout)


def test_the_last_version_before_this_one_is_compared(checkout):
    for version in ("1.2.0", "1.9.0", "1.10.0"):
        releases.record(load(), replace(checkout, version=version))
    folder = checkout.root / "images/releases"
    for version, torch in (("1.9.0", "2.0.0"), ("1.10.0", "3.0.0")):
        listed = folder / version / "cu130-notebook.txt"
        listed.write_text(listed.read_text().replace("torch==2.14.1", f"torch=={torch}"))
    choice = load().choose()
    name, before = releases.previous(choice, "1.10.0", folder)
    assert (name, before["torch"]) == ("1.9.0", "2.0.0")
    assert releases.previous(choice, "1.10.1", folder)[1]["torch"] == "3.0.0"
    assert releases.previous(choice, "1.2.0", folder) is None
    assert releases.previous(choice, "1.2.0", folder / "nowhere") is None


def test_every_kind_of_change_is_told():
    before = {"click": "8.1", "numpy": "2.1", "gone": "1"}
    assert releases.changes(before, {"click": "8.2", "numpy": "2.1", "xatlas": "0.0.11"}) == [
        "click 8.1 -> 8.2",
        "gone 1 is gone",
        "xatlas 0.0.11 is new",
    ]
