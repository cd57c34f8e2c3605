import json
from contextlib import nullcontext
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from techniques.checkpoints import Checkpointer
from techniques.errors import BadInputError
from techniques.meshes.atlas import atlas_for
from techniques.meshes.bake import encoded
from techniques.meshes.changed import save_changed
from techniques.meshes.mesh import Map, Material, Mesh, Texture
from techniques.meshes.outputs import outputs_at, refuse_losses, save_outputs
from techniques.meshes.primed import primed
from techniques.meshes.read import read_mesh
from techniques.meshes.render import corner_normals
from techniques.meshes.shapes import box, icosphere
from techniques.meshes.triangles import polygons_of
from techniques.meshes.turntable import Look, frames, look_of, preview, save_turntable
from techniques.runs import MESH, place_for


def painted(color):
    mesh = box()
    return replace(
        mesh,
        polygons=polygons_of(mesh.faces, materials=np.zeros(12, dtype=np.int64)),
        materials=(Material("paint", color),),
    )


def test_a_run_leaves_the_mesh_its_pictures_and_what_a_report_shows(tmp_path):
    place = place_for(tmp_path / "house.obj", kind=MESH)
    before, after = painted((1.0, 0.1, 0.1)), painted((0.1, 1.0, 0.1))
    saved = save_outputs(place, before, after, texels=128, picture=(96, 72), turns=0)
    assert {path.name for path in saved.results} == {
        "house.obj",
        "house.mtl",
        "house.glb",
        "house.preview.png",
    }
    assert all(path.exists() for path in saved.results)
    assert (read_mesh(tmp_path / "house.obj").vertices == after.vertices).all()
    assert saved.models.after == (tmp_path / "house.glb").read_bytes()
    middle = [picture.rgb[36, 48].argmax() for picture in (saved.before, saved.after)]
    assert middle == [0, 1]


def test_a_turntable_turns_and_comes_back_to_its_beginning(tmp_path):
    mesh = atlas_for(box((2, 1, 1)), 64).mesh
    look = look_of(mesh, mesh, 64)
    assert isinstance(look, Look)
    pictures = frames(look, 8, 48)
    save_turntable(pictures, tmp_path / "a.gif", tmp_path / "a.webp")
    for name in ("a.gif", "a.webp"):
        with Image.open(tmp_path / name) as film:
            assert film.n_frames == 8
            assert film.info["loop"] == 0
            film.seek(2)
            second = np.asarray(film.convert("RGB"), dtype=float)
        assert np.abs(second - np.asarray(pictures[2], dtype=float)).mean() < 12
        assert np.abs(second - np.asarray(pictures[0], dtype=float)).mean() > 3
    assert preview(look, (40, 30)).size == (40, 30)


def rounded(mesh, sign=1.0):
    """A ball whose file says that it is round; ``sign`` -1: its normals point inwards."""
    polygons = replace(mesh.polygons, normals=mesh.polygons.vertices.copy())
    return replace(mesh, polygons=polygons, normals=sign * mesh.vertices)


def test_a_coarse_ball_with_normals_is_shaded_like_a_fine_one():
    def seen(mesh):
        drawn = atlas_for(mesh, 128).mesh
        return preview(look_of(mesh, drawn, 128), (96, 96)).rgb[30:66, 30:66, 0]

    fine, coarse = seen(icosphere(5)), icosphere(2)
    facets = np.abs(seen(coarse) - fine).mean()
    for sign in (1.0, -1.0):
        assert np.abs(seen(rounded(coarse, sign)) - fine).mean() < facets / 4


def test_normals_turn_with_the_axes_of_the_file_and_corners_without_one_are_flat():
    mesh = rounded(icosphere(1))
    lying = corner_normals(replace(mesh, up="z"))
    assert torch.equal(lying[..., 1], corner_normals(mesh)[..., 2])
    some = mesh.polygons.normals.copy()
    some[:3] = -1
    normals = corner_normals(replace(mesh, polygons=replace(mesh.polygons, normals=some)))
    assert (normals[0] == normals[0, 0]).all()
    assert not (normals[1] == normals[1, 0]).all()
    assert corner_normals(icosphere(1)) is None


def test_the_walls_of_a_white_house_can_be_told_apart():
    house = painted((1.0, 1.0, 1.0))
    picture = preview(look_of(house, atlas_for(house, 64).mesh, 64), (96, 96)).rgb[..., 0]
    roof, left, right = picture[24, 48], picture[56, 34], picture[56, 72]
    assert roof > left + 0.1
    assert left > right + 0.1


def test_a_stranger_s_file_is_not_written_over_and_an_own_one_is(tmp_path):
    place = place_for(tmp_path / "house.obj", kind=MESH)
    refuse_losses(place, [])
    (tmp_path / "house.png").write_bytes(b"my photograph")
    with pytest.raises(BadInputError, match=r"house\.png is there"):
        refuse_losses(place, [])
    place.record.write_text(json.dumps({"results": [str(path) for path in outputs_at(place).files()]}))
    refuse_losses(place, [])


@pytest.mark.parametrize("name", ["house.obj", "house.png", "house.glb", "house.webp", "house.preview.png"])
def test_a_result_that_is_read_again_is_not_written_over(name, tmp_path):
    place = place_for(tmp_path / "house.obj", kind=MESH)
    place.record.write_text(json.dumps({"results": [str(path) for path in outputs_at(place).files()]}))
    (tmp_path / name).write_bytes(b"made before")
    (tmp_path / "link").symlink_to(name)
    with pytest.raises(BadInputError, match=f"{name} is read by this run"):
        refuse_losses(place, [tmp_path / "other.png", tmp_path / "link"])


@pytest.mark.parametrize(
    ("settings", "ended", "own"),
    [
        ({"--what": "texture"}, True, True),
        ({"--what": "texture"}, False, False),  # stopped before it wrote anything
        ({"--what": "geometry"}, True, False),
        ({}, True, False),
    ],
)
def test_files_of_a_run_that_was_stopped_while_it_wrote_are_its_own(settings, ended, own, tmp_path):
    place = place_for(tmp_path / "house.obj", kind=MESH)
    Checkpointer(place.checkpoint, settings).keep({"number": 1}, ended=ended)
    (tmp_path / "house.png").write_bytes(b"the texture")
    with nullcontext() if own else pytest.raises(BadInputError, match=r"house\.png is there"):
        refuse_losses(place, [])


@pytest.mark.parametrize("kept", [True, False])
def test_a_painted_mesh_keeps_the_pictures_that_fit_it_and_the_others_are_told(kept, tmp_path):
    corners = [[0, 0], [1, 0], [1, 1], [0, 1]]
    mesh = Mesh.from_triangles([[x, y, 0] for x, y in corners], [[0, 1, 2], [0, 2, 3]], uvs=corners)
    relief, old = Texture("relief.png", b"relief"), encoded(torch.zeros(4, 4, 3), "old.png")
    maps = (Map("map_Bump -bm 0.3", relief), Map("map_Ka", old), Map("map_Kd gone.png"))
    polygons = replace(mesh.polygons, materials=np.zeros(2, dtype=np.int64))
    material = Material("wall", texture=old, texture_options="-s 2 2", maps=maps)
    mesh = replace(mesh, uvs=mesh.uvs * (1 if kept else 2), polygons=polygons, materials=(material,))
    ground = primed(mesh, 64)
    after, _ = save_changed(
        place_for(tmp_path / "a.obj", kind=MESH), ground,
        vertices=ground.surface.vertices, texture=torch.ones(64, 64, 3), what="texture", turns=0,
    )  # fmt: skip
    (only,) = after.materials
    assert only.maps == maps[: 1 if kept else 0]
    assert only.texture.name == "a.png"
    assert only.texture_options == ""
    assert (tmp_path / "relief.png").exists() == kept
    (line,) = ground.losses()
    assert ("2 further pictures" if kept else "3 further pictures") in line
    assert ("map_bump" in line) != kept
    assert primed(painted((1.0, 1.0, 1.0)), 64).losses() == ()
