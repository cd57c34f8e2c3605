import json
import re
import shutil
import signal
import subprocess
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from techniques.cli import run
from techniques.errors import BadInputError
from techniques.mesh_style import MeshStyleSettings, mesh_style_files
from techniques.mesh_style.cameras import cameras_of_step
from techniques.mesh_style.command import mesh_style
from techniques.mesh_style.paint import Paint, colour_axes
from techniques.mesh_style.statistics import views_moments
from techniques.mesh_style.stylize import Work, judged, stylize
from techniques.meshes import outputs
from techniques.meshes.primed import primed
from techniques.meshes.read import read_mesh
from techniques.meshes.shapes import icosphere
from techniques.optimise import Verdict
from techniques.pictures import Picture, read_picture
from techniques.raster.backend import TorchRasteriser
from techniques.raster.cameras import Camera
from techniques.raster.views import read_cameras
from techniques.textures import gram
from techniques.weights import entry_named
from tests.techniques.conftest import PROGRAM

TINY = MeshStyleSettings(
    size=64, views=2, texture_size=64, iterations=6, precision="float32", up="z", turntable=2,
    style_layers=("relu1_1", "relu2_1"), content_layers=("relu2_2",),
)  # fmt: skip
FLAGS = [
    "--size",
    "64",
    "--views",
    "2",
    "--texture-size",
    "64",
    "--precision",
    "float32",
    "--up",
    "z",
    "--device",
    "cpu",
    "--style-layers",
    "relu1_1,relu2_1",
    "--content-layers",
    "relu2_2",
]


@pytest.fixture(scope="module")
def ball():
    return primed(icosphere(2), 64)


@pytest.fixture
def work(ball, network, stripes):
    return Work(
        ball.surface, ball.base, [read_picture(stripes)], network, TorchRasteriser(), seams=ball.seams
    )


def test_painting_brings_views_from_everywhere_nearer_to_the_style(work):
    styled = stylize(work, replace(TINY, iterations=12, content_weight=0.5))
    before = judged(work, work.surface, work.base, TINY)
    after = judged(work, work.surface, styled.texture, TINY)
    assert after["style"] < 0.6 * before["style"]
    assert len(styled.history["style"]) == 12
    assert styled.history["style"][-1] < styled.history["style"][0]
    assert torch.equal(styled.vertices, work.surface.vertices)
    # Green and violet have come.
    assert styled.texture.std((0, 1)).min() > 0.01


@pytest.mark.parametrize("what", ["geometry", "both"])
def test_a_form_changes_smoothly_and_faces_do_not_flip(work, what):
    styled = stylize(work, replace(TINY, what=what, iterations=6, content_weight=0.1))
    way = (styled.vertices - work.surface.vertices).norm(dim=1)
    assert way.max() > 1e-3
    corners = styled.vertices[work.surface.faces.long()]
    normals = torch.linalg.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    assert ((normals * corners.mean(1)).sum(1) > 0).float().mean() > 0.99
    assert torch.equal(styled.texture, work.base) == (what == "geometry")
    assert len(styled.history["style"]) == 6


@pytest.mark.parametrize("what", ["texture", "both"])
def test_an_interrupted_run_goes_on_to_the_same_texels_and_vertices(work, what):
    settings = replace(TINY, what=what, iterations=4)
    states = []
    whole = stylize(
        work, settings, callbacks=[lambda step: states.append(_copied(step.state())) or Verdict.GO_ON]
    )
    for state in states[:3]:
        again = stylize(work, settings, state=_copied(state))
        assert torch.equal(again.texture, whole.texture)
        assert torch.equal(again.vertices, whole.vertices)
        assert again.history == whole.history


def _copied(value):
    if isinstance(value, torch.Tensor):
        return value.clone()
    if isinstance(value, dict):
        return {key: _copied(item) for key, item in value.items()}
    return [_copied(item) for item in value] if isinstance(value, list) else value


def test_a_style_weight_of_nothing_changes_nothing(work):
    styled = stylize(work, replace(TINY, style_weight=0.0, what="both"))
    assert torch.equal(styled.texture, work.base)
    assert torch.equal(styled.vertices, work.surface.vertices)


def test_statistics_of_views_are_those_of_their_surface_alone():
    random = torch.Generator().manual_seed(0)
    features = torch.rand(2, 5, 8, 8, generator=random)
    mask = torch.zeros(2, 1, 16, 16)
    mask[0, :, :8] = 1
    mask[1, :, :, 4:] = 1
    inside = torch.cat([features[0, :, :4].flatten(1), features[1, :, :, 2:].flatten(1)], dim=1)
    found = views_moments({"x": features}, mask, ["x"])["x"]
    assert torch.allclose(found.products, inside @ inside.T / inside.shape[1], atol=1e-5)
    assert torch.allclose(found.mean, inside.mean(1), atol=1e-5)
    full = views_moments({"x": features[:1]}, torch.ones(1, 1, 16, 16), ["x"])["x"]
    assert torch.allclose(full.products, gram(features[:1]), atol=1e-5)


def test_colours_run_on_over_the_seams(work):
    settings = replace(TINY, iterations=24, content_weight=0.0)
    drawn_together, apart = stylize(work, settings), stylize(replace(work, seams=None), settings)
    assert work.seams.step(drawn_together.texture) < 0.5 * work.seams.step(apart.texture)
    assert drawn_together.history["style"][-1] < 1.2 * apart.history["style"][-1]


def test_texels_that_nothing_touched_keep_their_colour_to_the_last_bit():
    base = torch.rand(64, 64, 3)
    base[0, 0] = torch.tensor([0.0, 1.0, 0.0])
    paint = Paint(base)
    parameters = paint.parameters()
    assert torch.equal(paint.finished(parameters), base)
    parameters["texels 1"][0, :, 32, 32] = 1
    changed = (paint.finished(parameters) != base).any(-1)
    assert changed.sum() == 1
    assert changed[32, 32]


def test_colours_change_along_those_of_the_style():
    ramp = np.linspace(0, 1, 64, dtype=np.float32)[:, None, None] * np.array([1, 0.5, 0.25], np.float32)
    axes = colour_axes([Picture(np.repeat(ramp, 64, 1))])
    lengths = axes.norm(dim=0) / 3**0.5
    assert torch.allclose(lengths.sort().values, torch.tensor([0.15, 0.15, 1.0]), atol=1e-3)
    longest = axes[:, lengths.argmax()] / 3**0.5
    assert (longest @ torch.tensor([1, 0.5, 0.25])).abs() == pytest.approx(1.3125**0.5, rel=1e-4)
    of_one_colour = colour_axes([Picture(np.full((64, 64, 3), 0.5, np.float32))])
    assert torch.allclose(of_one_colour.norm(dim=0), torch.full((3,), 3**0.5))

    paint = Paint(torch.full((32, 32, 3), 0.5), axes)
    parameters = {name: torch.randn_like(value) * 0.01 for name, value in paint.parameters().items()}
    moved = paint.colors(parameters).sub(0.5).view(-1, 3)
    along = moved @ longest
    assert (moved - along[:, None] * longest).norm() < 0.3 * moved.norm()


def test_cameras_are_the_same_for_the_same_step_and_surround_the_mesh():
    first, again = (cameras_of_step(3, 0, 7, 4, ()) for _ in range(2))
    assert first == again
    assert first != cameras_of_step(3, 0, 8, 4, ())
    around = sorted(camera.azimuth for camera in first)
    assert np.diff(around) == pytest.approx([90, 90, 90])
    given = [Camera(azimuth=10.0 * k) for k in range(3)]
    assert [c.azimuth for c in cameras_of_step(0, 0, 1, 2, given)] == [20, 0]


def test_a_house_comes_back_painted_in_its_own_place_with_its_own_polygons(house, stripes, tmp_path, weights):
    out = tmp_path / "out" / "painted.obj"
    record = mesh_style_files(house, stripes, output=out, settings=replace(TINY, iterations=3))
    before, after = read_mesh(house), read_mesh(out)
    assert after.vertices.tobytes() == before.vertices.tobytes()
    assert after.polygons.sizes.tolist() == before.polygons.sizes.tolist()
    assert (after.polygons.vertices == before.polygons.vertices).all()
    assert [after.groups[k] for k in after.polygons.groups] == [
        before.groups[k] for k in before.polygons.groups
    ]
    assert [material.name for material in after.materials] == ["Beton", "Putz", "Ziegel"]
    assert after.has_uvs
    (texture,) = {material.texture for material in after.materials}
    assert texture is not None
    assert texture.name == "painted.png"
    with Image.open(out.with_suffix(".png")) as picture:
        assert picture.size == (64, 64)
        assert np.asarray(picture).std() > 3
    names = {"painted.obj", "painted.mtl", "painted.png", "painted.glb", "painted.gif", "painted.webp",
             "painted.preview.png", "painted.html"}  # fmt: skip
    assert {path.rsplit("/", 1)[1] for path in record["results"]} == names
    assert {path.name for path in out.parent.iterdir()} == names | {"painted.run.json"}
    assert record == json.loads(out.with_suffix(".run.json").read_text())
    assert record["metrics"]["style"] < record["metrics"]["style_before"]
    assert record["health"]["before"] == record["health"]["after"]
    assert record["health"]["after"]["closed"]
    assert record["rasteriser"]["name"] == "torch"
    assert record["weights"]["credit"] == entry_named(record["weights"]["name"]).credit
    page = out.with_suffix(".html").read_text()
    assert len(re.findall(r'id="model-(?:before|after)">Z2xURg', page)) == 2  # glTF, in base64


def test_only_form_leaves_the_file_s_materials_alone(house, stripes, tmp_path, weights):
    out = tmp_path / "formed.glb"
    record = mesh_style_files(
        house, stripes, output=out, settings=replace(TINY, what="geometry", iterations=2)
    )
    after = read_mesh(out)
    assert sorted(material.name for material in after.materials) == ["Beton", "Putz", "Ziegel"]
    assert record["health"]["change"]["moved"] > 0
    assert not (tmp_path / "formed.obj").exists()


def test_fewer_triangles_only_when_asked_for(stripes, tmp_path, weights):
    sphere = icosphere(4)
    from techniques.meshes.obj_write import write_obj

    write_obj(tmp_path / "ball.obj", sphere)
    record = mesh_style_files(
        tmp_path / "ball.obj", stripes, output=tmp_path / "few.obj",
        settings=replace(TINY, iterations=1, faces=400, texture_size=256),
    )  # fmt: skip
    assert any("5,120 triangles were reduced" in line for line in record["repaired"])
    assert 300 <= len(read_mesh(tmp_path / "few.obj").faces) <= 400


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["none.obj", "STYLE"], "none.obj does not exist"),
        (["HOUSE", "none.png"], "none.png does not exist"),
        (["HOUSE", "HOUSE"], "not a picture"),
        (["STYLE", "STYLE"], "meshes are read from"),
        (["HOUSE", "tiny.png"], "a style needs at least 32"),
        (["curves.obj", "STYLE"], "has no faces"),
        (["nan.obj", "STYLE"], "is not a point"),
        (["HOUSE", "STYLE", "-o", "x.png"], "a mesh is not written as .png"),
        (["HOUSE", "STYLE", "-o", "HOUSE"], "house.obj is read by this run"),
        (["HOUSE", "mine.preview.png", "-o", "mine.obj"], "mine.preview.png is read by this run"),
        (["HOUSE", "STYLE", "--texture-size", "1000"], "a power of two"),
        (["HOUSE", "STYLE", "--blend", "1,2"], "2 shares for 1"),
        (["HOUSE", "STYLE", "--weights", "none"], "none"),
        (["HOUSE", "STYLE", "--cameras", "none.yaml"], "none.yaml cannot be read"),
        (["HOUSE", "STYLE", "--size", "8"], "--size 8"),
        (["HOUSE", "STYLE", "-o", "taken.obj"], "taken.png is there"),
    ],
)
def test_what_cannot_work_is_refused_in_one_line(
    arguments, reason, house, stripes, tmp_path, monkeypatch, capfd
):
    monkeypatch.chdir(tmp_path)
    Image.new("RGB", (8, 8)).save("tiny.png")
    (tmp_path / "curves.obj").write_text("v 0 0 0\nv 1 0 0\nl 1 2\n")
    (tmp_path / "nan.obj").write_text("v 0 0 nan\nv 1 0 0\nv 0 1 0\nf 1 2 3\n")
    (tmp_path / "taken.png").write_bytes(b"my photograph")
    shutil.copy(stripes, tmp_path / "mine.preview.png")
    before = sorted(tmp_path.rglob("*"))
    words = [{"HOUSE": str(house), "STYLE": str(stripes)}.get(word, word) for word in arguments]
    assert run(["mesh-style", *words]) == 2
    said = capfd.readouterr()
    assert said.out == ""
    assert len(said.err.splitlines()) == 1
    assert reason in said.err
    assert sorted(tmp_path.rglob("*")) == before


def test_a_killed_run_is_taken_up_again_to_the_same_mesh(house, stripes, tmp_path, weights, capfd):
    command = [PROGRAM, "mesh-style", house, stripes, *FLAGS, "--iterations", "30"]
    killed, whole = tmp_path / "killed.obj", tmp_path / "whole.obj"
    checkpoint = tmp_path / ".killed.obj.checkpoint"
    running = subprocess.Popen([*command, "-o", killed], stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 300
    while not checkpoint.exists():
        assert running.poll() is None, "it ended before its first checkpoint"
        assert time.monotonic() < deadline
        time.sleep(0.02)
    running.send_signal(signal.SIGKILL)
    running.wait()
    assert not killed.exists()
    resumed = subprocess.run(
        [*command, "-o", killed, "--resume"], capture_output=True, text=True, timeout=500, check=True
    )
    assert "Going on behind step" in resumed.stderr
    mesh_style_files(
        house, stripes, output=whole, settings=replace(TINY, iterations=30, turntable=0, device="cpu")
    )
    assert killed.with_suffix(".png").read_bytes() == whole.with_suffix(".png").read_bytes()
    assert not checkpoint.exists()
    assert run([*map(str, command[1:]), "-o", str(killed), "--resume", "--seed", "9"]) == 2
    assert "seed" in capfd.readouterr().err


@pytest.mark.parametrize("changes", [{"iterations": 3}, {"style_weight": 0.0}])
def test_a_run_stopped_while_it_writes_is_repeated_or_resumed(
    changes, house, stripes, tmp_path, weights, monkeypatch
):
    out = tmp_path / "painted.obj"
    settings = replace(TINY, device="cpu", **changes)

    def stopped(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(outputs, "save_turntable", stopped)
        for _ in range(2):
            with pytest.raises(KeyboardInterrupt):
                mesh_style_files(house, stripes, output=out, settings=settings)
            assert out.with_suffix(".png").exists()
            assert not out.with_suffix(".run.json").exists()
    painted = out.with_suffix(".png").read_bytes()
    record = mesh_style_files(house, stripes, output=out, settings=settings, resume=True)
    assert record["metrics"]["steps"] == changes.get("iterations", 0)
    assert out.with_suffix(".png").read_bytes() == painted
    assert not (tmp_path / ".painted.obj.checkpoint").exists()
    Image.open(stripes).rotate(90).save(stripes)
    with pytest.raises(BadInputError, match="the styles changed since the finished run"):
        mesh_style_files(house, stripes, output=out, settings=settings, resume=True)


def test_the_course_s_command_says_what_it_understood(house, stripes, tmp_path):
    from techniques import cli

    script = f"{cli.__file__.removesuffix('cli.py')}scripts/run_2Dto3Dstyletransfer.sh"
    folder = tmp_path / "bin"
    folder.mkdir()
    # Beside a program that only says what it was called with.
    shutil.copy(script, folder)
    (folder / "deepdesign").write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    (folder / "deepdesign").chmod(0o755)
    called = ["bash", folder / "run_2Dto3Dstyletransfer.sh", house, stripes, "my house.gif", tmp_path / "o"]
    done = subprocess.run([*called, "1.0", "2e9", "1000"], capture_output=True, text=True, check=True)
    words = done.stdout.splitlines()
    assert words[:3] == ["mesh-style", "-o", f"{tmp_path}/o/my house.obj"]
    assert words[words.index("--style-weight") + 1] == "1.0"
    assert float(words[words.index("--content-weight") + 1]) == MeshStyleSettings().content_weight
    assert int(words[words.index("--iterations") + 1]) == MeshStyleSettings().iterations
    assert words[-2:] == [str(house), str(stripes)]
    assert "what changes     form and colours" in done.stderr
    half = subprocess.run([*called, "2", "1e9", "500"], capture_output=True, text=True, check=True).stdout
    assert "2.5" in half.split()
    assert "100" in half.split()
    for wrong in (["1.0", "2e9"], ["one", "2e9", "1000"]):
        assert subprocess.run([*called, *wrong], capture_output=True, check=False).returncode == 2


def test_what_the_docs_show_is_so(tmp_path):
    docs = (Path(__file__).parents[3] / "docs" / "meshes.md").read_text()
    (block,) = re.findall(r"```yaml\n(.*?)```", docs, re.DOTALL)
    (tmp_path / "cameras.yaml").write_text(block)
    cameras = read_cameras(tmp_path / "cameras.yaml")
    assert [(camera.azimuth, camera.elevation) for camera in cameras] == [(0, 0), (45, 20), (120, 35)]
    rows = re.search(r"## `deepdesign mesh-style`(.*?)### What it leaves", docs, re.DOTALL)
    assert rows is not None
    known = {
        option for parameter in mesh_style.params for option in (*parameter.opts, *parameter.secondary_opts)
    }
    shown = set(re.findall(r"`(?:[^`]*?)(--[a-z-]+)", rows[1]))
    assert shown
    assert shown <= known
    assert {option for option in known if option.startswith("--")} <= shown | {"--output", "--debug"}
    for field, default in (("iterations", "200"), ("texture_size", "1024"), ("turntable", "36")):
        assert f"| {getattr(MeshStyleSettings(), field)} |" == f"| {default} |"
        assert f"| {default} |" in rows[1]
