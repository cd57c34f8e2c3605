"""Mesh techniques on a card: an interrupted run goes on there."""

import json
import signal
import subprocess

import pytest

from techniques.meshes.obj_write import write_obj
from techniques.meshes.shapes import icosphere
from tests.needs import need
from tests.techniques.conftest import PROGRAM

pytestmark = pytest.mark.gpu


@pytest.mark.parametrize(
    ("command", "with_style"),
    [
        (["mesh-style", "--size", "64"], True),
        (["mesh-fit", "--size", "64", "--no-turntable"], True),
        (["mesh-dream", "--class", "fountain", "--judges", "none", "--turntable", "0"], False),
    ],
    ids=["mesh-style", "mesh-fit", "mesh-dream"],
)
def test_an_interrupted_run_goes_on_on_the_card(command, with_style, small, program, tmp_path):
    need("cuda")
    mesh = tmp_path / "ball.obj"
    write_obj(mesh, icosphere(2))
    name, *flags = command
    pictures = [small["coffee"]] if with_style else []
    line = [
        name,
        mesh,
        *pictures,
        "-o",
        tmp_path / "made.obj",
        "--iterations",
        "60",
        "--device",
        "cuda",
        *flags,
    ]
    running = subprocess.Popen(
        [str(word) for word in (PROGRAM, *line, "--json")], stdout=subprocess.PIPE, text=True
    )
    for said in running.stdout:
        event = json.loads(said)
        if event.get("event") == "progress" and event["done"] >= 20:
            running.send_signal(signal.SIGINT)
            break
    running.communicate(timeout=600)
    assert running.returncode == 130

    done = program(*line, "--resume")

    assert done.returncode == 0, done.stderr
    assert json.loads((tmp_path / "made.run.json").read_text())["device"] == "cuda"
