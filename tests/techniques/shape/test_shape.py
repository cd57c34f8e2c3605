"""Moving vertices: the solver against a dense one, the optimiser by hand, terms that see what they should."""

import numpy as np
import pytest
import torch
from torch.autograd import gradcheck

from techniques.meshes.shapes import box, icosphere
from techniques.raster.edges import edge_table
from techniques.shape.laplacian import Laplacian, smoothed
from techniques.shape.planes import find_planes, neighbours
from techniques.shape.terms import Folds, bending, planarity, roughness
from techniques.shape.uniform import UniformAdam


def tensors(mesh):
    return torch.from_numpy(mesh.vertices), torch.from_numpy(mesh.faces)


def laplacian_of(mesh):
    vertices, faces = tensors(mesh)
    return vertices, Laplacian.of(edge_table(faces), len(vertices), like=vertices)


def dense(mesh):
    edges = edge_table(torch.from_numpy(mesh.faces)).ends
    matrix = torch.zeros(len(mesh.vertices), len(mesh.vertices), dtype=torch.float64)
    for a, b in edges.tolist():
        matrix[a, b] = matrix[b, a] = -1
    return matrix - torch.diag(matrix.sum(1))


def moved(mesh, amount, seed=0):
    noise = torch.randn(
        len(mesh.vertices), 3, generator=torch.Generator().manual_seed(seed), dtype=torch.float64
    )
    return torch.from_numpy(mesh.vertices) + amount * noise


def test_the_solver_agrees_with_a_dense_one():
    for stiffness in (0.5, 19.0, 1000.0):
        vertices, laplacian = laplacian_of(icosphere(2))
        matrix = dense(icosphere(2))
        right = moved(icosphere(2), 1.0)
        expected = torch.linalg.solve(torch.eye(len(vertices)) + stiffness * matrix, right)
        assert torch.allclose(laplacian.solve(right, stiffness), expected, atol=1e-5 * expected.abs().max())
        assert torch.allclose(laplacian @ right, matrix @ right)


def test_smoothing_is_differentiable_and_nothing_at_stiffness_0():
    vertices, laplacian = laplacian_of(icosphere(0))
    assert gradcheck(lambda v: smoothed(v, laplacian, 19.0), vertices.clone().requires_grad_(), atol=1e-4)
    assert smoothed(vertices, laplacian, 0) is vertices
    assert not laplacian.solve(torch.zeros_like(vertices), 19.0).any()


def test_a_vertex_without_faces_stays_where_it_is():
    vertices, faces = tensors(box())
    vertices = torch.cat([vertices, torch.full((1, 3), 9.0)])
    laplacian = Laplacian.of(edge_table(faces), len(vertices), like=vertices)
    pull = torch.zeros_like(vertices)
    pull[0] = 1
    assert not laplacian.solve(pull, 19.0)[-1].any()


def test_one_pull_moves_its_surroundings():
    vertices, laplacian = laplacian_of(icosphere(2))
    pull = torch.zeros_like(vertices)
    pull[0, 0] = 1
    spread = laplacian.solve(pull, 19.0)[:, 0]
    assert spread.argmax() == 0
    assert float(spread.sum()) == pytest.approx(1, rel=1e-5)
    assert float(spread[0]) < 0.05


def test_the_uniform_step_is_what_its_formula_says():
    u = torch.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    optimizer = UniformAdam([u], rate=0.1, steps=3, last=0.1)
    expected, mean, square = u.detach().clone(), torch.zeros(2, 2), torch.zeros(2, 2)
    for step, rate in enumerate((0.1, 0.055, 0.01), 1):
        gradient = torch.tensor([[1.0, -2.0], [0.5, 0.0]]) * step

        def closure(gradient=gradient):
            optimizer.zero_grad()
            (u * gradient).sum().backward()

        optimizer.step(closure)
        mean = 0.9 * mean + 0.1 * gradient
        square = 0.999 * square + 0.001 * gradient**2
        largest = (square / (1 - 0.999**step)).max().sqrt()
        expected = expected - rate * (mean / (1 - 0.9**step)) / (1e-8 + largest)
        assert torch.allclose(u.detach(), expected, atol=1e-6)


def test_planes_and_lines_of_a_box():
    mesh = box((1, 2, 3))
    planes = find_planes(mesh.vertices, mesh.faces)
    assert planes.counts == (6, 0)  # its edges are single: nothing to keep straight
    assert sorted(torch.bincount(planes.flat[:, 1]).tolist()) == [4] * 6
    vertices = torch.from_numpy(mesh.vertices)
    assert float(planarity(vertices, planes)) < 1e-25
    leaning = vertices * torch.tensor([1.0, 0.5, 2.0]) @ torch.linalg.qr(torch.randn(3, 3).double())[0]
    assert float(planarity(leaning, planes)) < 1e-25  # flat faces in another place are flat
    bent = vertices.clone()
    bent[0, 0] += 0.4
    assert float(planarity(bent, planes)) > 1e-3
    assert gradcheck(lambda v: planarity(v, planes), moved(mesh, 0.1).requires_grad_(), atol=1e-4)


def test_a_wall_of_many_faces_is_one_plane_and_its_rim_four_lines():
    n = 5
    grid = np.array([(x, y, 0.0) for y in range(n) for x in range(n)])
    wall = [
        t
        for y in range(n - 1)
        for x in range(n - 1)
        for a in [y * n + x]
        for t in ((a, a + 1, a + n), (a + n + 1, a + 1, a + n) if x % 2 else (a + 1, a + n + 1, a + n))
    ]  # of mixed winding, as SketchUp leaves it
    folded = grid @ np.array([[1, 0, 0], [0, 0, 1], [0, 1, 0.0]]) + np.array([0, 0, -n + 1.0])
    # A second wall at a right angle, along the first one's lower rim.
    points = np.concatenate([grid, folded[:-n]])
    index = {tuple(p): k for k, p in reversed(list(enumerate(points.tolist())))}
    second = [[index[tuple(folded[c].tolist())] for c in t] for t in wall]
    planes = find_planes(points, np.array([*wall, *second]))
    assert planes.counts == (2, 1)
    assert len(planes.straight) == n
    shaken = torch.from_numpy(points) + 0.1 * torch.randn(
        len(points), 3, generator=torch.Generator().manual_seed(1), dtype=torch.float64
    )
    before = float(planarity(shaken, planes))
    leaf = shaken.clone().requires_grad_()
    for _ in range(60):
        (gradient,) = torch.autograd.grad(planarity(leaf, planes), leaf)
        leaf = (leaf - 8 * gradient).detach().requires_grad_()
    assert float(planarity(leaf.detach(), planes)) < 0.01 * before


def test_a_smooth_surface_has_no_planes():
    mesh = icosphere(2)
    assert find_planes(mesh.vertices, mesh.faces).counts == (0, 0)
    empty = find_planes(mesh.vertices, mesh.faces)
    assert float(planarity(torch.from_numpy(mesh.vertices), empty)) == 0


def test_a_fin_has_no_folds_that_could_bend():
    """Three triangles at one edge: no two of them are neighbours, and a mean over none is no number."""
    vertices = torch.tensor([[0.0, 0, 0], [1, 0, 0], [0, 1, 0], [0, -1, 0], [0, 0, 1]])
    faces = torch.tensor([[0, 1, 2], [0, 1, 3], [0, 1, 4]])
    pairs, _ = neighbours(faces.numpy())
    assert bending(vertices * 2, Folds.of(vertices, faces, torch.from_numpy(pairs))) == 0


def test_terms_are_0_for_the_mesh_as_it_came_and_see_dents():
    mesh = icosphere(1)
    vertices, faces = tensors(mesh)
    _, laplacian = laplacian_of(mesh)
    pairs, edges = neighbours(mesh.faces)
    assert len(pairs) == len(edges) == 3 * len(faces) // 2
    folds = Folds.of(vertices, faces, torch.from_numpy(pairs))
    assert float(bending(vertices, folds)) == 0
    assert float(bending(vertices * 3 + 1, folds)) < 1e-20  # neither size nor place bends
    dented = vertices.clone()
    dented[0] *= 0.7
    assert float(bending(dented, folds)) > 1e-4
    assert float(roughness(dented - vertices, laplacian)) > float(
        roughness(torch.ones_like(vertices), laplacian)
    )
    shaken = moved(mesh, 0.05).requires_grad_()
    assert gradcheck(lambda v: bending(v, folds), shaken)
    assert gradcheck(lambda v: roughness(v - vertices, laplacian), shaken)
