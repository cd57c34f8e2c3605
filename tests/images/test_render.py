"""Generated texts: what is committed is what matrix and locks say, and every difference is told."""

import re
import subprocess
from pathlib import Path

import pytest

from images import project, render
from images.drift import drift
from images.errors import UsageError
from images.matrix import load
from tests.images.conftest import PROGRAM


def test_what_is_committed_is_what_matrix_and_locks_say():
    here = project.find()
    stale = render.stale_texts(load(), here)
    assert not stale, render.stale_words(stale, here)


@pytest.mark.parametrize("choice", load().choices(), ids=lambda choice: choice.name)
def test_a_reviewer_sees_versions_hardware_and_packages(choice):
    text = Path(f"images/rendered/{choice.name}.txt").read_text()
    assert f"argument BASE={choice.base.reference}" in text
    assert f"label deepdesign.least-driver={choice.variant.least_driver}" in text
    assert f"package cuda torch=={choice.variant.torch}" in text
    assert ("package light jupyterlab==" in text) is choice.flavour.has_jupyter


def test_a_page_without_its_marks_is_not_overwritten(tmp_path):
    here = project.find()
    moved = project.Project(tmp_path, here.version, here.revision)
    (tmp_path / "images").mkdir()
    (tmp_path / "images/locks").symlink_to(here.root / "images/locks")
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/images.md").write_text("# Mine\n")
    with pytest.raises(UsageError, match="marks"):
        render.texts(load(), moved)


def test_the_program_says_nothing_when_nothing_is_stale():
    done = subprocess.run([PROGRAM, "render", "--check"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("page", ["README.md", "docs/images.md", "docs/bootstrap.md", "CONTRIBUTING.md"])
def test_a_page_names_only_images_that_there_are(page):
    """Or a reader of an older README pulls what no longer exists."""
    there = {f"deepdesign:{project.find().version}-{choice.name}" for choice in load().choices()}
    named = set(re.findall(r"deepdesign:\d[\w.-]*[\w]", Path(page).read_text()))
    assert named <= there
    assert named or page != "README.md"


def test_every_kind_of_drift_is_told():
    locked = {"torch": "2.14.1", "numpy": "2.5.5", "ruamel.yaml": "1.0"}
    assert drift(locked, {"torch": "2.14.1+cu130", "NumPy": "2.5.5", "ruamel-yaml": "1.0"}) == []
    assert drift(locked, {"torch": "2.15.0", "numpy": "2.5.5", "wheel": "1"}) == [
        "ruamel-yaml 1.0 is in the lock and not in the image",
        "torch is 2.15.0 in the image and 2.14.1 in the lock",
        "wheel 1 is in the image and not in the lock",
    ]
