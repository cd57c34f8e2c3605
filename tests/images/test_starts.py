"""JupyterLab starts after every bad state of home and storage: the real one, in the image."""

import json
from pathlib import Path

import pytest

from tests.images.starts import STATES

pytestmark = [pytest.mark.docker, pytest.mark.xdist_group("docker")]


def test_jupyterlab_starts_whatever_home_and_storage_are(subject):
    program = Path(__file__).with_name("starts.py").read_text()
    with subject.volume() as storage:
        subject.write(storage, {"cfg/.gitconfig": "[user]", "cfg/.jupyter/x.json": "{}"})
        said = subject.output(
            "/opt/deepdesign/bin/python",
            "-c",
            program,
            volumes={storage: {"bind": "/read-only", "mode": "ro"}},
            tmpfs={"/full": "size=64k"},
        )
    found = json.loads(said.rpartition("RESULT")[2])
    assert len(found) == len(STATES) + 2
    assert {name: what for name, what in found.items() if what != "started"} == {}
