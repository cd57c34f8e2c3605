import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from techniques.errors import BadInputError
from techniques.meshes.atlas import atlas_for
from techniques.meshes.mesh import Material
from techniques.meshes.outputs import outputs_at, refuse_strangers, save_outputs
from techniques.meshes.read import read_mesh
from techniques.meshes.shapes import box
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


def test_a_stranger_s_file_is_not_written_over_and_an_own_one_is(tmp_path):
    place = place_for(tmp_path / "house.obj", kind=MESH)
    refuse_strangers(place)
    (tmp_path / "house.png").write_bytes(b"my photograph")
    with pytest.raises(BadInputError, match=r"house\.png is there"):
        refuse_strangers(place)
    place.record.write_text(json.dumps({"results": [str(path) for path in outputs_at(place).files()]}))
    refuse_strangers(place)
