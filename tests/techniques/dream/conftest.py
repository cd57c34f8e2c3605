"""Settings that dream in a second, and a classifier of one's own."""

import pytest
import torch

from techniques.classifiers.architectures import ARCHITECTURES
from techniques.classifiers.preprocessing import Preprocessing
from techniques.classifiers.record import ClassifierRecord, write_classifier
from techniques.dream import DreamSettings
from techniques.weights.registry import InputConvention, View


@pytest.fixture(scope="session")
def quick():
    return DreamSettings(classes=("fountain",), size=96, iterations=4, views=1, judges="none", device="cpu")


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    """A folder as `train` writes it: an untrained network of three classes, 48 px wide and 32 high."""
    path = tmp_path_factory.mktemp("weights") / "styles"
    path.mkdir()
    torch.manual_seed(1)
    network = ARCHITECTURES["mobilenet_v3_small"].build(3)
    numbers = InputConvention("BGR", 255.0, (104.0, 117.0, 123.0), (58.0, 57.0, 57.0))
    record = ClassifierRecord(
        architecture="mobilenet_v3_small",
        classes=("baroque", "gothic", "../mies"),
        preprocessing=Preprocessing(View(48, 32), numbers),
    )
    write_classifier(path, record, network.state_dict())
    return path
