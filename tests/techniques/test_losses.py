import numpy as np
import pytest
import torch

from techniques.losses import Content, TotalVariation, Within, total


@pytest.fixture
def random():
    return torch.Generator().manual_seed(3)


def values(random, *shape):
    return torch.rand(shape, generator=random, dtype=torch.float64)


def test_worked_values():
    target = {"a": torch.tensor([[[[1.0, 3.0]]]])}
    picture = {"a": torch.tensor([[[[2.0, 3.0]]]])}
    image = torch.tensor([[[[0.0, 0.5], [1.0, 1.5]]]])

    assert Content(target)(image, picture).item() == pytest.approx(0.5 / 5)
    assert TotalVariation()(image, {}).item() == pytest.approx(0.25 + 1.0)
    assert Within()(image, {}).item() == pytest.approx(0.25 / 4)


def test_each_loss_is_zero_at_its_own_target(random):
    features = {"a": values(random, 1, 4, 5, 6).float()}

    assert Content(features)(torch.zeros(1), features).item() == 0


@pytest.mark.parametrize(
    "make",
    [
        lambda target: Content({"a": target}),
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
