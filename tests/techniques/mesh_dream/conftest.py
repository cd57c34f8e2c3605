"""A mesh in a file, and the classifier of one's own that dreams of pictures are tested with."""

from pathlib import Path

import pytest

from techniques.meshes.obj_write import write_obj
from techniques.meshes.shapes import icosphere
from tests.techniques.dream.conftest import folder

__all__ = ["folder", "sphere"]


@pytest.fixture
def sphere(tmp_path) -> Path:
    path = tmp_path / "sphere.obj"
    write_obj(path, icosphere(2))
    return path
