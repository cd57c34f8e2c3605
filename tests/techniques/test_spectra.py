"""Optimising a picture through its spectrum: the same goal on a shorter way."""

import io

import pytest
import torch

from techniques.losses import Terms
from techniques.optimise import Stage, Verdict, method_named, optimise
from techniques.spectra import InSpectrum, filtered

SIZES = [(1, 3, 12, 17), (1, 3, 33, 16), (1, 1, 1, 5)]


def noise(shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("shape", SIZES)
def test_the_filter_has_an_inverse(shape):
    picture = noise(shape)

    assert torch.allclose(filtered(filtered(picture, 1), -1), picture, atol=1e-5)


@pytest.mark.parametrize("shape", SIZES)
def test_the_filter_is_its_own_transpose(shape):
    one, other = noise(shape), noise(shape, seed=1)

    assert (filtered(one, 1) * other).sum().item() == pytest.approx(
        (one * filtered(other, 1)).sum().item(), rel=1e-4, abs=1e-4
    )


def test_noise_passed_twice_is_as_smooth_as_a_photograph_and_once_keeps_its_strength():
    once = filtered(noise((1, 1, 96, 96)), 1)
    amplitude = torch.fft.rfft2(filtered(once, 1)).abs()

    assert once.square().mean().sqrt().item() == pytest.approx(1, abs=0.35)
    # Ten times the frequency, a tenth of the amplitude (less at the first, which f_0 holds down).
    ratio = amplitude[..., 3:6, 3:6].mean() / amplitude[..., 35:46, 35:46].mean()
    assert ratio.item() == pytest.approx(10, rel=0.3)


def stage(steps, method):
    """A smooth picture to be found, under a penalty on everything but its fine grain."""
    target = filtered(noise((1, 1, 24, 31), seed=2), 1)

    def rate(parameters):
        apart = parameters["x"] - target
        fine = apart - torch.nn.functional.avg_pool2d(apart, 5, 1, 2)
        loss = apart.square().mean() + 100 * fine.square().mean()
        return Terms(loss, {"apart": apart.square().mean().detach()})

    return Stage("one", steps, lambda _: {"x": torch.zeros_like(target)}, lambda: rate, method=method)


def in_spectrum(name):
    return lambda pictures: InSpectrum(pictures, lambda hidden: method_named(name, hidden))


def test_a_smooth_picture_is_found_sooner_than_through_its_pixels():
    _, through_pixels = optimise([stage(12, None)])
    _, through_spectrum = optimise([stage(12, in_spectrum("lbfgs"))])

    assert through_spectrum["apart"][-1] < through_pixels["apart"][-1] / 2


@pytest.mark.parametrize("name", ["lbfgs", "adam"])
@pytest.mark.parametrize("at", [1, 5])
def test_a_run_continued_from_any_step_ends_in_the_same_numbers(name, at):
    saved = io.BytesIO()

    def save(step):
        if step.number == at:
            torch.save(step.state(), saved)
        return Verdict.GO_ON

    whole, losses = optimise([stage(9, in_spectrum(name))], callbacks=[save])
    saved.seek(0)
    state = torch.load(saved, weights_only=True)
    again, losses_again = optimise([stage(9, in_spectrum(name))], state=state)

    assert torch.equal(whole["x"], again["x"])
    assert losses == losses_again
