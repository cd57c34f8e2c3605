"""Random parts of a picture."""

import torch

from techniques.dream.views import Box, Views


def seeded(seed=1):
    return torch.Generator().manual_seed(seed)


def picture(height=64, width=96):
    down, across = torch.linspace(0, 1, height), torch.linspace(0, 1, width)
    return torch.stack(
        [down[:, None].expand(height, width), across.expand(height, width), torch.zeros(height, width)]
    )[None]


def test_the_whole_of_a_square_picture_is_itself():
    image = torch.rand(1, 3, 32, 32)
    views = Views(count=3, least=1, most=1, turn=0, mirror=False)

    assert torch.allclose(views.take(image, (32, 32), seeded()), image.expand(3, -1, -1, -1), atol=1e-5)


def test_half_of_them_are_mirrored():
    image = picture(32, 32)
    seen = Views(count=200, least=1, most=1, turn=0).take(image, (8, 8), seeded())

    mirrored = seen[:, 1, 0, 0] > seen[:, 1, 0, -1]
    assert 60 < mirrored.sum() < 140
    assert (seen[:, 0, 0, 0] < seen[:, 0, -1, 0]).all()  # never upside down


def test_a_view_stays_inside_and_has_the_share_that_was_asked_for():
    image = picture()
    seen = Views(count=300, least=0.25, most=1, turn=0, mirror=False).take(image, (16, 16), seeded())

    extent = (seen[:, 0, -1, 0] - seen[:, 0, 0, 0]) * 16 / 15  # of the height, which is the shorter side
    assert 0.2 < extent.min() < 0.3
    assert 0.95 < extent.max() < 1.05
    assert 0.4 < extent.median() < 0.6  # equally likely in proportions


def test_views_look_at_the_region():
    region = Box(0.5, 0.5, 0.75, 1)
    views = Views(count=100, least=0.2, most=0.3, turn=0, mirror=False, region=region)
    seen = views.take(picture(96, 96), (16, 16), seeded())

    middles = seen[:, :2, 7:9, 7:9].mean((2, 3))
    assert (middles[:, 0] > 0.48).all()
    assert ((middles[:, 1] > 0.48) & (middles[:, 1] < 0.77)).all()


def test_the_same_seed_sees_the_same_and_gradients_reach_the_picture():
    image = picture().requires_grad_()
    views = Views()

    first, again = (views.take(image, (32, 32), seeded(5)) for _ in range(2))
    first.sum().backward()

    assert torch.equal(first, again)
    assert not torch.equal(first, views.take(image, (32, 32), seeded(6)))
    assert image.grad.abs().sum() > 0


def test_a_fine_pattern_is_averaged_and_not_sampled():
    # Black and white columns, one pixel each: seen eight times smaller they are grey.
    image = (torch.arange(512) % 2).float().expand(1, 3, 512, 512)
    seen = Views(count=1, least=1, most=1, turn=0).take(image, (64, 64), seeded())

    assert (seen - 0.5).abs().max() < 0.01
