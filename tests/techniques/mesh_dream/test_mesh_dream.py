"""`deepdesign mesh-dream`, end to end: meshes in files, dreams judged from cameras that took no part."""

import json
import signal
import subprocess
import sysconfig
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from techniques.cli import run
from techniques.errors import BadInputError
from techniques.mesh_dream import MeshDreamSettings, mesh_dream_files
from techniques.meshes.read import read_mesh
from tests.techniques.conftest import PROGRAM

QUICK = MeshDreamSettings(
    amplify=True, iterations=6, views=2, texture_size=64, turntable=0, judges="none", device="cpu"
)


def test_networks_that_took_no_part_see_the_class_from_cameras_that_took_no_part(sphere, tmp_path):
    settings = replace(
        QUICK, amplify=False, classes=("fountain",), iterations=24, views=2, texture_size=256, judges="auto"
    )
    record = mesh_dream_files(sphere, output=tmp_path / "out", settings=settings)

    judges = record["metrics"]["judges"]
    assert "mobilenet-v2" in {one["network"] for one in judges}
    assert "efficientnet-lite0" not in {one["network"] for one in judges}
    (dreamer,) = record["metrics"]["dreamers"]
    assert dreamer["after"] > 2 * dreamer["before"]
    assert 0 < record["metrics"]["held_out_probability"] < 1
    assert max(record["losses"]["goal"][-4:]) > record["losses"]["goal"][0] + 1

    before, after = read_mesh(sphere), read_mesh(tmp_path / "out" / "result.obj")
    assert np.array_equal(before.vertices, after.vertices)
    assert np.array_equal(before.faces, after.faces)
    assert after.has_uvs
    assert after.materials[0].texture is not None
    assert record == json.loads((tmp_path / "out" / "run.json").read_text())
    page = (tmp_path / "out" / "report.html").read_text()
    assert "sphere, dreaming of fountain" in page
    assert "<model-viewer" in page
    assert "took no part" in page


def test_geometry_alone_moves_vertices_and_nothing_else(sphere, folder, tmp_path):
    settings = replace(
        QUICK,
        amplify=False,
        classes=("gothic",),
        what="geometry",
        weights=str(folder),
        keep=0.1,
        iterations=12,
    )
    record = mesh_dream_files(sphere, output=tmp_path / "out.obj", settings=settings)
    before, after = read_mesh(sphere), read_mesh(tmp_path / "out.obj")
    assert np.array_equal(before.faces, after.faces)
    assert after.materials == before.materials
    assert not after.has_uvs
    assert 1e-5 < np.abs(after.vertices - before.vertices).max() < 0.5
    assert record["health"]["after"]["euler"] == 2
    assert record["metrics"]["held_out_probability"] is None


def test_the_same_seed_gives_the_same_mesh_and_both_changes_both(sphere, folder, tmp_path):
    settings = replace(QUICK, what="both", weights=str(folder))
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        mesh_dream_files(sphere, output=tmp_path / f"{name}.obj", settings=replace(settings, seed=seed))
    a, b, c = (read_mesh(tmp_path / f"{name}.obj") for name in "abc")
    assert np.array_equal(a.vertices, b.vertices)
    assert not np.array_equal(a.vertices, c.vertices)
    assert a.materials[0].texture.data == b.materials[0].texture.data
    assert a.materials[0].texture.data != c.materials[0].texture.data


def test_the_largest_seed_is_one(sphere, folder, tmp_path):
    settings = replace(QUICK, weights=str(folder), iterations=1, seed=2**63 - 1)
    assert mesh_dream_files(sphere, output=tmp_path / "a.obj", settings=settings)["seed"] == 2**63 - 1


def test_a_run_that_was_killed_goes_on_to_the_same_mesh(sphere, folder, tmp_path):
    whole, stopped = tmp_path / "whole.obj", tmp_path / "stopped.obj"
    settings = replace(QUICK, what="both", weights=str(folder), iterations=60)
    mesh_dream_files(sphere, output=whole, settings=settings)
    command = [PROGRAM, "mesh-dream", sphere, "-o", stopped, "--json", "--device", "cpu", "--amplify"]
    command += ["--what", "both", "--weights", folder, "--iterations", 60, "--views", 2]
    command += ["--texture-size", 64, "--turntable", 0, "--judges", "none"]
    running = subprocess.Popen(
        list(map(str, command)), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    checkpoint = tmp_path / ".stopped.obj.checkpoint"
    for line in running.stdout:
        event = json.loads(line)
        if event.get("event") == "progress" and event["done"] >= 35 and checkpoint.exists():
            running.send_signal(signal.SIGKILL)
            break
    running.communicate(timeout=600)
    assert running.returncode == -signal.SIGKILL
    assert not stopped.exists()
    with pytest.raises(BadInputError, match="--seed was 0"):
        mesh_dream_files(sphere, output=stopped, settings=replace(settings, seed=1), resume=True)
    record = mesh_dream_files(sphere, output=stopped, settings=settings, resume=True)
    assert np.array_equal(read_mesh(stopped).vertices, read_mesh(whole).vertices)
    textures = [read_mesh(path).materials[0].texture.data for path in (stopped, whole)]
    assert textures[0] == textures[1]
    assert mesh_dream_files(sphere, output=stopped, settings=settings, resume=True) == record
    sphere.write_text(sphere.read_text() + "v 0 0 0\n")
    with pytest.raises(BadInputError, match="the mesh changed since the finished run"):
        mesh_dream_files(sphere, output=stopped, settings=settings, resume=True)


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ([], "Nothing to dream of"),
        (["--class", "fountan"], "The nearest are: fountain"),
        (["--amplify", "-o", "a.png"], "a mesh is not written as .png"),
        (["--amplify", "-o", "sphere.obj"], "is read by this run"),
        (["--amplify", "--texture-size", "100"], "a power of two"),
        (["--amplify", "--weights", "vgg99"], "vgg99"),
        (["--amplify", "--cameras", "none.yaml"], "No such file"),
        (["--layer", "blocks 9"], "give MODULE"),
    ],
)
def test_what_cannot_work_is_refused_in_one_line(sphere, tmp_path, capsys, monkeypatch, arguments, why):
    monkeypatch.chdir(tmp_path)
    before = sorted(path.name for path in tmp_path.iterdir())
    output = [] if "-o" in arguments else ["-o", "o.obj"]
    assert run(["mesh-dream", "sphere.obj", *arguments, *output, "--quiet"]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert len(said.err.splitlines()) == 1
    assert why in said.err
    assert sorted(path.name for path in tmp_path.iterdir()) == before


def test_the_course_s_command(sphere, tmp_path):
    script = Path(sysconfig.get_path("scripts")) / "run_2Dto3Ddeepdream.sh"

    def bash(*arguments):
        return subprocess.run(
            ["bash", script, *map(str, arguments)],
            cwd="/",
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )

    done = bash(sphere, "dream.gif", tmp_path / "out", 6)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0] == str(tmp_path / "out" / "dream.obj")
    assert (tmp_path / "out" / "dream.gif").stat().st_size > 0
    record = json.loads((tmp_path / "out" / "dream.run.json").read_text())
    assert record["arguments"]["iterations"] == 2
    assert record["arguments"]["amplify"] is True
    assert bash("a").returncode == bash("a", "b", "c", "many").returncode == 2
