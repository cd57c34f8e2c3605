"""The change of a photograph in Fourier space."""

import pytest
import torch

from techniques.dream.canvas import Canvas


def random_photo(height, width, seed=1):
    return torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("sides", [(33, 48), (48, 33), (32, 32)])
def test_a_blank_spectrum_is_the_photograph_itself(sides):
    photo = random_photo(*sides)
    photo[..., :4, :4], photo[..., -4:, -4:] = 0, 1

    assert torch.equal(Canvas(photo).picture(Canvas(photo).blank()), photo)


@pytest.mark.parametrize(
    ("small", "large"), [((20, 30), (40, 60)), ((21, 33), (43, 65)), ((20, 31), (41, 61))]
)
def test_a_change_stays_the_same_when_the_picture_grows(small, large):
    grey = [Canvas(torch.full((1, 3, *sides), 0.5)) for sides in (small, large)]
    spectrum = grey[0].blank()
    # A few waves that both sizes can show.
    spectrum[:, :4, :4] = torch.randn(3, 4, 4, 2, generator=torch.Generator().manual_seed(1))

    before = grey[0].picture(spectrum)
    after = grey[1].picture(grey[1].enlarged(spectrum, grey[0]))

    shrunk = torch.nn.functional.interpolate(
        after, small, mode="bicubic", align_corners=False, antialias=True
    )
    inner = (..., slice(3, -3), slice(3, -3))
    assert before.std() > 0.02
    assert (shrunk[inner] - before[inner]).abs().max() < 0.2 * before.std()


def test_colours_never_leave_their_range_and_gradients_flow():
    canvas = Canvas(random_photo(24, 24))
    spectrum = (30 * torch.randn(canvas.blank().shape)).requires_grad_()

    picture = canvas.picture(spectrum)
    picture.square().mean().backward()

    assert 0 <= picture.min() <= picture.max() <= 1
    assert spectrum.grad.abs().max() > 0


def test_outside_the_mask_nothing_changes():
    photo = random_photo(24, 32)
    mask = torch.zeros(1, 1, 24, 32)
    mask[..., 8:16, 8:24] = 1
    canvas = Canvas(photo, mask)

    picture = canvas.picture(torch.randn(canvas.blank().shape))

    outside = (mask == 0).expand_as(photo)
    assert torch.equal(picture[outside], photo[outside])
    assert (picture[~outside] - photo[~outside]).abs().mean() > 0.01
