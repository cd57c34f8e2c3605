"""`deepdesign mesh-fit`, end to end: the installed program, meshes in files, guides in pictures."""

import json
import signal
import subprocess
import sysconfig
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from techniques.cli import run
from techniques.errors import BadInputError
from techniques.mesh_fit import FitSettings, fit_files
from techniques.mesh_fit.guides import read_guide, scaled
from techniques.mesh_fit.job import plan_job
from techniques.mesh_fit.scene import Scene, overlap
from techniques.meshes.read import read_mesh
from techniques.raster.backend import TorchRasteriser
from techniques.raster.cameras import Camera
from techniques.raster.edges import edge_table
from techniques.raster.project import matrices
from tests.techniques.conftest import PROGRAM, one_line
from tests.techniques.mesh_fit.conftest import star

QUICK = FitSettings(size=64, iterations=16, device="cpu", turntable=False)


def seen(path, camera, size=96):
    """The outline of the mesh in ``path``, row 0 on top, through ``camera``: (1, size, size)."""
    mesh = read_mesh(path)
    faces = torch.from_numpy(mesh.faces).int()
    scene = Scene(faces, edge_table(faces), TorchRasteriser())
    vertices = torch.from_numpy(mesh.vertices).float()
    return scene.views(vertices, matrices([camera], vertices), size)[0]


def test_a_sphere_becomes_a_star(sphere, guide, program, tmp_path):
    result = tmp_path / "star.obj"

    done = program(
        "mesh-fit", sphere, guide, "-o", result, "--size", 96, "--iterations", 80, "--json", "--device", "cpu"
    )

    assert done.returncode == 0, done.stderr
    # The sphere is its own unit frame, so the result can be looked at without ours.
    target = torch.from_numpy(scaled(read_guide(guide).mask, 96))[None]
    (found,) = overlap(seen(result, Camera(projection="orthographic")), target)
    assert found > 0.9

    before, after = read_mesh(sphere), read_mesh(result)
    assert np.array_equal(before.faces, after.faces)
    assert len(before.vertices) == len(after.vertices)

    lines = [json.loads(line) for line in done.stdout.splitlines()]
    record = json.loads((tmp_path / "star.run.json").read_text())
    assert lines[-1] == record
    assert [line["done"] for line in lines if line.get("event") == "progress"][-1] == 80
    assert record["command"] == "mesh-fit"
    names = ("star.obj", "star.glb", "star.preview.png", "star.gif", "star.webp", "star.html")
    assert record["results"] == [str(tmp_path / name) for name in names]
    assert all((tmp_path / name).stat().st_size for name in names)
    assert record["metrics"]["health_after"]["euler"] == 2
    assert record["metrics"]["change"]["flipped"] < 0.01 * len(after.faces)
    assert record["device"] == "cpu"
    assert record["rasteriser"]["name"] == "torch"
    assert record["metrics"]["iou_after"][0] > 0.9 > 0.6 > record["metrics"]["iou_before"][0]
    assert record["metrics"]["iou_at_twice_the_size_after"][0] > 0.9
    assert 0.2 < record["metrics"]["held_out_iou_with_the_input"]["least"] < 1
    assert len(record["losses"]["outline"]) == 80
    page = (tmp_path / "star.html").read_text()
    assert "sphere, fitted to star" in page
    assert page.count("data:image/jpeg;base64,") == 4  # the mesh and the guide, before and after
    assert "<model-viewer" in page
    assert "<h2>Network</h2>" not in page


def test_the_mesh_keeps_units_axes_groups_quads_and_what_nobody_uses(pavilion, tmp_path):
    star(outer=0.9, inner=0.7).save(tmp_path / "plan.png")
    result = tmp_path / "out" / "pavilion.obj"
    record = fit_files(
        pavilion, [tmp_path / "plan.png"], cameras=["plan"], output=result, settings=replace(QUICK, up="z")
    )
    before, after = read_mesh(pavilion), read_mesh(result)

    assert after.groups == before.groups
    assert np.array_equal(after.polygons.sizes, before.polygons.sizes)
    assert set(after.polygons.sizes.tolist()) == {4}
    assert np.array_equal(after.polygons.vertices, before.polygons.vertices)
    assert np.array_equal(after.vertices[0], before.vertices[0])  # the vertex without a face
    moves = np.abs(after.vertices - before.vertices).max(0)
    assert moves[:2].max() > 20 > moves[2]  # mm; a plan says little about heights
    # Corners that lay at one place still do: no seam opened.
    _, first, inverse = np.unique(before.vertices[1:], axis=0, return_index=True, return_inverse=True)
    assert np.array_equal(after.vertices[1:][first][inverse.ravel()], after.vertices[1:])
    assert record["metrics"]["planes"] == 6
    assert record["metrics"]["lines"] == 12
    assert record["metrics"]["iou_after"][0] > record["metrics"]["iou_before"][0]


def test_several_guides_pull_together(sphere, tmp_path):
    star(outer=0.9, inner=0.6).save(tmp_path / "a.png")
    star(outer=0.7, inner=0.7).save(tmp_path / "b.png")
    (tmp_path / "views.yaml").write_text("- elevation-front\n- {view: plan}\n")
    arguments = ["mesh-fit", sphere, tmp_path / "a.png", tmp_path / "b.png", "-o", tmp_path / "out"]
    arguments += [
        "--cameras",
        tmp_path / "views.yaml",
        "--size",
        64,
        "--iterations",
        48,
        "--quiet",
        "--no-turntable",
    ]
    assert run(list(map(str, arguments))) == 0
    metrics = json.loads((tmp_path / "out" / "run.json").read_text())["metrics"]
    assert min(metrics["iou_after"]) > 0.85
    assert max(metrics["iou_before"]) < 0.75
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "report.html",
        "result.glb",
        "result.obj",
        "result.preview.png",
        "run.json",
    ]


def test_shading_dents_what_an_outline_cannot_see(sphere, tmp_path):
    """A guide lit like a sphere with a dent: the outline stays, and the picture's correlation rises."""
    size = 128
    y, x = np.mgrid[1 : -1 : size * 1j, -1 : 1 : size * 1j] * 1.1
    z = np.sqrt(np.clip(1 - x**2 - y**2, 0, None))
    normal = np.stack([x, y, z], -1) + np.exp(-8 * (x**2 + y**2))[..., None] * np.stack(
        [-3 * x, -3 * y, z], -1
    )
    normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
    light = 0.25 + 0.5 * np.abs(normal @ (np.array([-0.5, 0.5**0.5, 0.5])))
    picture = np.where(x**2 + y**2 < 1, light * 0.6, 1.0)
    Image.fromarray((picture * 255).astype("uint8")).save(tmp_path / "dent.png")
    settings = replace(QUICK, iterations=24, shading=0.3, threshold=0.9)
    record = fit_files(sphere, [tmp_path / "dent.png"], output=tmp_path / "out.obj", settings=settings)
    assert record["losses"]["shading"][-1] < 0.7 * record["losses"]["shading"][0]
    assert record["metrics"]["iou_after"][0] > 0.97


def test_align_brings_the_guide_to_the_mesh(sphere, tmp_path):
    star(400, outer=0.3, inner=0.3).rotate(0, translate=(90, -60), fillcolor=255).save(tmp_path / "off.png")
    record = fit_files(
        sphere, [tmp_path / "off.png"], output=tmp_path / "o.obj", settings=replace(QUICK, align=True)
    )
    assert record["metrics"]["iou_before"][0] > 0.75
    assert record["guides"][0]["read_as"] == "dark on light, aligned"
    plain = fit_files(sphere, [tmp_path / "off.png"], output=tmp_path / "p.obj", settings=QUICK)
    assert plain["metrics"]["iou_before"][0] < 0.2


def test_a_glb_comes_out_where_it_is_asked_for(sphere, guide, tmp_path):
    record = fit_files(sphere, [guide], output=tmp_path / "a.glb", settings=replace(QUICK, iterations=4))
    assert record["results"][0] == str(tmp_path / "a.glb")
    assert read_mesh(tmp_path / "a.glb").faces.shape == read_mesh(sphere).faces.shape


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_a_run_that_was_stopped_goes_on_to_the_same_mesh(how, sphere, guide, tmp_path):
    whole, stopped = tmp_path / "whole.obj", tmp_path / "stopped.obj"
    settings = replace(QUICK, iterations=80)
    fit_files(sphere, [guide], output=whole, settings=settings)
    command = [PROGRAM, "mesh-fit", sphere, guide, "-o", stopped, "--json", "--device", "cpu"]
    command += ["--size", 64, "--iterations", 80, "--no-turntable"]
    running = subprocess.Popen(
        list(map(str, command)), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    checkpoint = tmp_path / ".stopped.obj.checkpoint"
    for line in running.stdout:
        event = json.loads(line)
        far = event.get("event") == "progress" and event["done"] >= 25
        if far and (how != signal.SIGKILL or checkpoint.exists()):
            running.send_signal(how)
            break
    _, errors = running.communicate(timeout=600)
    assert running.returncode == (-signal.SIGKILL if how == signal.SIGKILL else 130), errors
    assert checkpoint.exists()
    assert not stopped.exists()

    def again(chosen):
        return fit_files(sphere, [guide], output=stopped, settings=chosen, resume=True)

    with pytest.raises(BadInputError, match=r"--stiffness was 19\.0"):
        again(replace(settings, stiffness=5.0))
    record = again(settings)
    assert stopped.read_bytes() == whole.read_bytes()
    assert not checkpoint.exists()
    assert record["losses"] == json.loads((tmp_path / "whole.run.json").read_text())["losses"]
    assert again(settings) == record
    Image.open(guide).transpose(Image.Transpose.FLIP_TOP_BOTTOM).save(guide)
    with pytest.raises(BadInputError, match="the guides changed since the finished run"):
        again(settings)


def test_a_run_that_was_killed_while_it_wrote_is_resumed_or_repeated(sphere, guide, tmp_path):
    whole, killed = tmp_path / "whole.obj", tmp_path / "killed.obj"
    settings = FitSettings(size=64, iterations=8, device="cpu")
    fit_files(sphere, [guide], output=whole, settings=replace(settings, turntable=False))
    command = [PROGRAM, "mesh-fit", sphere, guide, "-o", killed, "--size", 64, "--iterations", 8]
    running = subprocess.Popen([*map(str, command), "--device", "cpu"], stderr=subprocess.DEVNULL)
    while not killed.with_suffix(".glb").exists():
        assert running.poll() is None, "it ended before it could be killed"
        time.sleep(0.01)
    running.kill()
    running.wait()
    assert killed.exists()
    assert not killed.with_suffix(".run.json").exists()

    plan_job(sphere, [guide], cameras=[], output=killed, settings=settings, resume=False)
    record = fit_files(sphere, [guide], output=killed, settings=settings, resume=True)
    assert killed.read_bytes() == whole.read_bytes()
    assert record["losses"] == json.loads((tmp_path / "whole.run.json").read_text())["losses"]
    assert not (tmp_path / ".killed.obj.checkpoint").exists()


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (["-o", "a.png"], "a mesh is not written as .png"),
        (["-o", "sphere.obj"], "is read by this run and would be lost"),
        (["--camera", "frnt"], "--camera frnt: a camera is a name"),
        (["--camera", "front", "--camera", "plan"], "2 cameras for 1 guides"),
        (["--camera", "front", "--cameras", "none.yaml"], "both given"),
        (["--cameras", "none.yaml"], "No such file"),
        (["--size", "8"], "give 32 to 2048 pixels"),
        (["--iterations", "0"], "at least one step"),
        (["--step", "nan"], "--step nan"),
        (["--stiffness", "-1"], "--stiffness -1.0"),
        (["--threshold", "1"], "between 0 and 1"),
        (["--light", "3"], "two angles"),
    ],
)
def test_what_cannot_work_is_refused_in_one_line(sphere, guide, tmp_path, capsys, monkeypatch, change, why):
    monkeypatch.chdir(tmp_path)
    before = sorted(path.name for path in tmp_path.iterdir())
    assert (
        run(["mesh-fit", "sphere.obj", "star.png", *(["-o", "o.obj"] if "-o" not in change else []), *change])
        == 2
    )
    said = capsys.readouterr()
    assert said.out == ""
    assert len(said.err.splitlines()) == 1
    assert why in said.err
    assert sorted(path.name for path in tmp_path.iterdir()) == before


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("v 0 0 0\nv 1 0 0\n", "face"),
        ("v nan 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n", "not a point"),
        ("", "empty"),
    ],
)
def test_meshes_that_cannot_be_used_are_refused(guide, program, tmp_path, content, why):
    (tmp_path / "bad.obj").write_text(content)
    said = one_line(program("mesh-fit", tmp_path / "bad.obj", guide, "-o", tmp_path / "out.obj"), status=2)
    assert "bad.obj" in said
    assert why in said
    assert not (tmp_path / "out.obj").exists()


def test_too_many_guides_need_cameras(sphere, guide, tmp_path):
    with pytest.raises(BadInputError, match="6 guides need their cameras"):
        fit_files(sphere, [guide] * 6, output=tmp_path / "o.obj", settings=QUICK)
    with pytest.raises(BadInputError, match="At least one guide"):
        fit_files(sphere, [], output=tmp_path / "o.obj", settings=QUICK)


def test_the_course_s_command(sphere, guide, tmp_path):
    script = Path(sysconfig.get_path("scripts")) / "run_2Dto3Dvertexoptimization.sh"
    done = subprocess.run(
        ["bash", script, sphere, guide, "result.gif", tmp_path / "out", "4"],
        cwd="/",
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0] == str(tmp_path / "out" / "result.obj")
    assert "iterations  4" in done.stderr
    record = json.loads((tmp_path / "out" / "result.run.json").read_text())
    # A sphere's bounding box touches it: the course's distance is ours.
    assert record["cameras"][0]["azimuth"] == 90
    assert record["cameras"][0]["distance"] == pytest.approx(2.732, rel=0.01)

    few = subprocess.run(["bash", script, "a"], capture_output=True, text=True, timeout=60, check=False)
    assert few.returncode == 2
    assert "Usage: bash" in few.stderr
