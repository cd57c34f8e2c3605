"""A disk that is really full: a file system of a few kilobytes, mounted for the test."""

import subprocess

import numpy as np
import pytest
import torch

from techniques.checkpoints import Checkpointer, load_checkpoint
from techniques.errors import WorkFailedError
from techniques.optimise import Step
from techniques.pictures import Picture, save_picture
from tests.needs import need


@pytest.fixture
def tiny_disk(tmp_path):
    need("mounts")
    folder = tmp_path / "disk"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", folder], check=True)
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


def step_of(values):
    return Step(1, 2, "64 x 64", 1.0, {}, 0.1, state=lambda: {"x": torch.rand(values)}, parameters=dict)


def test_a_picture_that_does_not_fit_is_no_file_at_all(tiny_disk):
    noise = Picture(np.random.default_rng(0).random((300, 300, 3), np.float32))

    with pytest.raises(WorkFailedError, match="the disk is full"):
        save_picture(tiny_disk / "result.png", noise)

    assert list(tiny_disk.iterdir()) == []


def test_a_checkpoint_that_does_not_fit_leaves_the_one_before(tiny_disk):
    checkpointer = Checkpointer(tiny_disk / "checkpoint", {"--size": "64"})
    checkpointer.save(step_of(100))

    with pytest.raises(WorkFailedError, match="the disk is full"):
        checkpointer.save(step_of(100_000))

    assert [path.name for path in tiny_disk.iterdir()] == ["checkpoint"]
    assert load_checkpoint(tiny_disk / "checkpoint", {"--size": "64"})["x"].shape == (100,)


def grow(disk, size):
    subprocess.run(["mount", "-o", f"remount,size={size}", disk], check=True)


def test_pictures_of_the_ground_that_do_not_fit_are_no_files_and_are_made_when_there_is_room(tiny_disk, here):
    command = ("aerial", "--lat", 1, "--lon", 2, "--source", "demo", "-o", tiny_disk / "set", "--quiet")
    finished = here(*command)
    assert finished.returncode == 1
    assert "disk is full" in finished.stderr
    assert not list(tiny_disk.rglob("*.tif"))
    assert not list(tiny_disk.rglob("*.part"))

    grow(tiny_disk, "20m")
    assert here(*command).returncode == 0
    assert len(list(tiny_disk.rglob("*.tif"))) == 1


def test_pictures_of_a_folder_that_do_not_fit_are_collected_when_there_is_room(
    tiny_disk, here, photos, tmp_path
):
    own = tmp_path / "own"
    own.mkdir()
    for name in ("china", "coffee", "chelsea"):
        (own / photos[name].name).write_bytes(photos[name].read_bytes())
    (tmp_path / "list.txt").write_text("mine: folder:own")
    command = ("collect", tmp_path / "list.txt", "-o", tiny_disk / "set", "--per-class", 3, "--quiet")
    finished = here(*command)
    assert finished.returncode == 1
    assert "disk" in finished.stderr
    assert not list(tiny_disk.glob("set/mine/[!.]*"))

    grow(tiny_disk, "20m")
    finished = here(*command)
    assert finished.returncode == 0, finished.stderr
    assert len(list(tiny_disk.glob("set/mine/[!.]*"))) == 3
    assert not list(tiny_disk.rglob("*.part"))
