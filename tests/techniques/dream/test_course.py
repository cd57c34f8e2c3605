"""The course's two commands for dreaming, run as the course ran them."""

import json
import os
import subprocess

import pytest
from PIL import Image

from tests.techniques.conftest import PROGRAM
from tests.techniques.dream.conftest import patches


def course(script, *arguments):
    environment = {**os.environ, "PATH": f"{PROGRAM.parent}:{os.environ['PATH']}"}
    return subprocess.run(
        ["bash", script, *map(str, arguments)],
        cwd="/",
        env=environment,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )


@pytest.mark.parametrize("script", ["run_2Ddeepdream_eval.sh", "run_2Dclassbaseddeepdream_eval.sh"])
def test_the_course_s_command_still_works(script, small, folder, tmp_path):
    results = tmp_path / "my results"

    done = course(script, small["china"], folder, "gothic", results, "8", "48", "64")

    assert done.returncode == 0, done.stderr
    assert "size             64 x 48 pixels" in done.stderr
    with Image.open(results / "china_dreamed_gothic_final.png") as picture:
        assert picture.size == (64, 48)
    record = json.loads((results / "china_dreamed_gothic_final.run.json").read_text())
    assert record["arguments"]["iterations"] == 2
    assert record["arguments"]["classes"] == ["gothic"]


def test_the_course_s_two_commands_make_a_network_and_a_dream(photos, small, tmp_path):
    for name in ("coffee", "ihc"):
        patches(photos[name], tmp_path / "my buildings" / name, 6)
    weights, results = tmp_path / "net weights", tmp_path / "results"

    learnt = course(
        "run_2Dclassbaseddeepdream_training.sh", tmp_path / "my buildings", "1", weights, "48", "64"
    )
    assert learnt.returncode == 0, learnt.stderr
    done = course(
        "run_2Dclassbaseddeepdream_eval.sh", small["china"], weights, "coffee", results, "10", "48", "64"
    )

    assert done.returncode == 0, done.stderr
    record = json.loads((results / "china_dreamed_coffee_final.run.json").read_text())
    assert record["weights"]["sha256"] == json.loads((weights / "run.json").read_text())["trained"]["sha256"]
    with Image.open(results / "china_dreamed_coffee_final.png") as picture:
        assert picture.size == (64, 48)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["a.png", "weights"], "Usage: bash"),
        (["a.png", "weights", "gothic", "out", "many", "48", "64"], "NUM_ITERS is many"),
        (
            ["/missing.png", "imagenet", "castle", "/tmp/never", "500", "48", "64"],
            "/missing.png does not exist",
        ),
    ],
)
def test_wrong_arguments_are_answered(arguments, says):
    refused = course("run_2Ddeepdream_eval.sh", *arguments)

    assert refused.returncode == 2
    assert says in refused.stderr
