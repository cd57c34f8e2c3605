from dataclasses import replace

import numpy as np
import pytest
import torch

from techniques.meshes.mesh import Mesh
from techniques.meshes.primed import primed
from techniques.meshes.seams import sides_of
from techniques.meshes.shapes import box, icosphere
from techniques.meshes.weld import weld


def in_space(ground, length):
    """A texture of waves of ``length`` in space, which runs on over every seam."""
    points = ground.covered.at(torch.from_numpy(ground.mesh.vertices), torch.from_numpy(ground.mesh.faces))
    colors = torch.zeros(ground.covered.size**2, 3)
    colors[ground.covered.index] = torch.sin(points * 2 * torch.pi / length).float() / 2 + 0.5
    return colors.view(ground.covered.size, -1, 3)


@pytest.mark.parametrize("mesh", [box((3, 2, 2)), icosphere(2)], ids=["box", "sphere"])
def test_colours_that_run_on_have_no_step_and_colours_of_charts_have(mesh):
    ground = primed(mesh, 128)
    running_on = ground.seams.step(in_space(ground, 8.0))
    noise = torch.rand(128, 128, 3, generator=torch.Generator().manual_seed(0))
    assert running_on < 0.004
    assert ground.seams.step(noise) > 10 * running_on
    # What lies between the charts counts for nothing.
    texture = in_space(ground, 8.0).requires_grad_()
    ground.seams.step(texture + (1 - ground.seams.covered[0]) * noise).backward()
    assert torch.allclose(ground.seams.step(texture + (1 - ground.seams.covered[0]) * noise), running_on)
    assert texture.grad is not None
    assert not texture.grad[ground.seams.covered[0, :, :, 0] == 0].any()
    assert texture.grad.any()


def test_both_sides_of_an_edge_are_the_same_way_from_it():
    mesh = primed(icosphere(1), 128).atlas.mesh
    sides = sides_of(mesh, weld(mesh).faces)
    assert len(sides.seams) == 120
    assert 0 < sides.seams.sum() < 120
    inside = np.flatnonzero(~sides.seams)
    way = 0.02
    uvs, fits = sides.at(np.array([0.3, 0.5]), way)
    assert fits.all()
    onto, _ = sides.at(np.array([0.3, 0.5]), 0.0)
    assert onto[inside, 0] == pytest.approx(onto[inside, 1])
    # Texels have one size on the surface: the way in the texture is the same for all, in proportion.
    steps = np.linalg.norm(uvs - onto, axis=3)
    assert steps == pytest.approx(steps.mean(), rel=0.35)


def test_a_sheet_in_one_chart_has_no_seams_and_open_edges_are_none():
    corners = [[0, 0], [1, 0], [1, 1], [0, 1]]
    points = [[x, y, 0] for x, y in corners]
    sheet = Mesh.from_triangles(points, [[0, 1, 2], [0, 2, 3]], uvs=corners)
    assert primed(sheet, 64).seams is None
    # The same coordinates under other indices are no seam either.
    uv_faces = np.array([[0, 1, 2], [4, 5, 3]])
    twice = Mesh.from_triangles(
        points, [[0, 1, 2], [0, 2, 3]], uvs=[*corners, corners[0], corners[2]], uv_faces=uv_faces
    )
    assert primed(twice, 64).seams is None
    torn = replace(twice, uvs=np.array([*corners, [0.0, 0.01], [0.99, 1.0]]))
    assert primed(torn, 64).seams is not None
