"""Settings that dream in a second, and a classifier of one's own."""

import numpy as np
import pytest
import torch
from PIL import Image

from techniques.classifiers.architectures import ARCHITECTURES
from techniques.classifiers.preprocessing import Preprocessing
from techniques.classifiers.record import ClassifierRecord, write_classifier
from techniques.dream import DreamSettings
from techniques.weights.registry import InputConvention, View


def patches(photo, folder, count):
    """``count`` different squares of ``photo``, as a student's folder of one class."""
    folder.mkdir(parents=True)
    with Image.open(photo) as picture:
        whole = picture.convert("RGB")
    random = np.random.default_rng(1)
    for number in range(count):
        left, top = int(random.integers(whole.width - 130)), int(random.integers(whole.height - 130))
        whole.crop((left, top, left + 128, top + 128)).save(folder / f"{number}.png")


@pytest.fixture(scope="session")
def quick():
    return DreamSettings(classes=("fountain",), size=96, iterations=4, views=1, judges="none", device="cpu")


def untrained(path, classes):
    """A folder as `train` writes it: an untrained network of three ``classes``, 48 px wide and 32 high."""
    path.mkdir()
    torch.manual_seed(1)
    network = ARCHITECTURES["mobilenet_v3_small"].build(3)
    numbers = InputConvention("BGR", 255.0, (104.0, 117.0, 123.0), (58.0, 57.0, 57.0))
    record = ClassifierRecord(
        architecture="mobilenet_v3_small",
        classes=classes,
        preprocessing=Preprocessing(View(48, 32), numbers),
    )
    write_classifier(path, record, network.state_dict())
    return path


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    """Three classes, one with a name that leads elsewhere."""
    return untrained(tmp_path_factory.mktemp("weights") / "styles", ("baroque", "gothic", "../mies"))
