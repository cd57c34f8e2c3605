"""Files of a person's own, where a dataset would write its sheets."""

from pathlib import Path

import pytest

from techniques.cli import run
from techniques.datasets.manifest import Manifest
from techniques.datasets.page import PAGE
from techniques.datasets.rows import NAME, Place
from techniques.datasets.taken import refuse_loss
from techniques.errors import BadInputError

SHEETS = ("run.json", "classes.json", "credits.csv", "credits.html", "ATTRIBUTION.md", PAGE)


@pytest.mark.parametrize("name", SHEETS)
def test_a_collection_replaces_nothing_that_is_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    (tmp_path / "styles.txt").write_text("dome")
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / name).write_text('{"command": "style", "results": ["result.png"]}')
    options = ("-o", str(tmp_path / "set"), "--source", "openverse", "--quiet")
    nobody = ("--endpoint", "openverse=http://127.0.0.1:9/")
    assert run(["collect", str(tmp_path / "styles.txt"), *options, *nobody]) == 2
    said = capsys.readouterr().err
    assert len(said.splitlines()) == 1
    assert name in said
    assert [path.name for path in (tmp_path / "set").iterdir()] == [name]
    assert "style" in (tmp_path / "set" / name).read_text()


def test_a_list_that_is_read_is_not_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "credits.csv").write_text("url,license\nhttps://x.example/a.jpg,by\n")
    (tmp_path / "styles.txt").write_text("dome: urls:credits.csv")
    with Manifest(tmp_path):
        pass
    assert run(["collect", str(tmp_path / "styles.txt"), "-o", str(tmp_path), "--quiet"]) == 2
    assert "is read by this run" in capsys.readouterr().err
    assert "x.example" in (tmp_path / "credits.csv").read_text()


def test_a_dataset_is_gone_on_with_and_a_person_s_curated_folders_are_not_one(tmp_path: Path) -> None:
    (tmp_path / "classes.json").write_text("{}")
    with Manifest(tmp_path) as manifest:
        refuse_loss(tmp_path, SHEETS, [])  # begun, and killed before the first line
        manifest.put(Place("a/x.jpg", "b"))
        with pytest.raises(BadInputError, match=r"classes\.json"):
            refuse_loss(tmp_path, SHEETS, [])
        manifest.found("a", "openverse", "a", [], None)
        refuse_loss(tmp_path, SHEETS, [])
    (tmp_path / PAGE).write_text("my thesis")
    with pytest.raises(BadInputError, match="no report of ours"):
        refuse_loss(tmp_path, SHEETS, [])


def test_a_manifest_of_another_program_is_left_as_it_is(tmp_path: Path) -> None:
    for theirs in ('{"audio_filepath": "a.wav"}', "one, two", '{"row": 3'):
        (tmp_path / NAME).write_text(theirs)
        with pytest.raises(BadInputError, match="line 1"), Manifest(tmp_path):
            pass
        assert (tmp_path / NAME).read_text() == theirs
