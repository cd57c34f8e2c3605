"""Which triangle a pixel centre sees: against a slow second opinion, and no crack along any edge."""

import hypothesis.strategies as st
import pytest
import torch
from hypothesis import given, settings

from techniques.errors import BadInputError, WorkFailedError
from techniques.raster import barycentrics, visible
from techniques.raster.barycentrics import rasterize
from techniques.raster.cameras import Camera
from techniques.raster.screen import to_screen
from tests.techniques.raster.scenes import FLAT, OBLIQUE, cube, icosphere, seen


def by_brute_force(positions, triangles, height, width):
    """Every triangle against every pixel, with edge functions: (ids, how near a pixel is to any edge)."""
    x, y, z = (values[triangles.long()] for values in to_screen(positions, height, width))
    rows, columns = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    px, py = columns.reshape(-1, 1).double(), rows.reshape(-1, 1).double()
    sides = []
    for a, b in ((1, 2), (2, 0), (0, 1)):
        sides.append((x[:, b] - x[:, a]) * (py - y[:, a]) - (y[:, b] - y[:, a]) * (px - x[:, a]))
    sides = torch.stack(sides, -1)
    inside = (sides > 0).all(-1) | (sides < 0).all(-1)
    depth = (sides / sides.sum(-1, keepdim=True) * z).sum(-1)
    depth = torch.where(inside & (depth.abs() <= 1), depth, torch.inf)
    nearest, number = depth.min(1)
    lengths = torch.stack(
        [torch.hypot(x[:, b] - x[:, a], y[:, b] - y[:, a]) for a, b in ((1, 2), (2, 0), (0, 1))], -1
    )
    to_edge = (sides.abs() / lengths).amin((1, 2))
    return torch.where(nearest.isinf(), -1, number).view(height, width), to_edge.view(height, width)


@pytest.mark.parametrize("camera", [OBLIQUE, FLAT, Camera(elevation=90)])
@pytest.mark.parametrize("shape", [cube, lambda: icosphere(1), lambda: icosphere(3)])
def test_it_sees_what_brute_force_sees(shape, camera):
    vertices, triangles = shape()
    positions = seen(vertices, camera)
    found = visible.visible(positions, triangles, 40, 56)[0]
    expected, to_edge = by_brute_force(positions[0], triangles, 40, 56)

    clear = to_edge > 1e-6
    assert (found >= 0).sum() > 200
    assert torch.equal(found[clear], expected[clear])


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**31), st.integers(5, 16), st.integers(1, 40), st.integers(1, 40))
def test_neighbours_cover_each_centre_exactly_once(seed, count, height, width):
    """A fan of triangles round a point, its rim anywhere or on pixel centres: no crack, no overlap."""
    random = torch.Generator().manual_seed(seed)
    angles = torch.rand(count, generator=random, dtype=torch.float64).sort().values * 2 * torch.pi
    rim = torch.stack([angles.cos(), angles.sin()], 1) * 30
    if seed % 2:
        rim = rim.round()
    centre = torch.rand(1, 2, generator=random, dtype=torch.float64).round() * 0.5
    points = torch.cat([centre, rim])
    # In pixels of a square far larger than the picture, so that rounding is honest.
    positions = torch.cat([points / 40, torch.zeros(len(points), 1), torch.ones(len(points), 1)], 1)[None]
    triangles = torch.tensor([(0, k, k + 1) for k in range(1, count)] + [(0, count, 1)], dtype=torch.int32)
    size = 2 * max(height, width)
    covers = torch.zeros(size, size, dtype=torch.int64)
    for k in range(count):
        covers += (visible.visible(positions, triangles[k : k + 1], size, size)[0] >= 0).long()
    whole = visible.visible(positions, triangles, size, size)[0] >= 0

    spokes = rim - centre
    following = spokes.roll(-1, 0)
    turns = spokes[:, 0] * following[:, 1] - spokes[:, 1] * following[:, 0]
    if turns.min() >= 0:  # the fan winds round its point once
        assert covers.max() <= 1
    assert torch.equal(whole, covers > 0)


def test_shared_corners_may_have_different_numbers():
    """An unwelded square: both halves cover it without a crack and without an overlap."""
    square = torch.tensor([(-0.7, -0.61), (0.83, -0.4), (0.6, 0.77), (-0.55, 0.69)], dtype=torch.float64)
    points = square[[0, 1, 2, 0, 2, 3]]
    positions = torch.cat([points, torch.zeros(6, 1), torch.ones(6, 1)], 1)[None]
    for turned in ([[0, 1, 2], [3, 4, 5]], [[2, 0, 1], [5, 4, 3]]):
        triangles = torch.tensor(turned, dtype=torch.int32)
        one, other = (visible.visible(positions, triangles[k : k + 1], 97, 89)[0] >= 0 for k in (0, 1))
        assert not (one & other).any()
        for line in (one | other).tolist():
            assert "".join("01"[c] for c in line).strip("0").find("0") == -1


def test_chunks_give_the_same(monkeypatch):
    vertices, triangles = icosphere(3)
    positions = seen(vertices, OBLIQUE, FLAT)
    whole = visible.visible(positions, triangles, 64, 64)
    monkeypatch.setattr(visible, "_CHUNK", 500)
    assert torch.equal(whole, visible.visible(positions, triangles, 64, 64))


def test_nothing_to_see_is_empty():
    vertices, triangles = cube()
    beside = seen(vertices + torch.tensor([100.0, 0, 0], dtype=torch.float64), FLAT)
    assert (visible.visible(beside, triangles, 16, 16) == -1).all()
    raster, changes = rasterize(beside, triangles, 16, 16)
    assert not raster.any()
    assert not changes.any()
    assert (visible.visible(beside, triangles[:0], 16, 16) == -1).all()


def test_degenerate_triangles_are_never_seen():
    vertices, triangles = cube()
    flat = torch.cat([torch.tensor([[0, 0, 1], [2, 2, 2], [0, 1, 0]], dtype=torch.int32), triangles])
    found = visible.visible(seen(vertices, OBLIQUE), flat, 48, 48)
    assert found.max() > 2
    assert not ((found >= 0) & (found < 3)).any()


def test_what_lies_behind_the_eye_is_refused():
    vertices, triangles = cube()
    with pytest.raises(WorkFailedError, match="behind the camera"):
        rasterize(seen(vertices * 9, OBLIQUE), triangles, 16, 16)
    with pytest.raises(WorkFailedError, match="not a number"):
        rasterize(seen(vertices, OBLIQUE) * torch.tensor([torch.nan, 1, 1, 1]), triangles, 16, 16)


def test_too_many_triangles_are_refused(monkeypatch):
    vertices, triangles = cube()
    monkeypatch.setattr(barycentrics, "_LARGEST", 12)
    with pytest.raises(BadInputError, match="12 triangles; 11 are the most"):
        rasterize(seen(vertices, OBLIQUE), triangles, 16, 16)
