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
