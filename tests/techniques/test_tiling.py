"""Tiles against the whole picture: the same losses and gradients, wherever the cuts lie."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from techniques.losses import Content, TotalVariation, Within
from techniques.style.objective import features_of, rate, sums_of, tiles_of
from techniques.textures import STYLE_LOSSES
from techniques.tiling import cut_up, whole
from tests.techniques.conftest import thin

LAYERS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")


def picture(path, size):
    with Image.open(path) as image:
        values = np.asarray(image.convert("RGB").resize(size, Image.Resampling.LANCZOS), dtype=np.float32)
    return torch.from_numpy(values / 255).permute(2, 0, 1).unsqueeze(0)


def halves(size, layers, network):
    """Two regions with a slanted, soft border between them: all that a picture can be cut into at once."""
    across = torch.arange(size[0]) + torch.arange(size[1])[:, None]
    left = (1 - (across - 0.4 * sum(size)) / 9).clamp(0, 1)
    whole = torch.stack([left, 1 - left]).unsqueeze(0)
    return {
        layer: (torch.nn.functional.avg_pool2d(whole, network.stride(layer))[0] * 255).to(torch.uint8)
        for layer in layers
    }


def losses(network, content, style, kind="gram", masked=False):
    def regions(picture):
        return halves((picture.shape[-1], picture.shape[-2]), LAYERS, network) if masked else None

    with torch.no_grad():
        forms = network(content, ["relu4_2"])
    seen = STYLE_LOSSES[kind]({}, dict.fromkeys(LAYERS, 1.0), regions(style))
    sums = sums_of(style, [seen], network, [whole((style.shape[-1], style.shape[-2]))])
    textures = seen.statistics({name.removeprefix("style: "): value for name, value in sums.items()})
    return [
        Content(forms, weight=5),
        replace(seen, targets=textures, regions=regions(content), weight=40),
        TotalVariation(weight=60),
        Within(weight=10),
    ]


def gradient_of(image, *arguments, **options):
    image = image.clone().requires_grad_()
    terms = rate(image, *arguments, **options)
    terms.total.backward()
    return terms, image.grad


def compared(net, size, tile, photos, **options):
    """How many tiles there were, and the relative error of their gradient."""
    content, style = picture(photos["china"], size), picture(photos["coffee"], (130, 97))
    image = content + 0.2 * torch.randn(content.shape, generator=torch.Generator().manual_seed(1))
    rated = losses(net, content, style, **options)

    known, right = gradient_of(image, rated, net, [whole(size)], checkpointed=False)
    tiles = tiles_of(size, tile, net, [*LAYERS, "relu4_2"])
    terms, tiled = gradient_of(image, rated, net, tiles, checkpointed=False)

    assert terms.total.item() == pytest.approx(known.total.item(), rel=1e-4)
    assert {name: float(v) for name, v in terms.parts.items()} == pytest.approx(
        {name: float(v) for name, v in known.parts.items()}, rel=1e-4
    )
    return len(tiles), float((tiled - right).norm() / right.norm())


@pytest.mark.parametrize("masked", [False, True], ids=["whole", "regions"])
@pytest.mark.parametrize("kind", ["gram", "moments", "wasserstein"])
@pytest.mark.parametrize("topology", ["vgg16", "vgg19"])
def test_tiles_give_the_gradient_of_the_whole_picture(topology, kind, masked, photos):
    """517 x 389 is odd at every pool, and the tiles do not divide it."""
    count, error = compared(thin(topology), (517, 389), 200, photos, kind=kind, masked=masked)

    assert count == 9
    assert error < 1e-5


def test_tiles_give_the_gradient_of_the_whole_picture_in_the_real_network(network, photos):
    count, error = compared(network, (181, 133), 100, photos)

    assert count == 4
    assert error < 1e-5


def test_a_halo_that_is_too_narrow_would_be_noticed(network, photos):
    size = (192, 128)
    content, style = picture(photos["china"], size), picture(photos["coffee"], (128, 96))
    rated = losses(network, content, style)
    image = content.flip(-1)

    _, right = gradient_of(image, rated, network, [whole(size)], checkpointed=False)
    narrow = cut_up(size, 64, halo=16, stride=16)
    _, wrong = gradient_of(image, rated, network, narrow, checkpointed=False)

    assert (wrong - right).norm() / right.norm() > 1e-3


def test_computing_activations_twice_changes_no_gradient(network, photos):
    size = (144, 96)
    content, style = picture(photos["china"], size), picture(photos["coffee"], (96, 64))
    rated = losses(network, content, style)

    _, once = gradient_of(content.flip(-1), rated, network, [whole(size)], checkpointed=False)
    _, twice = gradient_of(content.flip(-1), rated, network, [whole(size)], checkpointed=True)
    tiles = tiles_of(size, 64, network, [*LAYERS, "relu4_2"])
    _, tiled = gradient_of(content.flip(-1), rated, network, tiles, checkpointed=True)

    assert torch.equal(once, twice)
    assert (tiled - once).norm() / once.norm() < 1e-5


def test_features_computed_in_tiles_are_those_of_the_whole_picture(network, photos):
    image = picture(photos["china"], (181, 131))
    layers = ["relu1_2", "relu4_2", "relu5_1"]

    right = features_of(image, layers, network, [whole((181, 131))])
    tiled = features_of(image, layers, network, tiles_of((181, 131), 64, network, layers))

    for layer in layers:
        assert tiled[layer].shape == right[layer].shape
        assert torch.allclose(tiled[layer], right[layer], atol=1e-4 * float(right[layer].max()))


def test_the_reach_is_that_of_the_receptive_field(network):
    """132 px in VGG16 and 156 in VGG19 at relu5_1: its own 16, and this much on each side."""
    assert network.reach(["relu5_1"]) == (132 - 16) / 2
    assert thin("vgg19").reach(["relu5_1"]) == (156 - 16) / 2
    assert network.reach(["relu1_1"]) == 1


@settings(deadline=None, max_examples=60)
@given(
    width=st.integers(1, 700),
    height=st.integers(1, 700),
    tile=st.integers(16, 300),
    halo=st.integers(1, 90),
    stride=st.sampled_from([1, 2, 4, 8, 16]),
)
def test_every_position_of_every_map_belongs_to_one_tile(width, height, tile, halo, stride):
    deepest = 16
    covered = torch.zeros(height // stride, width // stride)
    for one in cut_up((width, height), tile, halo=halo, stride=deepest):
        outer = one.cut(torch.zeros(height, width))
        part = one.part(stride)
        own = torch.ones(outer.shape[0] // stride, outer.shape[1] // stride)
        part.of_whole(covered).add_(part.of_tile(own))
        assert max(outer.shape) <= tile + 2 * (halo + deepest)

    assert (covered == 1).all()


def test_a_tile_smaller_than_a_position_is_refused():
    with pytest.raises(ValueError, match="smaller than the network's stride"):
        cut_up((64, 64), 8, halo=1, stride=16)
