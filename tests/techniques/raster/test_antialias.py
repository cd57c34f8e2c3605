"""Silhouettes: exact areas, gradients of the exact area at any triangle size, and what is no silhouette."""

import pytest
import torch

from techniques.raster.antialias import antialias
from techniques.raster.barycentrics import rasterize
from techniques.raster.cameras import Camera, orbit
from techniques.raster.edges import edge_table
from techniques.raster.interpolate import interpolate
from techniques.raster.project import clip_positions, matrices
from tests.techniques.raster.scenes import FLAT, OBLIQUE, cube, icosphere, seen


def silhouettes(vertices, triangles, edges, cameras, size):
    positions = clip_positions(vertices, cameras)
    raster, _ = rasterize(positions, triangles, size, size)
    return antialias((raster[..., 3:] > 0).to(vertices), raster, positions, edges)


def outline_area(vertices, camera, size):
    """The area of the projected convex hull in pixels (gift wrapping; the scenes are convex)."""
    clip = seen(vertices, camera)[0]
    points = (clip[:, :2] / clip[:, 3:] * size / 2).tolist()
    points = sorted(set(map(tuple, points)))

    def half(points):
        chain = []
        for p in points:
            while len(chain) > 1 and (
                (chain[-1][0] - chain[-2][0]) * (p[1] - chain[-2][1])
                <= (chain[-1][1] - chain[-2][1]) * (p[0] - chain[-2][0])
            ):
                chain.pop()
            chain.append(p)
        return chain[:-1]

    hull = half(points) + half(points[::-1])
    return sum(a[0] * b[1] - a[1] * b[0] for a, b in zip(hull, hull[1:] + hull[:1], strict=True)) / 2


@pytest.mark.parametrize("subdivisions", [1, 3, 4])
def test_the_area_and_its_gradient_are_right_at_any_triangle_size(subdivisions):
    vertices, triangles = icosphere(subdivisions)
    edges, views, size = edge_table(triangles), orbit(4, start=11, elevation=17), 96
    scale = torch.ones((), dtype=torch.float64, requires_grad=True)
    area = silhouettes(vertices * scale, triangles, edges, matrices(views, vertices), size).sum()
    area.backward()

    exact = [sum(outline_area(vertices * s, view, size) for view in views) for s in (1, 1 - 1e-5, 1 + 1e-5)]
    assert float(area.detach()) == pytest.approx(exact[0], rel=1e-3)
    assert float(scale.grad) == pytest.approx((exact[2] - exact[1]) / 2e-5, rel=0.02)


def test_no_sample_comes_or_goes_where_an_outline_turns_from_steep_to_flat():
    """A disc of 720 corners at many radii: each one's gradient is the whole circumference."""
    turn = torch.arange(720, dtype=torch.float64) * (2 * torch.pi / 720)
    rim = torch.stack([turn.cos(), turn.sin(), turn * 0], 1)
    vertices = torch.cat([rim, rim[:1] * 0])
    corner = torch.arange(720, dtype=torch.int32)
    triangles = torch.stack([corner, (corner + 1) % 720, torch.full_like(corner, 720)], 1)
    edges, cameras = edge_table(triangles), matrices([Camera(projection="orthographic", span=2)], vertices)
    for radius in torch.linspace(6, 14, 17, dtype=torch.float64):  # pixels
        scale = (radius / 16).requires_grad_()
        silhouettes(vertices * scale, triangles, edges, cameras, 32).sum().backward()
        assert float(scale.grad) / 16 == pytest.approx(2 * torch.pi * float(radius), rel=0.01), radius


def test_a_colour_loss_falls_the_way_finite_differences_say():
    """Against central differences of an 8 x 8 supersampled picture, over random deformations."""
    vertices, triangles = icosphere(2)
    edges, size, more = edge_table(triangles), 64, 8
    cameras = matrices([OBLIQUE, Camera(azimuth=160, elevation=-5)], vertices)
    random = torch.Generator().manual_seed(3)
    target = torch.rand(2, size, size, 3, generator=random, dtype=torch.float64)
    target = torch.nn.functional.avg_pool2d(target.permute(0, 3, 1, 2), 9, 1, 4).permute(0, 2, 3, 1)

    def picture(v, resolution, smooth):
        positions = clip_positions(v, cameras)
        raster, _ = rasterize(positions, triangles, resolution, resolution)
        colours, _ = interpolate(0.5 + 0.5 * v, raster, triangles)
        return antialias(colours, raster, positions, edges) if smooth else colours

    moved = vertices.clone().requires_grad_()
    (picture(moved, size, True) - target).square().mean().backward()

    def reference(v):
        fine = picture(v, size * more, False).view(2, size, more, size, more, 3).mean((2, 4))
        return float((fine - target).square().mean())

    ours, differences = [], []
    for _ in range(8):
        wave = torch.randn(3, 3, generator=random, dtype=torch.float64)
        direction = torch.sin(vertices @ wave * 1.5) * vertices
        step = 0.01
        differences.append(
            (reference(vertices + step * direction) - reference(vertices - step * direction)) / (2 * step)
        )
        ours.append(float((moved.grad * direction).sum()))
    ours, differences = torch.tensor(ours), torch.tensor(differences)
    assert torch.nn.functional.cosine_similarity(ours, differences, dim=0) > 0.97
    assert (ours - differences).norm() / differences.norm() < 0.25


def test_colours_away_from_silhouettes_stay():
    """Only pixels beside the outline change; edges between visible faces of the cube are not touched."""
    vertices, triangles = cube()
    positions = seen(vertices, OBLIQUE)
    raster, _ = rasterize(positions, triangles, 64, 64)
    colours = torch.rand(12, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    flat = colours[raster[..., 3].long() - 1] * (raster[..., 3:] > 0)
    smooth = antialias(flat, raster, positions, edge_table(triangles))

    outside = (raster[..., 3] == 0).double()
    near = torch.nn.functional.max_pool2d(outside, 3, 1, 1) > 0
    near &= torch.nn.functional.max_pool2d(1 - outside, 3, 1, 1) > 0
    assert torch.equal(smooth[~near], flat[~near])
    assert (smooth[near] != flat[near]).any(-1).double().mean() > 0.3


def test_an_edge_behind_another_surface_is_hidden():
    """A small square behind a large one: the large one's picture is what it is alone."""
    square = torch.tensor([(-1, -1, 0), (1, -1, 0), (1, 1, 0), (-1, 1, 0)], dtype=torch.float64)
    behind = square * 0.4 - torch.tensor([0, 0, 1.0], dtype=torch.float64)
    two = torch.tensor([(0, 1, 2), (0, 2, 3), (4, 5, 6), (4, 6, 7)], dtype=torch.int32)
    both = torch.cat([square, behind])
    camera = Camera(azimuth=7, elevation=5)
    pictures = []
    for triangles in (two[:2], two):
        positions = seen(both, camera)
        raster, _ = rasterize(positions, triangles, 48, 48)
        mask = (raster[..., 3:] > 0).double()
        pictures.append(antialias(mask, raster, positions, edge_table(triangles)))
    assert torch.equal(*pictures)


def test_the_nearer_surface_blends_over_the_farther():
    """A bright square in front of a dark one, moved to the right, brightens what it covers."""
    square = torch.tensor([(-1, -1, 0), (1, -1, 0), (1, 1, 0), (-1, 1, 0)], dtype=torch.float64)
    triangles = torch.tensor([(0, 1, 2), (0, 2, 3), (4, 5, 6), (4, 6, 7)], dtype=torch.int32)
    shift = torch.zeros((), dtype=torch.float64, requires_grad=True)
    front = square * 0.301 + torch.stack([shift, shift * 0, shift * 0 + 0.5])
    positions = seen(torch.cat([square, front]), Camera(projection="orthographic", span=2))
    raster, _ = rasterize(positions, triangles, 40, 40)
    bright = (raster[..., 3:] > 2).double()
    picture = antialias(bright, raster, positions, edge_table(triangles))
    assert float(picture.detach().sum()) == pytest.approx((0.602 * 20) ** 2, rel=1e-4)
    right = picture[:, :, 20:].sum()
    (gradient,) = torch.autograd.grad(right, shift)
    assert float(gradient) == pytest.approx(20 * 0.602 * 20, rel=0.02)


def test_edges_of_an_odd_mesh():
    """Boundaries, an edge of three triangles, a triangle twice, one turned over, one without area."""
    triangles = torch.tensor(
        [(0, 1, 2), (2, 1, 0), (1, 0, 3), (0, 1, 4), (4, 4, 0), (2, 0, 5), (0, 1, 2)], dtype=torch.int32
    )
    table = edge_table(triangles)
    assert table.ends.tolist() == [[0, 1], [0, 2], [0, 3], [0, 4], [0, 5], [1, 2], [1, 3], [1, 4], [2, 5]]
    assert table.opposite[0].tolist() == [2, 3]
    assert table.more.tolist() == [[0, 4]]
    assert sorted(table.opposite[1].tolist()) == [1, 5]
    assert table.opposite[2].tolist() == [1, -1]


def test_a_fin_on_a_flat_sheet_makes_no_outline_of_the_sheet():
    """An edge of three triangles is an outline only when all of them lie on one side of it."""
    points = torch.tensor([(0, -1, 0), (0, 1, 0), (-1, 0, 0), (1, 0, 0), (0.3, 0, 0.9)], dtype=torch.float64)
    triangles = torch.tensor([(0, 1, 2), (0, 1, 3), (0, 1, 4)], dtype=torch.int32)
    positions = seen(points, Camera(azimuth=-4))
    raster, _ = rasterize(positions, triangles, 50, 50)
    number = raster[..., 3]
    left = (number == 1).double()[..., None]
    smooth = antialias(left, raster, positions, edge_table(triangles))
    seam = (number[:, 12:38, :-1] == 1) & (number[:, 12:38, 1:] > 1)
    assert seam.any()
    assert torch.equal(smooth[:, 12:38, :-1][seam], left[:, 12:38, :-1][seam])


def test_a_triangle_stored_twice_changes_nothing():
    vertices, triangles = icosphere(2)
    doubled = torch.cat([triangles, triangles.flip(1)])
    cameras = matrices([OBLIQUE, FLAT], vertices)
    once = silhouettes(vertices, triangles, edge_table(triangles), cameras, 48)
    twice = silhouettes(vertices, doubled, edge_table(doubled), cameras, 48)
    assert torch.equal(once, twice)
