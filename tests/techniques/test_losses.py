import numpy as np
import pytest
import torch

from techniques.losses import Content, GramStyle, TotalVariation, Within, gram, mean_of, total


@pytest.fixture
def random():
    return torch.Generator().manual_seed(3)


def values(random, *shape):
    return torch.rand(shape, generator=random, dtype=torch.float64)


def test_gram_is_the_mean_of_products_over_positions():
    features = torch.tensor([[[[1.0, 2.0]], [[3.0, 5.0]]]])

    assert gram(features).tolist() == [[2.5, 6.5], [6.5, 17.0]]


def test_gram_does_not_overflow_in_half_precision():
    assert torch.isfinite(gram(torch.full((1, 4, 64, 64), 300.0, dtype=torch.float16))).all()


def test_worked_values():
    target = {"a": torch.tensor([[[[1.0, 3.0]]]])}
    picture = {"a": torch.tensor([[[[2.0, 3.0]]]])}
    image = torch.tensor([[[[0.0, 0.5], [1.0, 1.5]]]])

    assert Content(target)(image, picture).item() == pytest.approx(0.5 / 5)
    assert GramStyle({"a": gram(target["a"])}, {"a": 1.0})(image, picture).item() == pytest.approx(
        (6.5 - 5) ** 2 / 25
    )
    assert TotalVariation()(image, {}).item() == pytest.approx(0.25 + 1.0)
    assert Within()(image, {}).item() == pytest.approx(0.25 / 4)


def test_each_loss_is_zero_at_its_own_target(random):
    features = {"a": values(random, 1, 4, 5, 6).float()}

    assert Content(features)(torch.zeros(1), features).item() == 0
    assert GramStyle({"a": gram(features["a"])}, {"a": 2.0})(torch.zeros(1), features).item() == 0


def test_a_picture_repeated_has_the_same_style_as_itself(random):
    features = values(random, 1, 4, 5, 6).float()
    style = GramStyle({"a": gram(features)}, {"a": 1.0})

    assert style(torch.zeros(1), {"a": features.repeat(1, 1, 3, 2)}).item() < 1e-10


@pytest.mark.parametrize(
    "make",
    [
        lambda target: Content({"a": target}),
        lambda target: GramStyle({"a": gram(target)}, {"a": 1.0}),
        lambda target: TotalVariation(),
        lambda target: Within(),
    ],
)
def test_gradients_agree_with_finite_differences(make, random):
    loss = make(values(random, 1, 3, 4, 5))
    picture = (values(random, 1, 3, 4, 5) * 1.4 - 0.2).float().requires_grad_()
    direction = (values(random, 1, 3, 4, 5) - 0.5).float()

    def rate(x):
        return loss(x, {"a": x})

    (gradient,) = torch.autograd.grad(rate(picture), picture)
    step = 1e-2
    with torch.no_grad():
        slope = (rate(picture + step * direction) - rate(picture - step * direction)) / (2 * step)

    assert float((gradient * direction).sum()) == pytest.approx(float(slope), rel=2e-2, abs=1e-4)
    assert abs(float(slope)) > 1e-3


def test_losses_scale_as_values_and_a_weight_of_zero_pulls_at_nothing(random):
    image = values(random, 1, 3, 6, 6).float().requires_grad_()
    noise, outside = TotalVariation(weight=2.0) * 3, 0 * TotalVariation(name="other")

    terms = total([noise, outside], image, {})
    terms.total.backward()

    assert terms.total.item() == pytest.approx(6 * terms.parts["variation"].item())
    assert terms.parts["other"] == terms.parts["variation"]
    assert np.isfinite(image.grad.numpy()).all()


def test_several_styles_are_blended_by_weight():
    blended = mean_of([{"a": torch.ones(2, 2)}, {"a": torch.full((2, 2), 4.0)}], [2, 1])

    assert blended["a"].tolist() == [[2, 2], [2, 2]]
