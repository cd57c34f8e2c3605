"""Real networks on real photographs: their answers tell whether they are fed and built rightly."""

import pytest
import torch

from techniques.classifiers.architectures import ARCHITECTURES
from techniques.classifiers.classifier import obtain_classifier
from techniques.errors import BadInputError
from techniques.pictures import read_picture

REAL = ("mobilenet-v2", "efficientnet-lite0", "efficientnet-lite2")


def classifier(name):
    return obtain_classifier(name, announce=print, report=lambda *_: None)


@pytest.mark.parametrize("name", REAL)
def test_a_network_names_what_photographs_show(name, photos):
    network = classifier(name)

    def named(photo):
        return dict(
            zip(network.classes, network.probabilities(read_picture(photos[photo])).tolist(), strict=True)
        )

    coffee, chelsea, china = named("coffee"), named("chelsea"), named("china")
    assert coffee["espresso"] > 0.85
    assert chelsea["tiger cat"] + chelsea["Egyptian cat"] + chelsea["tabby"] > 0.8
    # With torchvision's mean and deviation the EfficientNets fall below this.
    assert china["palace"] > 0.28
    assert sum(china.values()) == pytest.approx(1, abs=1e-4)
    assert network.sha256.startswith(("b0353104", "57934424", "9656183e"))


def test_a_network_without_classes_is_refused_by_name():
    with pytest.raises(BadInputError, match="hed-vgg16"):
        classifier("hed-vgg16")


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_each_architecture_has_its_head_where_the_table_says(name):
    with torch.device("meta"):
        architecture = ARCHITECTURES[name]
        three, five = (architecture.build(classes).eval().state_dict() for classes in (3, 5))
    differ = {key.rpartition(".")[0] for key in three if three[key].shape != five[key].shape}
    assert differ == {architecture.head}
