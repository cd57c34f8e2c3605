"""From a folder of photographs to a dream of one's own class, in the two commands that the README shows."""

import json

import numpy as np
from PIL import Image

from techniques.cli import run


def patches(photo, folder, count):
    """``count`` different squares of ``photo``, as a student's folder of one class."""
    folder.mkdir(parents=True)
    with Image.open(photo) as picture:
        whole = picture.convert("RGB")
    random = np.random.default_rng(1)
    for number in range(count):
        left, top = int(random.integers(whole.width - 130)), int(random.integers(whole.height - 130))
        whole.crop((left, top, left + 128, top + 128)).save(folder / f"{number}.png")


def test_a_folder_becomes_a_network_and_that_a_dream(photos, small, tmp_path, capsys):
    for name in ("coffee", "ihc"):
        patches(photos[name], tmp_path / "photos" / name, 10)
    weights, dreamt = tmp_path / "weights", tmp_path / "dream.png"

    trained = run(
        ["train", str(tmp_path / "photos"), "-o", str(weights), "--size", "64", "--epochs", "2", "--quiet"]
    )
    assert trained == 0, capsys.readouterr().err
    dreaming = ["dream", str(small["china"]), "--class", "Coffee", "--weights", str(weights), "--size", "64"]
    assert run([*dreaming, "--iterations", "6", "--views", "1", "-o", str(dreamt), "--quiet"]) == 0

    record = json.loads((tmp_path / "dream.run.json").read_text())
    own = json.loads((weights / "run.json").read_text())
    assert record["weights"]["sha256"] in json.dumps(own)
    assert record["metrics"]["dreamers"][0]["wanted"] == "coffee"
    assert max(record["losses"]["goal"][2:]) > record["losses"]["goal"][0]
    capsys.readouterr()
    assert run(["classify", str(photos["coffee"]), "--weights", str(weights), "--json", "--quiet"]) == 0
    answers = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {guess["name"] for guess in answers[0]["classes"]} == {"coffee", "ihc"}
