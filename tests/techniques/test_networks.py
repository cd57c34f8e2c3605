import hashlib

import numpy as np
import pytest
import torch
from PIL import Image

from techniques.errors import BadInputError
from techniques.networks import FeatureNetwork
from techniques.pictures import read_picture
from techniques.weights.registry import InputConvention


def picture(path, size=(96, 64)):
    with Image.open(path) as image:
        values = np.asarray(image.convert("RGB").resize(size), dtype=np.float32) / 255
    return torch.from_numpy(values).permute(2, 0, 1).unsqueeze(0)


def test_the_converted_tensors_are_those_that_were_checked(network, weights):
    assert weights.entry.name == "hed-vgg16"
    digest = hashlib.sha256()
    convolutions = [layer for layer in network.layers if isinstance(layer, torch.nn.Conv2d)]
    for layer in convolutions:
        digest.update(layer.weight.detach().numpy().tobytes())
        digest.update(layer.bias.detach().numpy().tobytes())

    assert len(convolutions) == 13
    assert digest.hexdigest() == "5094da219ef3c13b3eba1243ba7f37cd574963a7320a7a8a1650b3926a1a92ba"


def test_the_network_sees_edges_only_in_the_channel_order_it_was_trained_on(network, photos):
    """What HED was trained for, read off its own features: a BGR network fed RGB answers differently."""
    china = picture(photos["china"])

    right = network(china, ["relu1_2"])["relu1_2"]
    wrong = network(china.flip(1), ["relu1_2"])["relu1_2"]

    assert (right - wrong).abs().mean() > 0.1 * right.abs().mean()


def test_layers_have_the_sizes_that_their_names_promise(network):
    found = network(torch.rand(1, 3, 70, 50), ["relu1_1", "conv2_2", "relu3_3", "pool4", "relu5_1"])

    assert {name: tuple(values.shape[1:]) for name, values in found.items()} == {
        "relu1_1": (64, 70, 50),
        "conv2_2": (128, 35, 25),
        "relu3_3": (256, 17, 12),
        "pool4": (512, 4, 3),
        "relu5_1": (512, 4, 3),
    }


def test_a_convolution_asked_for_is_not_overwritten_by_its_relu(network):
    found = network(torch.rand(1, 3, 32, 32), ["conv1_1", "relu1_1"])

    assert found["conv1_1"].min() < 0
    assert torch.equal(found["conv1_1"].relu(), found["relu1_1"])


def test_a_flat_colour_has_no_frame(network):
    """Zero padding in the first convolution would mean a grey frame round every picture."""
    activations = network(torch.full((1, 3, 40, 40), 0.8), ["relu1_1"])["relu1_1"]

    assert torch.allclose(activations, activations[..., 20:21, 20:21].expand_as(activations), atol=1e-3)


def test_conventions_that_say_the_same_give_the_same(network, photos):
    """The network's own convention written out for a network that takes plain RGB of 0..1."""
    china = picture(photos["china"])
    bgr = InputConvention("BGR", 255, (104.0, 117.0, 123.0), (1, 1, 1))
    rgb = InputConvention("RGB", 1, (123 / 255, 117 / 255, 104 / 255), (1 / 255, 1 / 255, 1 / 255))
    flipped = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3, padding=1))
    straight = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3, padding=1))
    with torch.no_grad():
        straight[0].weight.copy_(flipped[0].weight.flip(1))
        straight[0].bias.copy_(flipped[0].bias)

    one = FeatureNetwork(flipped, bgr)(china, ["conv1_1"])["conv1_1"]
    other = FeatureNetwork(straight, rgb)(china, ["conv1_1"])["conv1_1"]

    assert torch.allclose(one, other, atol=1e-2)
    assert one.abs().max() > 10


def test_an_unknown_layer_is_refused_with_those_that_there_are(network):
    with pytest.raises(BadInputError, match=r"no layer relu9_1.*relu1_1"):
        network(torch.rand(1, 3, 32, 32), ["relu9_1"])


def test_a_photograph_is_normalised_whatever_its_file_was(network, photos):
    from_file = torch.from_numpy(read_picture(photos["chelsea"]).rgb).permute(2, 0, 1).unsqueeze(0)

    assert 0 < network(from_file[..., :64, :64], ["relu3_1"])["relu3_1"].mean() < 1000
