"""`deepdesign classify` as a person runs it."""

import csv
import json
import os
import shutil
import subprocess

import pytest

from techniques.classifiers.answers import answer
from techniques.classifiers.classifier import obtain_classifier
from techniques.cli import run
from techniques.pictures import read_picture
from tests.techniques.conftest import PROGRAM


def test_pictures_are_named_in_a_table(photos, program):
    shown = program("classify", photos["coffee"], photos["chelsea"], "--top", 2)

    assert shown.returncode == 0, shown.stderr
    lines = shown.stdout.splitlines()
    assert lines[0] == str(photos["coffee"])
    assert lines[1].split()[:1] == ["espresso"]
    assert len(lines) == 6
    assert "efficientnet-lite0" in shown.stderr


def test_json_and_a_folder_hold_the_same_answers(photos, program, tmp_path):
    out = tmp_path / "answers"
    shown = program("classify", photos["coffee"], "--json", "-o", out, "--weights", "efficientnet-lite0")

    assert shown.returncode == 0, shown.stderr
    *events, record = [json.loads(line) for line in shown.stdout.splitlines()]
    said = [event for event in events if event["event"] == "answer"]
    assert said[0]["classes"][0]["name"] == "espresso"
    assert said[0]["sure"] is True
    assert record == json.loads((out / "run.json").read_text())
    assert record["weights"]["sha256"].startswith("57934424")
    rows = list(csv.DictReader((out / "answers.csv").open()))
    assert [row["class"] for row in rows] == [guess["name"] for guess in said[0]["classes"]]
    assert program("classify", photos["coffee"], "--quiet", "-o", out).returncode == 0


def test_a_name_that_is_not_utf_8_stands_for_its_file_everywhere(photos, tmp_path):
    picture = os.fsencode(tmp_path) + b"/caf\xe9.jpg"
    shutil.copy(photos["coffee"], picture)

    shown = subprocess.run(
        [PROGRAM, "classify", picture, "--top", "1", "-o", tmp_path / "run1.5", "--quiet"],
        capture_output=True, timeout=600, check=False,
    )  # fmt: skip

    assert shown.returncode == 0, shown.stderr
    assert shown.stdout.splitlines()[0] == picture
    record = json.loads((tmp_path / "run1.5" / "run.json").read_text())
    assert os.fsencode(record["arguments"]["images"][0]) == picture
    assert "caf\\udce9.jpg" in (tmp_path / "run1.5" / "answers.csv").read_text()


def test_a_picture_of_none_of_its_classes_is_marked(photos):
    classifier = obtain_classifier("mobilenet-v2", announce=print, report=lambda *_: None)

    sure = {
        name: answer(photos[name], read_picture(photos[name]), classifier, 5).sure
        for name in ("coffee", "china", "astronaut")
    }

    # A portrait is no class of ImageNet.
    assert sure == {"coffee": True, "china": True, "astronaut": False}


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["missing.jpg"], "missing.jpg does not exist"),
        (["{coffee}", "{text}"], "text.jpg is not a picture"),
        (["{coffee}", "--weights", "alexnet"], "no network called 'alexnet'"),
        (["{coffee}", "--weights", "hed-vgg16"], "hed-vgg16"),
        (["{coffee}", "--weights", "no/such/folder"], "not a folder"),
        (["{coffee}", "--top", "0"], "--top"),
        (["{coffee}", "-o", "a.png"], "Name a folder"),
        ([], "Missing argument 'IMAGE...'"),
    ],
)
def test_wrong_input_is_refused_in_one_line_and_leaves_nothing(arguments, says, photos, capsys, tmp_path):
    (tmp_path / "text.jpg").write_text("not a picture")
    given = [word.format(coffee=photos["coffee"], text=tmp_path / "text.jpg") for word in arguments]
    output = [] if "-o" in given else ["-o", str(tmp_path / "out")]

    assert run(["classify", *given, "--quiet", *output]) == 2

    shown = capsys.readouterr()
    assert shown.out == ""
    assert len(shown.err.splitlines()) == 1
    assert says in shown.err
    assert [path.name for path in tmp_path.iterdir()] == ["text.jpg"]
