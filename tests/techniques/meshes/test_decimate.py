"""Fewer triangles where someone asks for it, and never otherwise."""

import numpy as np
import pytest
from PIL import Image

from techniques.errors import BadInputError
from techniques.mesh_dream import MeshDreamSettings
from techniques.mesh_dream.job import plan_job as dream_job
from techniques.mesh_fit.job import plan_job as fit_job
from techniques.mesh_fit.settings import FitSettings
from techniques.mesh_style import MeshStyleSettings
from techniques.mesh_style.job import plan_job as style_job
from techniques.meshes import decimate
from techniques.meshes.decimate import reduced
from techniques.meshes.mesh import Mesh
from techniques.meshes.obj_write import write_obj
from techniques.meshes.shapes import icosphere


def test_the_form_stays_where_it_was_far_from_the_origin():
    far = np.array([400_000.0, 5_800_000.0, 100.0])
    ball = Mesh.from_triangles(icosphere(4).vertices + far, icosphere(4).faces, up="z")
    few = reduced(ball, 500)
    assert 400 <= len(few.faces) <= 500
    assert few.up == "z"
    assert np.linalg.norm(few.vertices - far, axis=1) == pytest.approx(1, abs=0.05)
    assert "5,120 triangles were reduced to" in few.repaired[-1]


def test_a_large_mesh_is_left_whole_and_that_is_said(monkeypatch):
    ball = icosphere(2)
    assert reduced(ball, None) is ball
    assert reduced(ball, 320) is ball
    monkeypatch.setattr(decimate, "_MANY", 300)
    whole = reduced(ball, None)
    assert (whole.faces == ball.faces).all()
    assert "320 triangles. Nothing is reduced unless you ask" in whole.repaired[0]


def test_all_three_commands_reduce_when_asked(tmp_path):
    mesh, picture = tmp_path / "ball.obj", tmp_path / "shape.png"
    write_obj(mesh, icosphere(3))
    shape = Image.new("L", (64, 64), 255)
    shape.paste(0, (16, 16, 48, 40))
    shape.save(picture)
    asked = {"output": tmp_path / "out.obj", "resume": False}
    jobs = [
        style_job(mesh, [picture], settings=MeshStyleSettings(faces=200), **asked),
        dream_job(mesh, settings=MeshDreamSettings(classes=("castle",), faces=200), **asked),
        fit_job(mesh, [picture], cameras=(), settings=FitSettings(faces=200), **asked),
    ]
    assert [150 <= len(job.mesh.faces) <= 200 for job in jobs] == [True] * 3
    assert all("1,280 triangles were reduced" in job.mesh.repaired[-1] for job in jobs)


@pytest.mark.parametrize("faces", [0, 3, 10**9])
def test_numbers_that_make_no_mesh_are_refused(faces):
    for settings in (MeshStyleSettings, FitSettings, lambda **one: MeshDreamSettings(amplify=True, **one)):
        with pytest.raises(BadInputError, match=f"--faces {faces}: give a number from 4"):
            settings(faces=faces)
