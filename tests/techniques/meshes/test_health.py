from dataclasses import replace

import numpy as np
import pytest
import trimesh

from techniques.meshes.health import change_between, health_of
from techniques.meshes.mesh import Mesh
from techniques.meshes.shapes import box, icosphere


@pytest.mark.parametrize("mesh", [box(), icosphere(2)], ids=["box", "sphere"])
def test_a_closed_surface_is_healthy(mesh):
    health = health_of(mesh)
    assert health.closed
    assert (health.euler, health.parts, health.degenerate) == (2, 1, 0)
    assert health.euler == trimesh.Trimesh(mesh.vertices, mesh.faces, process=False).euler_number


def test_each_fault_is_counted():
    sphere = icosphere(1)
    assert health_of(Mesh.from_triangles(sphere.vertices, sphere.faces[1:])).boundary == 3
    turned = sphere.faces.copy()
    turned[0] = turned[0, ::-1]
    assert health_of(Mesh.from_triangles(sphere.vertices, turned)).mixed == 3
    fin = np.concatenate([sphere.faces, [[*sphere.faces[0, :2], len(sphere.vertices)]]])
    with_fin = health_of(Mesh.from_triangles(np.concatenate([sphere.vertices, [[2, 2, 2]]]), fin))
    assert (with_fin.nonmanifold, with_fin.boundary) == (1, 2)
    sliver = Mesh.from_triangles([[0, 0, 0], [1, 0, 0], [2, 0, 0], [0, 1, 0]], [[0, 1, 2], [0, 2, 3]])
    assert health_of(sliver).degenerate == 1
    two = Mesh.from_triangles(
        np.concatenate([sphere.vertices, sphere.vertices + 5]),
        np.concatenate([sphere.faces, sphere.faces + len(sphere.vertices)]),
    )
    assert (health_of(two).parts, health_of(two).euler) == (2, 4)


def test_a_strip_of_many_triangles_is_one_part():
    count = 2000
    points = np.stack([np.arange(count) / 2, np.arange(count) % 2, np.zeros(count)], axis=1)
    after = np.arange(count - 2)
    order = np.random.default_rng(0).permutation(count)
    faces = order[np.stack([after, after + 1, after + 2], axis=1)]
    place = np.empty_like(points)
    place[order] = points
    assert health_of(Mesh.from_triangles(place, faces)).parts == 1


def test_changes_are_measured():
    mesh = icosphere(2)
    still = change_between(mesh, mesh)
    assert (still.flipped, still.stretch, still.moved) == (0, 1.0, 0)
    larger = change_between(mesh, replace(mesh, vertices=mesh.vertices * 2))
    assert larger.stretch == pytest.approx(2)
    assert larger.displacement == pytest.approx(1)
    assert change_between(mesh, replace(mesh, vertices=mesh.vertices / 2)).stretch == pytest.approx(2)
    mirrored = change_between(mesh, replace(mesh, vertices=mesh.vertices * [-1, 1, 1]))
    assert mirrored.flipped > 0
    with pytest.raises(ValueError, match="triangles differ"):
        change_between(mesh, box())
