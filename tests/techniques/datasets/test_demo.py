"""The museum that is on every machine: lessons without internet."""

import io
from pathlib import Path

from PIL import Image

from techniques.datasets.rows import rows
from techniques.datasets.testkit.drawings import drawing, drawing_size
from tests.techniques.conftest import Run, one_line


def test_a_class_list_becomes_class_folders_without_internet(here: Run, tmp_path: Path) -> None:
    (tmp_path / "work/classes.txt").write_text("gothic\nionic: category:Ionic capitals | ionic -door\n")
    finished = here("collect", "classes.txt", "--source", "demo", "--per-class", "8", "-o", "set")
    assert finished.returncode == 0, finished.stderr
    root = tmp_path / "work/set"
    assert {path.name: len(list(path.iterdir())) for path in root.iterdir() if path.is_dir()} == {
        "gothic": 8,
        "ionic": 8,
    }
    kept = [row for row in rows(root) if row["status"] == "kept"]
    assert {row["source"] for row in kept} == {"demo"}
    assert all("made up" in row["title"] for row in kept)
    assert {row["license"] for row in kept} == {"cc0", "by", "by-sa", "by-nc"}
    # They lie on no page that a credit could lead to.
    assert "<>" not in (root / "ATTRIBUTION.md").read_text()
    assert "href" not in (root / "credits.html").read_text()
    # Another day, when the museum's servers have other addresses.
    more = here("collect", "classes.txt", "--source", "demo", "--per-class", "12", "-o", "set")
    assert more.returncode == 0, more.stderr
    assert [row for row in rows(root) if row["status"] == "kept"][:16] == kept
    assert len(list((root / "gothic").iterdir())) == len(list((root / "ionic").iterdir())) == 12


def test_who_gets_fewer_than_asked_for_is_told_what_brings_more(here: Run, tmp_path: Path) -> None:
    (tmp_path / "work/classes.txt").write_text("gothic\n")
    wide = ("--license", "cc0", "--min-side", "300")
    finished = here("collect", "classes.txt", "--source", "demo", "--per-class", "90", *wide, "-o", "set")
    assert finished.returncode == 0, finished.stderr
    assert "of 90 pictures; its searches have no more, others bring more" in finished.stderr


def test_made_up_pictures_do_not_mix_with_real_ones(here: Run, tmp_path: Path) -> None:
    (tmp_path / "work/classes.txt").write_text("gothic\n")
    said = one_line(here("collect", "classes.txt", "--source", "demo,openverse", "-o", "set"), status=2)
    assert "--source demo stands alone" in said
    assert not (tmp_path / "work/set").exists()


def test_a_drawing_is_the_same_each_time_and_of_the_size_that_was_said() -> None:
    for word, number in (("gothic", 0), ("Hagia Sophia", 7)):
        data = drawing(word, number)
        assert data == drawing(word, number)
        assert Image.open(io.BytesIO(data)).size == drawing_size(word, number)
    assert drawing("gothic", 0) != drawing("gothic", 1) != drawing("dome", 1)
