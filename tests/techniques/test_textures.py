from dataclasses import replace

import numpy as np
import pytest
import torch

from techniques.losses import total
from techniques.textures import (
    STYLE_LOSSES,
    GramStyle,
    Moments,
    MomentStyle,
    WassersteinStyle,
    gram,
    mean_of,
)

KINDS = list(STYLE_LOSSES.values())


@pytest.fixture
def random():
    return torch.Generator().manual_seed(3)


def values(random, *shape):
    return torch.rand(shape, generator=random)


def moments(features, regions=None):
    """Of features (1, C, H, W) at a layer called a."""
    from techniques.losses import _ALL

    seen = GramStyle({}, {"a": 1.0}, regions and {"a": regions["a"]})
    return seen.statistics(seen.sums("a", features, _ALL))


def test_gram_is_the_mean_of_products_over_positions():
    features = torch.tensor([[[[1.0, 2.0]], [[3.0, 5.0]]]])

    assert gram(features).tolist() == [[2.5, 6.5], [6.5, 17.0]]
    assert torch.equal(moments(features)["a"].products, gram(features))


def test_gram_does_not_overflow_in_half_precision():
    assert torch.isfinite(gram(torch.full((1, 4, 64, 64), 300.0, dtype=torch.float16))).all()


def test_worked_values():
    target, picture = torch.tensor([[[[1.0, 3.0]]]]), {"a": torch.tensor([[[[2.0, 3.0]]]])}
    image = torch.zeros(1)

    def loss(kind):
        return STYLE_LOSSES[kind](moments(target), {"a": 1.0})(image, picture).item()

    # Mean squares 5 and 6.5; means 2 and 2.5; variances 1 and 0.25.
    assert loss("gram") == pytest.approx((6.5 - 5) ** 2 / 25)
    assert loss("moments") == pytest.approx(0.5 * (0.5**2 / 4) + 0.5 * (0.75**2 / 1))
    assert loss("wasserstein") == pytest.approx((0.5**2 + (1 - 0.5) ** 2) / (4 + 1), rel=1e-3)


@pytest.mark.parametrize("kind", KINDS)
def test_a_style_loss_is_zero_at_its_own_target_wherever_things_are(kind, random):
    features = values(random, 1, 4, 5, 6)
    style = kind(moments(features), {"a": 2.0})

    assert style(torch.zeros(1), {"a": features}).item() == pytest.approx(0, abs=1e-4)
    assert style(torch.zeros(1), {"a": features.repeat(1, 1, 3, 2).flip(-1)}).item() == pytest.approx(
        0, abs=1e-4
    )
    assert style(torch.zeros(1), {"a": 0 * features}).item() == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize("kind", KINDS)
def test_gradients_agree_with_finite_differences(kind, random):
    loss = kind(moments(values(random, 1, 3, 4, 5)), {"a": 1.0})
    picture = (values(random, 1, 3, 4, 5) * 1.4 - 0.2).requires_grad_()
    direction = values(random, 1, 3, 4, 5) - 0.5

    def rate(x):
        return loss(torch.zeros(1), {"a": x})

    (gradient,) = torch.autograd.grad(rate(picture), picture)
    step = 1e-2
    with torch.no_grad():
        slope = (rate(picture + step * direction) - rate(picture - step * direction)) / (2 * step)

    assert float((gradient * direction).sum()) == pytest.approx(float(slope), rel=3e-2, abs=1e-4)
    assert abs(float(slope)) > 1e-3


def test_the_wasserstein_distance_is_that_of_samples_far_apart(random):
    """Against an independent figure: for commuting covariances it is the distance of the deviations."""
    one = torch.randn(1, 3, 400, 400, generator=random) * torch.tensor([1.0, 2.0, 3.0]).view(1, 3, 1, 1) + 2
    other = torch.randn(1, 3, 400, 400, generator=random) * torch.tensor([2.0, 2.0, 1.0]).view(1, 3, 1, 1) + 1
    found = WassersteinStyle(moments(one), {"a": 1.0})(torch.zeros(1), {"a": other})

    apart, own = 3 * 1**2 + (1 + 0 + 4), 3 * 2**2 + (1 + 4 + 9)
    assert float(found) == pytest.approx(apart / own, rel=0.02)


def test_a_region_is_compared_with_its_own_style_only(random):
    left, right = values(random, 1, 4, 6, 6), 3 * values(random, 1, 4, 6, 6)
    picture = torch.cat([left, right], -1)
    regions = torch.zeros(2, 6, 12, dtype=torch.uint8)
    regions[0, :, :6], regions[1, :, 6:] = 255, 255
    style = GramStyle(moments(picture, {"a": regions}), {"a": 1.0}, {"a": regions})
    swapped = torch.cat([right, left], -1)

    assert style.targets["a"].products.shape == (2, 4, 4)
    assert torch.allclose(style.targets["a"].products[0], gram(left), atol=1e-5)
    assert style.targets["a"].share.tolist() == [0.5, 0.5]
    assert total([style], torch.zeros(1), {"a": picture}).total.item() == pytest.approx(0, abs=1e-9)
    assert total([style], torch.zeros(1), {"a": swapped}).total.item() > 0.3


def test_what_is_flat_in_the_style_is_not_infinitely_far():
    flat = Moments(torch.ones(1, 4, 4), torch.ones(1, 4), torch.ones(1))
    found = replace(flat, products=flat.products + 0.1 * torch.eye(4))

    assert 0.5 < float(MomentStyle({}, {}).distance(found, flat)) < 5


def test_several_styles_are_blended_by_weight_where_they_have_something():
    one, other = moments(torch.ones(1, 2, 3, 3)), moments(2 * torch.ones(1, 2, 3, 3))
    assert mean_of([one, other], [2, 1])["a"].products.numpy() == pytest.approx(np.full((2, 2), 2.0))

    regions = torch.zeros(2, 3, 3, dtype=torch.uint8)
    regions[0] = 255
    only_first = moments(torch.ones(1, 2, 3, 3), {"a": regions})
    only_second = moments(2 * torch.ones(1, 2, 3, 3), {"a": regions.flip(0)})
    blended = mean_of([only_first, only_second], [2, 1])["a"]
    assert blended.products[:, 0, 0].tolist() == pytest.approx([1, 4])
