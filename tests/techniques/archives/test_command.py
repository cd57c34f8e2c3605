"""`deepdesign unpack` and `pack`, and the course's two shell files, as a person runs them."""

import json
import os
import subprocess
import sysconfig
from pathlib import Path

import pytest

from tests.techniques.archives.conftest import tree
from tests.techniques.archives.hostile import zip_of
from tests.techniques.conftest import Run, one_line

SCRIPTS = Path(sysconfig.get_path("scripts"))
FIELDS = {"command", "arguments", "seed", "device", "weights", "versions", "results", "metrics", "seconds"}


def bash(name: str, *arguments: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", SCRIPTS / name, *map(str, arguments)],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
    )


def test_unpack_writes_beside_the_archive_with_a_record(tmp_path: Path, here: Run) -> None:
    zip_of(
        tmp_path / "my photos.zip", ("gothic/1.jpg", b"1"), ("dome/1.jpg", b"2"), ("__MACOSX/._1.jpg", b"3")
    )
    finished = here("unpack", tmp_path / "my photos.zip")
    assert finished.returncode == 0, finished.stderr
    assert finished.stdout.strip() == str(tmp_path / "my photos")
    assert "Left out: 1 files" in finished.stderr
    record = json.loads((tmp_path / "my photos" / "run.json").read_text())
    assert record.keys() >= FIELDS
    assert record["metrics"]["files"] == 2
    assert set(tree(tmp_path / "my photos")) == {"gothic/1.jpg", "dome/1.jpg", "run.json"}


def test_the_last_json_line_is_the_record(tmp_path: Path, here: Run) -> None:
    zip_of(tmp_path / "a.zip", ("a/1.txt", b"1" * 3_000_000))
    finished = here("unpack", tmp_path / "a.zip", "-o", tmp_path / "out", "--json")
    lines = [json.loads(line) for line in finished.stdout.splitlines()]
    assert lines[-1] == json.loads((tmp_path / "out" / "run.json").read_text())
    assert any(line.get("event") == "progress" and line["done"] == 3_000_000 for line in lines)


def test_an_unsafe_archive_is_one_plain_line_and_nothing_else(tmp_path: Path, here: Run) -> None:
    zip_of(tmp_path / "a.zip", ("good.txt", b"1"), ("../evil.txt", b"2"))
    line = one_line(here("unpack", tmp_path / "a.zip"), status=2)
    assert "'../evil.txt' leads out of the folder" in line
    assert "--skip-unsafe" in line
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.zip", "work"]
    skipped = here("unpack", tmp_path / "a.zip", "--skip-unsafe")
    assert skipped.returncode == 0
    assert "evil" in skipped.stderr
    assert set(tree(tmp_path / "a")) == {"good.txt", "run.json"}


@pytest.mark.parametrize("name", ["missing.zip", "work", "text.zip"])
def test_what_cannot_be_unpacked_is_one_plain_line(tmp_path: Path, here: Run, name: str) -> None:
    (tmp_path / "text.zip").write_text("no archive at all " * 50)
    assert name in one_line(here("unpack", tmp_path / name), status=2)


def test_a_folder_that_cannot_be_written_is_one_plain_line(tmp_path: Path, here: Run) -> None:
    zip_of(tmp_path / "a.zip", ("a.txt", b"1"))
    one_line(here("unpack", tmp_path / "a.zip", "-o", "/proc/nowhere"), status=2)
    (tmp_path / "file").write_text("x")
    one_line(here("unpack", tmp_path / "a.zip", "-o", tmp_path / "file"), status=2)
    one_line(here("unpack", tmp_path / "a.zip", "-o", tmp_path / "file" / "below"), status=2)


def test_the_record_of_an_earlier_run_inside_is_kept(tmp_path: Path, here: Run) -> None:
    zip_of(tmp_path / "a.zip", ("run.json", b"{}"), ("result.png", b"1"))
    assert here("unpack", tmp_path / "a.zip").returncode == 0
    assert (tmp_path / "a" / "run.json").read_text() == "{}"
    assert json.loads((tmp_path / "a" / "unpack.run.json").read_text())["command"] == "unpack"


def test_unpacked_again_over_itself_there_is_still_one_record(tmp_path: Path, here: Run) -> None:
    zip_of(tmp_path / "a.zip", ("a.txt", b"1"))
    assert here("unpack", tmp_path / "a.zip").returncode == 0
    assert here("unpack", tmp_path / "a.zip", "--overwrite").returncode == 0
    assert set(tree(tmp_path / "a")) == {"a.txt", "run.json"}


def test_list_writes_nothing(tmp_path: Path, here: Run) -> None:
    zip_of(tmp_path / "a.zip", ("a.txt", b"12345"), ("../b.txt", b"1"), (".DS_Store", b"1"))
    finished = here("unpack", "--list", tmp_path / "a.zip")
    assert finished.returncode == 0
    assert "refused  ../b.txt" in finished.stdout
    assert "junk  .DS_Store" in finished.stdout
    assert "1 files" in finished.stdout
    said = here("unpack", "--list", "--json", tmp_path / "a.zip").stdout
    file, refused, last = (json.loads(line) for line in said.splitlines())
    assert (file["name"], file["bytes"], refused["name"]) == ("a.txt", 5, "../b.txt")
    assert (last["files"], last["junk"]) == (1, [".DS_Store"])
    assert not (tmp_path / "a").exists()


def test_a_list_of_what_would_be_packed_for_programs(tmp_path: Path, here: Run) -> None:
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "a.txt").write_text("12345")
    said = here("pack", "--list", "--json", tmp_path / "set").stdout
    lines = [json.loads(line) for line in said.splitlines()]
    assert {"event": "file", "name": "set/a.txt", "bytes": 5} in lines
    assert lines[-1]["files"] == 1
    assert not (tmp_path / "set.zip").exists()


def test_pack_and_unpack_from_another_folder_by_the_courses_names(
    tmp_path: Path, photos: dict[str, Path]
) -> None:
    folder = tmp_path / "my photos"
    (folder / "gothic").mkdir(parents=True)
    (folder / "gothic" / "china.jpg").write_bytes(photos["china"].read_bytes())
    packed = bash("zipfile.sh", folder, cwd=Path("/"))
    assert packed.returncode == 0, packed.stderr
    assert f"folder  {folder}" in packed.stderr
    assert "type .jpg: 1 files" in packed.stderr
    assert packed.stdout.strip() == str(tmp_path / "my photos.zip")
    (tmp_path / "elsewhere").mkdir()
    moved = (tmp_path / "my photos.zip").rename(tmp_path / "elsewhere" / "my photos.zip")
    unpacked = bash("unzipfile.sh", moved, cwd=Path("/"))
    assert unpacked.returncode == 0, unpacked.stderr
    assert f"archive  {moved}" in unpacked.stderr
    result = tmp_path / "elsewhere" / "my photos" / "gothic" / "china.jpg"
    assert result.read_bytes() == photos["china"].read_bytes()


@pytest.mark.parametrize("name", ["unzipfile.sh", "zipfile.sh"])
def test_the_shell_files_explain_themselves_and_are_installed(tmp_path: Path, name: str) -> None:
    assert os.access(SCRIPTS / name, os.X_OK)
    finished = bash(name, cwd=tmp_path)
    assert finished.returncode == 2
    assert "Usage: bash" in finished.stderr
    assert bash(name, "does not exist", cwd=tmp_path).returncode == 2


def test_pack_says_what_is_big_and_leaves_a_record(tmp_path: Path, here: Run) -> None:
    (tmp_path / "set" / "gothic").mkdir(parents=True)
    (tmp_path / "set" / "gothic" / "a.txt").write_text("x" * 5000)
    finished = here("pack", tmp_path / "set", "-o", tmp_path / "out.zip")
    assert finished.returncode == 0, finished.stderr
    assert "folder gothic: 1 files, 5,000 bytes" in finished.stderr
    record = json.loads((tmp_path / "out.run.json").read_text())
    assert record.keys() >= FIELDS
    assert record["metrics"]["sha256"] in finished.stderr
    one_line_again = here("pack", tmp_path / "set", "-o", tmp_path / "out.zip", "--quiet")
    assert one_line_again.returncode == 2
    assert "--overwrite" in one_line(one_line_again, status=2)


@pytest.mark.parametrize("output", ["out.rar", "missing/out.zip"])
def test_pack_refuses_an_output_that_it_cannot_write(tmp_path: Path, here: Run, output: str) -> None:
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "a").write_text("1")
    assert "-o" in one_line(here("pack", tmp_path / "set", "-o", tmp_path / output), status=2)
    assert "not a folder" in one_line(here("pack", tmp_path / "nothing"), status=2)


def test_a_target_that_is_there_is_said_before_anything_else(tmp_path: Path, here: Run) -> None:
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "a.txt").write_text("1")
    (tmp_path / "results.zip").write_text("mine")
    assert "--overwrite" in one_line(here("pack", tmp_path / "results"), status=2)
    assert (tmp_path / "results.zip").read_text() == "mine"


def test_pack_leaves_the_record_of_another_run_alone(tmp_path: Path, here: Run) -> None:
    (tmp_path / "frames").mkdir()
    (tmp_path / "frames" / "a.txt").write_text("1")
    record = tmp_path / "frames.run.json"
    record.write_text('{"command": "style", "results": ["frames.png"]}')
    before = record.read_bytes()
    assert "frames.run.json" in one_line(here("pack", tmp_path / "frames", "--overwrite"), status=2)
    assert record.read_bytes() == before
    assert not (tmp_path / "frames.zip").exists()
    record.unlink()
    for _ in range(2):
        assert here("pack", tmp_path / "frames", "--overwrite").returncode == 0
    assert json.loads(record.read_text())["command"] == "pack"


def test_unpack_replaces_no_record_of_the_archives_or_of_others(tmp_path: Path, here: Run) -> None:
    zip_of(tmp_path / "a.zip", ("run.json", b"{}"), ("unpack.run.json", b"theirs"), ("a.txt", b"1"))
    assert "record" in one_line(here("unpack", tmp_path / "a.zip"), status=2)
    assert not (tmp_path / "a").exists()
    zip_of(tmp_path / "b.zip", ("run.json", b"{}"))
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "unpack.run.json").write_text("mine")
    assert "record" in one_line(here("unpack", tmp_path / "b.zip"), status=2)
    assert tree(tmp_path / "b") == {"unpack.run.json": b"mine"}


def test_overwriting_the_other_kind_of_thing_changes_nothing(tmp_path: Path, here: Run) -> None:
    zip_of(tmp_path / "a.zip", ("first.txt", b"new"), ("a", b"file"), ("b/c.txt", b"1"))
    out = tmp_path / "out"
    out.mkdir()
    (out / "first.txt").write_text("old")
    asked = ("unpack", tmp_path / "a.zip", "--overwrite", "-o")
    (out / "a").mkdir()
    assert f"{out / 'a'} is a folder" in one_line(here(*asked, out), status=2)
    (out / "a").rmdir()
    (out / "b").write_text("mine")
    assert f"{out / 'b'} is a file" in one_line(here(*asked, out), status=2)
    assert tree(out) == {"first.txt": b"old", "b": b"mine"}
    assert "is a file" in one_line(here(*asked, out / "b"), status=2)
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    one_line(here(*asked, tmp_path / "link"), status=2)
    assert tree(out) == {"first.txt": b"old", "b": b"mine"}
    (out / "b").unlink()
    assert here(*asked, out).returncode == 0
    assert (out / "first.txt").read_text() == "new"
