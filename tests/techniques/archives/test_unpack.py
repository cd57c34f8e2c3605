"""What comes out of ordinary archives, and where it goes."""

import io
import multiprocessing
import os
import signal
import subprocess
import tarfile
import time
import zipfile
from pathlib import Path

import pytest

from techniques.archives.errors import NotAnArchiveError, OccupiedError, PasswordNeededError, TooMuchError
from techniques.archives.unpack import Settings, unpack
from tests.needs import need
from tests.techniques.archives.conftest import Unpack, tree
from tests.techniques.archives.hostile import info, tar_of, zip_of

PICTURES = {"gothic/1.jpg": b"first", "gothic/2.jpg": b"second", "dome/1.jpg": b"third"}


@pytest.mark.parametrize("kind", ["zip", "tar", "gztar", "bztar", "xztar"])
def test_every_family_comes_out_beside_the_archive_in_a_folder_of_its_name(
    tmp_path: Path, unpacked: Unpack, kind: str
) -> None:
    source = tmp_path / "source"
    for name, data in PICTURES.items():
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_bytes(data)
    import shutil

    archive = Path(shutil.make_archive(str(tmp_path / "up" / "photos"), kind, source))
    result = unpacked(archive)
    assert result.folder == tmp_path / "up" / "photos"
    assert tree(result.folder) == PICTURES
    assert result.files == 3
    assert result.size == sum(map(len, PICTURES.values()))
    assert sorted(path.name for path in archive.parent.iterdir()) == ["photos", archive.name]


def test_the_format_is_told_from_the_bytes_and_not_from_the_name(tmp_path: Path, unpacked: Unpack) -> None:
    tar_of(tmp_path / "really-a-tar.zip", info("a.txt"), mode="w:xz")
    assert tree(unpacked(tmp_path / "really-a-tar.zip").folder) == {"a.txt": b"xxx"}


def test_one_folder_around_everything_is_left_out(tmp_path: Path, unpacked: Unpack) -> None:
    zip_of(tmp_path / "photos.zip", *((f"photos/{name}", data) for name, data in PICTURES.items()))
    assert tree(unpacked(tmp_path / "photos.zip").folder) == PICTURES


def test_one_folder_with_pictures_directly_in_it_may_be_a_class_and_stays(
    tmp_path: Path, unpacked: Unpack
) -> None:
    zip_of(tmp_path / "train.zip", ("gothic/1.jpg", b"1"), ("gothic/2.jpg", b"2"))
    assert set(tree(unpacked(tmp_path / "train.zip").folder)) == {"gothic/1.jpg", "gothic/2.jpg"}


def test_a_named_folder_gets_what_the_archive_says_and_keeps_what_it_has(
    tmp_path: Path, unpacked: Unpack
) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "mine.txt").write_text("mine")
    zip_of(tmp_path / "photos.zip", ("photos/a.jpg", b"a"))
    unpacked(tmp_path / "photos.zip", tmp_path / "data")
    assert tree(tmp_path / "data") == {"mine.txt": b"mine", "photos/a.jpg": b"a"}


def test_what_stands_there_is_not_overwritten_unless_asked(tmp_path: Path, unpacked: Unpack) -> None:
    zip_of(tmp_path / "photos.zip", ("a.jpg", b"new"), ("b.jpg", b"b"))
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "a.jpg").write_bytes(b"edited for a week")
    with pytest.raises(OccupiedError, match=r"a\.jpg.*--overwrite"):
        unpacked(tmp_path / "photos.zip")
    assert tree(tmp_path / "photos") == {"a.jpg": b"edited for a week"}
    unpacked(tmp_path / "photos.zip", overwrite=True)
    assert tree(tmp_path / "photos") == {"a.jpg": b"new", "b.jpg": b"b"}


def test_a_link_that_stands_in_the_folder_leads_nothing_out_of_it(tmp_path: Path, unpacked: Unpack) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "gothic").symlink_to(tmp_path / "elsewhere")
    zip_of(tmp_path / "photos.zip", ("gothic/1.jpg", b"1"))
    with pytest.raises(OccupiedError, match="leads out"):
        unpacked(tmp_path / "photos.zip", tmp_path / "out")
    assert tree(tmp_path / "elsewhere") == {}


def test_what_mac_windows_and_jupyter_leave_behind_stays_out_and_is_counted(
    tmp_path: Path, unpacked: Unpack
) -> None:
    zip_of(
        tmp_path / "photos.zip",
        ("photos/a.jpg", b"a"),
        ("__MACOSX/photos/._a.jpg", b"resource fork"),
        ("photos/.DS_Store", b"1"),
        ("photos/._b.jpg", b"1"),
        ("photos/Thumbs.db", b"1"),
        ("photos/desktop.ini", b"1"),
        ("photos/.ipynb_checkpoints/a-checkpoint.jpg", b"1"),
    )
    result = unpacked(tmp_path / "photos.zip")
    assert tree(result.folder) == {"a.jpg": b"a"}
    assert len(result.junk) == 6


def test_names_without_a_stated_encoding(tmp_path: Path, unpacked: Unpack) -> None:
    # As macOS writes them (UTF-8, decomposed, unmarked), then as Windows in Japan does (code page 932).
    cases: list[tuple[bytes, dict[str, str], str]] = [
        ("vou\u0302te.jpg".encode(), {}, "vo\xfbte.jpg"),
        ("vo\xfbte.jpg".encode("cp437"), {}, "vo\xfbte.jpg"),
        ("写真.jpg".encode("cp932"), {"encoding": "cp932"}, "写真.jpg"),
    ]
    for data, settings, expected in cases:
        path = tmp_path / "n.zip"
        zip_of(path, ("?" * len(data), b"1"))
        path.write_bytes(path.read_bytes().replace(b"?" * len(data), data))
        assert set(tree(unpacked(path, overwrite=True, **settings).folder)) == {expected}
        (tmp_path / "n" / expected).unlink()


def test_a_hard_link_to_an_earlier_file_becomes_a_file_of_its_own(tmp_path: Path, unpacked: Unpack) -> None:
    tar_of(
        tmp_path / "t.tar", info("d/a.txt"), info("d/b.txt", tarfile.LNKTYPE, link="d/a.txt"), info("c.txt")
    )
    result = unpacked(tmp_path / "t.tar")
    assert tree(result.folder) == {"d/a.txt": b"xxx", "d/b.txt": b"xxx", "c.txt": b"xxx"}
    assert (result.folder / "d" / "a.txt").stat().st_nlink == 1


def test_setuid_and_execute_bits_stay_in_the_archive(tmp_path: Path, unpacked: Unpack) -> None:
    header = info("tool")
    header.mode = 0o6777
    tar_of(tmp_path / "t.tar", header)
    assert (unpacked(tmp_path / "t.tar").folder / "tool").stat().st_mode & 0o7111 == 0


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty"),
        (b"7z\xbc\xaf\x27\x1c" + b"0" * 600, "7z"),
        (b"Rar!\x1a\x07\x01" + b"0" * 600, "RAR"),
        (b"\x28\xb5\x2f\xfd" + b"0" * 600, "Zstandard"),
        (b"<!doctype html><title>Sign in</title>" + b" " * 600, "web page"),
        (b"just text" * 100, "neither"),
    ],
)
def test_what_is_no_archive_is_called_by_its_name(
    tmp_path: Path, unpacked: Unpack, data: bytes, words: str
) -> None:
    (tmp_path / "a.zip").write_bytes(data)
    with pytest.raises(NotAnArchiveError, match=words):
        unpacked(tmp_path / "a.zip")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.zip"]


def test_a_gzip_file_that_holds_no_tar_is_said_to(tmp_path: Path, unpacked: Unpack) -> None:
    import gzip

    (tmp_path / "a.tar.gz").write_bytes(gzip.compress(b"x" * 5000))
    with pytest.raises(NotAnArchiveError, match="not a tar"):
        unpacked(tmp_path / "a.tar.gz")


def test_an_archive_of_nothing_but_junk_is_no_success(tmp_path: Path, unpacked: Unpack) -> None:
    zip_of(tmp_path / "a.zip", ("__MACOSX/._a", b"1"))
    with pytest.raises(NotAnArchiveError, match="no files"):
        unpacked(tmp_path / "a.zip")


def test_a_password_is_asked_for_and_used(tmp_path: Path, unpacked: Unpack) -> None:
    need("zip")
    (tmp_path / "a.txt").write_text("secret plan")
    subprocess.run(["zip", "-qP", "dome", "a.zip", "a.txt"], cwd=tmp_path, check=True)
    with pytest.raises(PasswordNeededError, match="--password-file"):
        unpacked(tmp_path / "a.zip", tmp_path / "out")
    with pytest.raises(PasswordNeededError):
        unpacked(tmp_path / "a.zip", tmp_path / "out", password=b"arch")
    unpacked(tmp_path / "a.zip", tmp_path / "out", password=b"dome")
    assert tree(tmp_path / "out") == {"a.txt": b"secret plan"}


def test_a_full_disk_leaves_nothing_behind(
    tmp_path: Path, unpacked: Unpack, monkeypatch: pytest.MonkeyPatch
) -> None:
    zip_of(tmp_path / "a.zip", ("a.bin", b"x" * 100_000))
    free = type("Usage", (), {"free": 50_050_000})
    monkeypatch.setattr("techniques.archives.unpack.shutil.disk_usage", lambda path: free)
    with pytest.raises(TooMuchError, match="room for 0"):
        unpacked(tmp_path / "a.zip")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.zip"]


def _unpack_slowly(path: Path) -> None:
    def wait(done: int, total: int, name: str) -> None:
        (path.parent / "started").touch()
        time.sleep(60)

    unpack(path, None, Settings(), wait)


def test_a_killed_run_leaves_no_final_name_and_the_next_one_tidies_up(
    tmp_path: Path, unpacked: Unpack
) -> None:
    zip_of(tmp_path / "a.zip", ("a.bin", b"x" * 1000), ("b.bin", b"y"))
    process = multiprocessing.get_context("spawn").Process(target=_unpack_slowly, args=(tmp_path / "a.zip",))
    process.start()
    deadline = time.monotonic() + 60
    while not (tmp_path / "started").exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert process.pid
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    assert not (tmp_path / "a").exists()
    assert list(tmp_path.glob(".unpacking-*"))
    unpacked(tmp_path / "a.zip")
    assert set(tree(tmp_path / "a")) == {"a.bin", "b.bin"}
    assert not list(tmp_path.glob(".unpacking-*"))


def test_ctrl_c_leaves_nothing(tmp_path: Path) -> None:
    zip_of(tmp_path / "a.zip", ("a.bin", b"x" * 1000))

    def interrupt(done: int, total: int, name: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        unpack(tmp_path / "a.zip", None, Settings(), interrupt)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.zip"]


def test_progress_counts_bytes_to_the_total(tmp_path: Path) -> None:
    zip_of(tmp_path / "a.zip", ("a.bin", b"x" * 3_000_000), ("b.bin", b"y" * 5))
    seen: list[tuple[int, int]] = []
    unpack(tmp_path / "a.zip", None, Settings(), lambda done, total, name: seen.append((done, total)))
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert seen[-1] == (3_000_005, 3_000_005)


def test_archives_inside_are_named_and_stay_packed(tmp_path: Path, unpacked: Unpack) -> None:
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as archive:
        archive.writestr("x", "y")
    zip_of(tmp_path / "a.zip", ("inner.zip", inner.getvalue()))
    result = unpacked(tmp_path / "a.zip")
    assert set(tree(result.folder)) == {"inner.zip"}
    assert any("inner.zip" in note for note in result.notes)
