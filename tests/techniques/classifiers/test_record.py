"""What `train` writes and what dreams read: one folder, whole or refused."""

from dataclasses import replace

import pytest
import torch
import yaml

from techniques.classifiers.architectures import ARCHITECTURES
from techniques.classifiers.classifier import obtain_classifier
from techniques.classifiers.preprocessing import Preprocessing, view
from techniques.classifiers.record import RECORD, WEIGHTS, ClassifierRecord, read_record, write_classifier
from techniques.errors import BadInputError
from techniques.pictures import read_picture
from techniques.weights.registry import InputConvention, View

PREPROCESSING = Preprocessing(
    View(96, 64, crop=0.9, interpolation="bicubic"),
    InputConvention("BGR", 255.0, (104.0, 117.0, 123.0), (1.0, 1.0, 1.0)),
)
RECORD_OF = ClassifierRecord(
    architecture="mobilenet_v3_small",
    classes=("gothic", "baröque", "on"),
    preprocessing=PREPROCESSING,
    metrics={"accuracy": 0.75, "classes": {"gothic": {"recall": 1.0}}},
    dataset={"sha256": "0" * 64, "pictures": {"gothic": 3}},
    training={"epochs": 2},
)


def nothing(*_args):
    pass


@pytest.fixture
def folder(tmp_path):
    torch.manual_seed(1)
    tensors = ARCHITECTURES["mobilenet_v3_small"].build(3).state_dict()
    path = tmp_path / "gothic net"
    path.mkdir()
    write_classifier(path, RECORD_OF, tensors)
    return path


def opened(folder):
    return obtain_classifier(str(folder), announce=print, report=nothing)


def test_what_was_written_is_read_again(folder):
    record = read_record(folder)
    classifier = opened(folder)

    assert replace(record, weights_sha256="") == RECORD_OF
    assert classifier.classes == ("gothic", "baröque", "on")
    assert classifier.preprocessing == PREPROCESSING
    assert classifier.sha256 == record.weights_sha256
    assert not classifier.network.training
    assert sorted(path.name for path in folder.iterdir()) == [RECORD, WEIGHTS]


def test_the_network_gets_the_numbers_that_the_record_says(folder, photos):
    picture = read_picture(photos["china"])
    classifier = opened(folder)
    bare = classifier.network[1]
    seen = view(picture, PREPROCESSING.view)
    assert seen.shape == (3, 64, 96)
    by_hand = seen.flip(0) * 255 - torch.tensor([104.0, 117.0, 123.0]).view(3, 1, 1)

    assert torch.allclose(
        classifier.probabilities(picture), bare(by_hand.unsqueeze(0)).softmax(1)[0], atol=1e-6
    )


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"format": 99}, "format 99"),
        ({"architecture": "os.system"}, "no architecture called"),
        ({"classes": ["a", "a", "b"]}, "same name"),
        ({"classes": "abc"}, "not a list"),
        ({"classes": ["a", "b"]}, "does not fit"),
        ({"preprocessing": {}}, "'width' is missing"),
        ({"weights": {"sha256": "1" * 64}}, "is not the file"),
    ],
)
def test_a_record_that_cannot_be_is_refused(change, says, folder):
    path = folder / RECORD
    path.write_text(yaml.safe_dump({**yaml.safe_load(path.read_text()), **change}))

    with pytest.raises(BadInputError, match=says):
        opened(folder)


@pytest.mark.parametrize("value", ["!!python/object/apply:os.getcwd []", "[", "- 1", "\x00", "&a [*a, *a]"])
def test_a_record_that_is_no_record_is_refused(value, folder):
    (folder / RECORD).write_text(value)

    with pytest.raises(BadInputError, match="cannot be used"):
        opened(folder)


def test_a_folder_without_record_or_weights_is_refused(folder, tmp_path):
    (folder / WEIGHTS).rename(tmp_path / "away")
    with pytest.raises(BadInputError, match="missing"):
        opened(folder)
    (folder / RECORD).unlink()
    with pytest.raises(BadInputError, match=r"no record\.yaml"):
        opened(folder)
    with pytest.raises(BadInputError, match="not a folder"):
        opened(tmp_path / "none" / "here")


def test_weights_that_were_cut_short_are_refused(folder):
    whole = (folder / WEIGHTS).read_bytes()
    (folder / WEIGHTS).write_bytes(whole[: len(whole) // 2])

    with pytest.raises(BadInputError, match="is not the file"):
        opened(folder)


def test_a_crash_before_the_record_leaves_no_classifier(folder, monkeypatch):
    def crash(*_args, **_options):
        raise KeyboardInterrupt

    monkeypatch.setattr("techniques.classifiers.record.write_text", crash)
    with pytest.raises(KeyboardInterrupt):
        write_classifier(folder, RECORD_OF, {"a": torch.zeros(1)})

    with pytest.raises(BadInputError, match="--resume"):
        opened(folder)
