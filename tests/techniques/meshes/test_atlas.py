import io
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from techniques.meshes import atlas as atlas_module
from techniques.meshes.atlas import atlas_for, uv_quality
from techniques.meshes.bake import PLAIN, baked, decoded, encoded
from techniques.meshes.glb_write import write_glb
from techniques.meshes.light import Light
from techniques.meshes.mesh import Material, Mesh, Texture
from techniques.meshes.read import read_mesh
from techniques.meshes.render import render, surface_of
from techniques.meshes.shapes import box, icosphere
from techniques.meshes.texels import dilated, texels
from techniques.meshes.triangles import polygons_of
from techniques.raster.cameras import Camera, orbit

WHITE = torch.ones(3)


def square(uvs) -> Mesh:
    points = [[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]]
    return Mesh.from_triangles(points, [[0, 1, 2], [0, 2, 3]], uvs=uvs)


def of(mesh, size):
    return texels(torch.from_numpy(mesh.uvs), torch.from_numpy(mesh.uv_faces), size)


UNIT = np.array([[0.0, 0], [1, 0], [1, 1], [0, 1]])


@pytest.mark.parametrize(
    ("mesh", "reason"),
    [
        (square(UNIT), None),
        (square(UNIT * 0.4 + 0.1), None),
        (square(UNIT * 3), "repeat"),
        (square(UNIT * [1, 0]), "no area"),
        (Mesh.from_triangles(square(UNIT).vertices, [[0, 1, 2], [0, 2, 3]]), "has none"),
        (
            Mesh.from_triangles(
                square(UNIT).vertices, [[0, 1, 2], [0, 2, 3]], uvs=UNIT, uv_faces=[[0, 1, 2], [0, 1, 2]]
            ),
            "more than once",
        ),
    ],
)
def test_own_coordinates_are_kept_when_each_triangle_has_its_place(mesh, reason):
    found = uv_quality(mesh).reason
    assert (found is None) if reason is None else (reason in found)
    atlas = atlas_for(mesh, 128)
    assert atlas.kept == (reason is None)
    assert (atlas.mesh is mesh) == atlas.kept
    assert uv_quality(atlas.mesh).reason is None
    assert (atlas.mesh.faces == mesh.faces).all()


@pytest.mark.parametrize("mesh", [box(), icosphere(3)], ids=["box", "sphere"])
@pytest.mark.parametrize("loose", [False, True])
def test_new_coordinates_give_every_triangle_a_place(mesh, loose):
    if loose:  # as SketchUp writes: no vertex is shared, yet charts are larger than a face
        mesh = Mesh.from_triangles(mesh.vertices[mesh.faces].reshape(-1, 3), np.arange(3 * len(mesh.faces)))
    atlas = atlas_for(mesh, 256)
    assert uv_quality(atlas.mesh).reason is None
    assert len(np.unique(of(atlas.mesh, 512).triangle)) == len(mesh.faces)
    assert atlas.charts <= len(mesh.faces) // 2


def test_texels_know_their_place_on_the_surface():
    mesh = atlas_for(icosphere(2), 128).mesh
    place = of(mesh, 128)
    points = place.at(torch.from_numpy(mesh.vertices), torch.from_numpy(mesh.faces))
    assert points.norm(dim=1).min() > 0.95
    assert place.shares.sum(1) == pytest.approx(np.ones(len(place.index)))
    uv = place.at(torch.from_numpy(mesh.uvs), torch.from_numpy(mesh.uv_faces))
    centres = torch.stack([place.index % 128, place.index // 128], dim=1).add(0.5).div(128)
    assert (uv - centres).abs().max() < 1 / 128


def test_what_lies_between_charts_takes_the_nearest_colour():
    covered = torch.zeros(64, 64, dtype=torch.bool)
    covered[10:20, 10:20] = covered[40:50, 30:50] = True
    colors = torch.zeros(64, 64, 3)
    colors[10:20, 10:20] = torch.tensor([1.0, 0, 0])
    colors[40:50, 30:50] = torch.tensor([0, 0, 1.0])
    full = dilated(colors, covered)
    assert (full[covered] == colors[covered]).all()
    assert full[8, 12].tolist() == [1, 0, 0]
    assert full[53, 40].tolist() == [0, 0, 1]
    assert full.sum(2).min() > 0.9  # every texel got a colour of its neighbours' sum


def test_the_colours_that_a_mesh_came_with_are_carried_over():
    half = Image.new("RGB", (8, 8), (255, 0, 0))
    half.paste((0, 0, 255), (0, 0, 8, 4))  # blue above, red below
    buffer = io.BytesIO()
    half.save(buffer, "PNG")
    texture = Texture("half.png", buffer.getvalue())
    mesh = square(UNIT * 2 - 0.5)
    materials = np.zeros(2, dtype=np.int64)
    mesh = replace(
        mesh,
        polygons=polygons_of(mesh.faces, uvs=mesh.uv_faces, materials=materials),
        materials=(Material("m", (1.0, 0.5, 0.5), texture=texture),),
    )
    atlas = atlas_for(mesh, 128)
    assert not atlas.kept  # it repeats
    base = baked(mesh, of(atlas.mesh, 128))
    view = render(
        surface_of(atlas.mesh), base, [Camera(projection="orthographic", span=1.0)], (64, 64),
        background=WHITE, lights=[Light("flat")],
    )  # fmt: skip
    image = view.image[0].permute(1, 2, 0)
    # The unit frame's square has side 2^0.5, the picture shows its middle 1.0; v runs from -0.5 to 1.5.
    for share in (0.2, 0.3, 0.45, 0.55, 0.7, 0.8):
        v = (share * 2 - 0.5) % 1
        pixel = image[int((0.5 - (share - 0.5) * 2**0.5) * 64), 32]
        assert (pixel[2] > pixel[0]) == (v > 0.5), share


def test_a_face_without_coordinates_takes_the_texture_from_no_other():
    mesh = square(UNIT)
    uvs = mesh.uv_faces.copy()
    uvs[1] = -1
    polygons = polygons_of(mesh.faces, uvs=uvs, materials=np.zeros(2, dtype=np.int64))
    red = encoded(torch.tensor([1.0, 0, 0]).expand(4, 4, 3), "red.png")
    mesh = replace(mesh, polygons=polygons, materials=(Material("m", (0.8, 0.8, 0.4), texture=red),))
    place = of(atlas_for(mesh, 64).mesh, 64)
    colors = baked(mesh, place).view(-1, 3)[place.index]
    for triangle, expected in ((0, [0.8, 0, 0]), (1, [0.8, 0.8, 0.4])):
        assert torch.allclose(colors[place.triangle == triangle], torch.tensor(expected))


@pytest.mark.parametrize(
    ("options", "scale", "offset"),
    [
        ("-s 4 2 1 -clamp off", [4, 2], [0, 0]),
        ("-o 0.25 0.5 -S 2", [2, 1], [0.25, 0.5]),
        ("-mm 0 1", [1, 1], [0, 0]),
    ],
)
def test_a_texture_lies_as_the_options_of_its_map_say(options, scale, offset, tmp_path):
    noise = encoded(torch.rand(16, 16, 3, generator=torch.Generator().manual_seed(0)), "noise.png")
    mesh = square(UNIT)
    polygons = polygons_of(mesh.faces, uvs=mesh.uv_faces, materials=np.zeros(2, dtype=np.int64))
    told = Material("m", texture=noise, texture_options=options)
    mesh = replace(mesh, polygons=polygons, materials=(told,))
    laid = replace(mesh, uvs=mesh.uvs * scale + offset, materials=(replace(told, texture_options=""),))
    place = of(mesh, 64)
    assert torch.allclose(baked(mesh, place), baked(laid, place), atol=1e-5)
    write_glb(tmp_path / "mesh.glb", mesh)
    found = read_mesh(tmp_path / "mesh.glb")
    assert found.uvs[found.uv_faces] == pytest.approx(laid.uvs[laid.uv_faces], abs=1e-6)


def test_a_mesh_without_materials_is_light_paper():
    mesh = atlas_for(box(), 64).mesh
    assert baked(mesh, of(mesh, 64)).unique().tolist() == pytest.approx([PLAIN])


def test_vertex_colours_are_carried_over():
    mesh = replace(square(UNIT), colors=np.array([[1.0, 0, 0]] * 4))
    assert baked(mesh, of(mesh, 32))[16, 16].tolist() == pytest.approx([1, 0, 0], abs=1e-6)


def test_textures_survive_their_file():
    colors = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (16, 8, 3))).float() / 255
    assert torch.equal(decoded(encoded(colors, "x.png")), colors)


def test_a_picture_of_a_closed_shape_shows_it_upright_and_lit_from_above():
    mesh = atlas_for(icosphere(3), 64).mesh
    view = render(
        surface_of(mesh), torch.full((64, 64, 3), 0.5), orbit(2, fov=50), (64, 48), background=WHITE,
        lights=[Light(azimuth=0, elevation=60)],
    )  # fmt: skip
    assert view.image.shape == (2, 3, 48, 64)
    assert view.mask[0, 0, 24, 32] == 1
    assert view.mask[0, 0, 2, 2] == 0
    assert view.image[0, :, 2, 2].tolist() == [1, 1, 1]
    column = view.image[0, 0, :, 32]
    assert column[14] > column[34] + 0.1


def test_gradients_reach_texels_and_vertices():
    mesh = atlas_for(icosphere(2), 64).mesh
    surface = surface_of(mesh)
    texture = torch.full((64, 64, 3), 0.5, requires_grad=True)
    vertices = surface.vertices.clone().requires_grad_()
    view = render(surface.moved(vertices), texture, [Camera()], (48, 48), background=WHITE)
    (view.image.square().mean() + view.mask.mean()).backward()
    assert texture.grad is not None
    assert (texture.grad != 0).float().mean() > 0.2
    # A sphere that grows covers more of the picture.
    assert vertices.grad is not None
    assert (vertices.grad * vertices.detach()).sum() != 0


def test_a_large_smooth_mesh_gets_its_atlas_piece_by_piece(monkeypatch):
    """In one piece xatlas ended the whole process on a sphere of 81,920 triangles."""
    atlas = atlas_for(icosphere(6), 256)
    assert uv_quality(atlas.mesh).reason is None
    monkeypatch.setattr(atlas_module, "_MOST_TRIANGLES", 100)
    small = atlas_for(icosphere(3), 512)
    assert 13 <= small.charts <= 64
    assert uv_quality(small.mesh).reason is None
    assert (small.mesh.vertices[small.mesh.faces] == icosphere(3).vertices[icosphere(3).faces]).all()
