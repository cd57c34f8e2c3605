"""What goes into a packed folder, and that it is the same each time."""

import os
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest

from techniques.archives.errors import ArchiveError, OccupiedError
from techniques.archives.pack import Packed, content, pack
from tests.needs import need
from tests.techniques.archives.conftest import Unpack, tree


def packed(folder: Path, output: Path, *, overwrite: bool = False) -> Packed:
    return pack(content(folder, output), output, lambda done, total, name: None, overwrite=overwrite)


@pytest.fixture
def folder(tmp_path: Path, photos: dict[str, Path]) -> Path:
    root = tmp_path / "photos"
    (root / "gothic").mkdir(parents=True)
    (root / "empty").mkdir()
    shutil.copyfile(photos["china"], root / "gothic" / "vo\xfbte.jpg")
    (root / "notes.txt").write_text("dome " * 1000)
    (root / ".DS_Store").write_bytes(b"1")
    (root / ".ipynb_checkpoints").mkdir()
    (root / ".ipynb_checkpoints" / "x.jpg").write_bytes(b"1")
    return root


def test_a_folder_comes_back_as_it_was_without_junk(tmp_path: Path, folder: Path, unpacked: Unpack) -> None:
    result = packed(folder, tmp_path / "out.zip")
    back = unpacked(result.path, tmp_path / "back").folder / "photos"
    assert set(tree(back)) == {"gothic/vo\xfbte.jpg", "notes.txt"}
    assert tree(back)["gothic/vo\xfbte.jpg"] == (folder / "gothic" / "vo\xfbte.jpg").read_bytes()
    assert (back / "empty").is_dir()


def test_the_same_files_give_the_same_bytes(tmp_path: Path, folder: Path) -> None:
    first = packed(folder, tmp_path / "one.zip")
    elsewhere = tmp_path / "elsewhere" / "photos"
    elsewhere.mkdir(parents=True)
    # Another order on disk, other times and modes.
    for name in ["notes.txt", "gothic/vo\xfbte.jpg"]:
        (elsewhere / name).parent.mkdir(exist_ok=True)
        (elsewhere / name).write_bytes((folder / name).read_bytes())
        (elsewhere / name).chmod(0o600)
        os.utime(elsewhere / name, (10**9, 10**9))
    (elsewhere / "empty").mkdir()
    second = packed(elsewhere, tmp_path / "two.zip")
    assert first.sha256 == second.sha256
    assert first.path.read_bytes() == second.path.read_bytes()


def test_pictures_are_stored_and_text_is_deflated(tmp_path: Path, folder: Path) -> None:
    result = packed(folder, tmp_path / "out.zip")
    with zipfile.ZipFile(result.path) as archive:
        assert archive.getinfo("photos/gothic/vo\xfbte.jpg").compress_type == zipfile.ZIP_STORED
        assert archive.getinfo("photos/notes.txt").compress_type == zipfile.ZIP_DEFLATED


def test_the_report_adds_up(tmp_path: Path, folder: Path) -> None:
    found = content(folder, tmp_path / "out.zip")
    assert found.by_type()[".txt"] == (1, 5000)
    assert found.by_folder()["(here)"] == (1, 5000)
    assert sum(size for _, size in found.by_folder().values()) == found.size
    assert set(found.junk) == {".DS_Store", ".ipynb_checkpoints"}


def test_links_stay_out_and_are_named(tmp_path: Path, folder: Path) -> None:
    (tmp_path / "id_rsa").write_text("private")
    (folder / "key.txt").symlink_to(tmp_path / "id_rsa")
    (folder / "loop").symlink_to(folder)
    found = content(folder, tmp_path / "out.zip")
    assert set(found.links) == {"key.txt", "loop"}
    assert not any("key" in member.name or "loop" in member.name for member in found.members)


def test_an_archive_inside_the_folder_does_not_pack_itself(folder: Path) -> None:
    first = packed(folder, folder / "out.zip")
    again = packed(folder, folder / "out.zip", overwrite=True)
    assert first.sha256 == again.sha256


def test_an_existing_archive_is_kept_unless_asked(tmp_path: Path, folder: Path) -> None:
    (tmp_path / "out.zip").write_bytes(b"last week's")
    with pytest.raises(OccupiedError, match="--overwrite"):
        packed(folder, tmp_path / "out.zip")
    assert (tmp_path / "out.zip").read_bytes() == b"last week's"


def test_a_file_that_grows_meanwhile_is_no_success(tmp_path: Path, folder: Path) -> None:
    found = content(folder, tmp_path / "out.zip")
    with (folder / "notes.txt").open("a") as file:
        file.write("more")
    with pytest.raises(ArchiveError, match="changed"):
        pack(found, tmp_path / "out.zip", lambda done, total, name: None)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["photos"]


def test_an_empty_folder_is_no_success(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(ArchiveError, match="no files"):
        packed(tmp_path / "empty", tmp_path / "out.zip")


def test_info_zip_opens_it(tmp_path: Path, folder: Path) -> None:
    need("unzip")
    result = packed(folder, tmp_path / "out.zip")
    subprocess.run(["unzip", "-tq", result.path], check=True, capture_output=True)


def test_a_file_that_cannot_be_read_is_named_and_nothing_is_left(folder: Path) -> None:
    out = folder.with_name("out.zip")
    found = content(folder, out)
    (folder / "notes.txt").unlink()
    with pytest.raises(ArchiveError, match=r"notes\.txt cannot be read"):
        pack(found, out, lambda done, total, name: None)
    assert [path.name for path in folder.parent.iterdir() if "out.zip" in path.name] == []
