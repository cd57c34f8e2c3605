"""Each step's values against a plain second computation, and its gradients against finite differences."""

from itertools import cycle

import pytest
import torch
from torch.autograd import gradcheck

from techniques.errors import BadInputError
from techniques.raster import antialias as antialias_module
from techniques.raster.antialias import antialias
from techniques.raster.barycentrics import rasterize
from techniques.raster.edges import edge_table
from techniques.raster.interpolate import interpolate
from techniques.raster.rows import rows, weighted_rows
from techniques.raster.texture import mip_level, pyramid, texture
from tests.techniques.raster.scenes import FLAT, OBLIQUE, cube, icosphere, seen


def random(*shape, seed=0):
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


# ---- rasterize


@pytest.mark.parametrize("camera", [OBLIQUE, FLAT])
def test_barycentrics_put_each_pixel_back_where_it_is(camera):
    """u, v and 1 - u - v weigh the corners to a point that projects to the pixel's centre."""
    vertices, triangles = icosphere(1)
    positions = seen(vertices, camera)
    raster, _ = rasterize(positions, triangles, 31, 47)
    row, column = (raster[0, ..., 3] > 0).nonzero().unbind(1)
    u, v, depth, number = raster[0, row, column].unbind(1)
    corners = positions[0][triangles[number.long() - 1].long()]
    point = u[:, None] * corners[:, 0] + v[:, None] * corners[:, 1] + (1 - u - v)[:, None] * corners[:, 2]

    assert len(row) > 200
    assert torch.stack([u, v, 1 - u - v]).min() > -1e-9
    assert torch.allclose(point[:, 0] / point[:, 3], (2 * column.double() + 1) / 47 - 1, atol=1e-9)
    assert torch.allclose(point[:, 1] / point[:, 3], (2 * row.double() + 1) / 31 - 1, atol=1e-9)
    assert torch.allclose(point[:, 2] / point[:, 3], depth, atol=1e-9)


def test_the_derivatives_are_what_neighbours_differ_by():
    """Within one large triangle, half the difference of the two neighbours' u is du/dX, but for curvature."""
    vertices, triangles = cube()
    raster, changes = rasterize(seen(vertices, OBLIQUE), triangles, 200, 200)
    number = raster[0, ..., 3]
    same_x = (number[:, 2:] == number[:, 1:-1]) & (number[:, :-2] == number[:, 1:-1]) & (number[:, 1:-1] > 0)
    same_y = (number[2:] == number[1:-1]) & (number[:-2] == number[1:-1]) & (number[1:-1] > 0)
    for channel in (0, 1):
        value = raster[0, ..., channel]
        by_x, by_y = (value[:, 2:] - value[:, :-2]) / 2, (value[2:] - value[:-2]) / 2
        assert (by_x - changes[0, :, 1:-1, 2 * channel])[same_x].abs().max() < 0.01 * by_x[same_x].abs().max()
        assert (by_y - changes[0, 1:-1, :, 2 * channel + 1])[same_y].abs().max() < 0.01 * by_y[
            same_y
        ].abs().max()


def test_rasterize_has_the_gradients_of_finite_differences():
    vertices, triangles = cube()
    positions = seen(vertices, OBLIQUE).requires_grad_()

    def smooth(p):
        raster, changes = rasterize(p, triangles, 9, 9)
        return raster[..., :2], changes

    assert gradcheck(smooth, positions, eps=1e-7, atol=1e-5)


# ---- interpolate


def test_interpolated_positions_are_the_pixels_own():
    vertices, triangles = icosphere(1)
    positions = seen(vertices, OBLIQUE, FLAT)
    raster, changes = rasterize(positions, triangles, 24, 24)
    image, slopes = interpolate(positions, raster, triangles, changes, (0, 3))
    mask = raster[..., 3] > 0
    column = torch.arange(24).expand(2, 24, 24)[mask]
    assert torch.allclose(
        (image[..., 0] / image[..., 3])[mask], (2 * column.double() + 1) / 24 - 1, atol=1e-9
    )
    assert not image[~mask].any()
    # d(x/w)/dX = 2/24, by the quotient rule from the attributes' own derivatives.
    x, w = image[..., 0][mask], image[..., 3][mask]
    dx, dw = slopes[..., 0][mask], slopes[..., 2][mask]
    assert torch.allclose((dx * w - x * dw) / w**2, torch.tensor(2 / 24, dtype=torch.float64), atol=1e-9)


def test_interpolate_has_the_gradients_of_finite_differences():
    vertices, triangles = cube()
    raster, changes = rasterize(seen(vertices, OBLIQUE, FLAT), triangles, 6, 6)
    uv_triangles = torch.arange(36, dtype=torch.int32).view(12, 3)
    shared, own = random(36, 3).requires_grad_(), random(2, 8, 3).requires_grad_()
    raster, changes = raster.requires_grad_(), changes.requires_grad_()

    def with_own(attributes, changes):
        return interpolate(attributes, raster.detach(), triangles, changes, (0, 2))

    assert gradcheck(with_own, (own, changes))
    assert gradcheck(lambda a, c: interpolate(a, raster.detach(), uv_triangles, c, (1,)), (shared, changes))
    # The number and depth channels choose; they have no derivative.
    uv = raster.detach()[..., :2].clone().requires_grad_()
    rest = raster.detach()[..., 2:]
    assert gradcheck(lambda uv: interpolate(own.detach(), torch.cat([uv, rest], -1), triangles)[0], uv)


# ---- texture


def test_texel_centres_and_corners():
    texels = random(1, 4, 8, 3)
    centres = torch.tensor([[(i + 0.5) / 8, (j + 0.5) / 4] for j in range(4) for i in range(8)]).double()
    uv = centres.view(1, 4, 8, 2)
    assert torch.allclose(texture(texels, uv), texels)
    assert torch.equal(texture(texels, uv + 0.01, filter_mode="nearest"), texels)
    assert torch.allclose(texture(texels, uv + 3), texels)  # wraps
    corner = torch.zeros(1, 1, 1, 2, dtype=torch.float64)
    around = (texels[0, 0, 0] + texels[0, 0, -1] + texels[0, -1, 0] + texels[0, -1, -1]) / 4
    assert torch.allclose(texture(texels, corner)[0, 0, 0], around)
    assert torch.allclose(texture(texels, corner, boundary="clamp")[0, 0, 0], texels[0, 0, 0])
    assert torch.allclose(texture(texels, corner, boundary="zero")[0, 0, 0], texels[0, 0, 0] / 4)


def test_bilinear_is_what_grid_sample_gives():
    texels, uv = random(2, 5, 7, 3), random(2, 6, 6, 2, seed=1) * 1.4 - 0.2
    for boundary, padding in (("clamp", "border"), ("zero", "zeros")):
        expected = torch.nn.functional.grid_sample(
            texels.permute(0, 3, 1, 2), uv * 2 - 1, padding_mode=padding, align_corners=False
        )
        assert torch.allclose(texture(texels, uv, boundary=boundary), expected.permute(0, 2, 3, 1))


def test_a_pixel_of_many_texels_sees_their_mean():
    texels = random(1, 16, 16, 3)
    uv = torch.tensor([[[[3 / 8, 5 / 8]]]]).double()  # the centre of a texel of level 2
    across = torch.tensor([[[[4 / 16, 0, 0, 4 / 16]]]]).double()
    assert torch.allclose(texture(texels, uv, across)[0, 0, 0], texels[0, 8:12, 4:8].mean((0, 1)))
    assert torch.allclose(texture(texels, uv, across * 100)[0, 0, 0], texels.mean((0, 1, 2)))
    assert torch.allclose(texture(texels, uv, across / 100), texture(texels, uv))
    one = texture(texels, uv, across, max_mip_level=1)[0, 0, 0]
    assert torch.allclose(one, texture(pyramid(texels)[1], uv)[0, 0, 0])


def test_the_level_follows_the_longer_axis():
    changes = torch.tensor([[8 / 64, 0, 0, 1 / 64], [0, 2 / 64, 2 / 64, 0], [0, 0, 0, 0]]).double()
    assert torch.allclose(mip_level(changes, 64, 64)[:2], torch.tensor([3.0, 1.0]).double(), atol=1e-6)
    assert mip_level(changes, 64, 64)[2] < 0
    turn = torch.tensor([[0.6, -0.8], [0.8, 0.6]]).double()
    turned = (changes[:1].view(2, 2) @ turn).reshape(1, 4)  # the picture turned: the same footprint
    assert torch.allclose(mip_level(turned, 64, 64), mip_level(changes[:1], 64, 64))


def test_texture_has_the_gradients_of_finite_differences():
    texels, uv = random(1, 8, 8, 2).requires_grad_(), (random(1, 3, 4, 2, seed=2) * 3 - 1).requires_grad_()
    changes = (random(1, 3, 4, 4, seed=3) * 0.5 - 0.25).requires_grad_()
    assert gradcheck(texture, (texels, uv, changes), atol=1e-4)
    assert gradcheck(lambda t, u: texture(t, u, boundary="clamp"), (texels, uv))
    assert gradcheck(lambda t: texture(t, uv.detach(), filter_mode="nearest"), (texels,))


def test_only_what_is_inside_is_looked_up():
    texels, uv, changes = random(2, 8, 8, 3), random(2, 5, 6, 2, seed=1), random(2, 5, 6, 4, seed=2) - 0.5
    inside = random(2, 5, 6, seed=3) < 0.4
    for slopes in (changes, None):
        results = []
        for only in (inside, None):
            leaves = [each.clone().requires_grad_() for each in (texels, uv)]
            image = texture(*leaves, slopes, inside=only) * inside.unsqueeze(-1)
            image.square().sum().backward()
            results.append([image.detach(), *(leaf.grad for leaf in leaves)])
        assert all(torch.allclose(a, b, atol=1e-12) for a, b in zip(*results, strict=True))
    assert (texture(texels, uv, inside=inside)[~inside] == 0).all()
    assert texture(texels, uv, inside=torch.zeros_like(inside)).abs().sum() == 0


def test_textures_that_cannot_be_halved_are_refused():
    with pytest.raises(BadInputError, match="10 x 6 cannot be halved 2 times"):
        pyramid(random(1, 6, 10, 3))
    assert [level.shape[1:3] for level in pyramid(random(1, 6, 10, 3), 1)] == [(6, 10), (3, 5)]
    assert [tuple(level.shape[1:3]) for level in pyramid(random(1, 1, 4, 3))] == [(1, 4), (1, 2), (1, 1)]
    with pytest.raises(BadInputError, match="needs the derivatives"):
        texture(random(1, 4, 4, 3), random(1, 1, 1, 2), filter_mode="linear-mipmap-linear")


# ---- antialias


def test_antialias_has_the_gradients_of_finite_differences(monkeypatch):
    """With the weights of rows and columns held, which carry no gradient by design."""
    weigh = antialias_module._weight
    for shape, camera in ((cube, OBLIQUE), (lambda: icosphere(1), FLAT)):
        vertices, triangles = shape()
        positions = seen(vertices, camera)
        raster, _ = rasterize(positions, triangles, 12, 12)
        edges = edge_table(triangles)
        colours = random(1, 12, 12, 2).requires_grad_()
        held = []
        monkeypatch.setattr(
            antialias_module, "_weight", lambda *runs, held=held: held.append(weigh(*runs)) or held[-1]
        )
        antialias(colours, raster, positions, edges)
        again = cycle(held)
        monkeypatch.setattr(antialias_module, "_weight", lambda *_, again=again: next(again))
        positions.requires_grad_()
        assert len(held) == 2
        assert gradcheck(
            lambda c, p, raster=raster, edges=edges: antialias(c, raster, p, edges), (colours, positions)
        )


# ---- rows


def test_rows_are_plain_indexing():
    table, weights = random(5, 3).requires_grad_(), random(7, 4).requires_grad_()
    index = torch.randint(0, 5, (7, 4), generator=torch.Generator().manual_seed(1))
    assert torch.equal(rows(table, index), table[index])
    assert torch.allclose(weighted_rows(table, index, weights), (table[index] * weights[..., None]).sum(1))
    assert gradcheck(lambda t: rows(t, index), table)
    assert gradcheck(lambda t, w: weighted_rows(t, index, w), (table, weights))
    nothing = index[:0]
    assert rows(table, nothing).shape == (0, 4, 3)
    assert weighted_rows(table, nothing, weights[:0]).shape == (0, 3)
