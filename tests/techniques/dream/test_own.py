"""From a folder of photographs to a dream of one's own class, in the two commands that the README shows."""

import json

from techniques.cli import run
from tests.techniques.dream.conftest import patches


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
