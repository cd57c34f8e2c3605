"""A corpus of hostile archives: refused whole, by name, and nothing written."""

import io
import os
import struct
import tarfile
import tracemalloc
import zipfile
from pathlib import Path

import pytest

from techniques.archives.errors import (
    ArchiveError,
    DamagedError,
    TooMuchError,
    TruncatedError,
    UnsafeEntriesError,
)
from techniques.archives.names import safe_path
from tests.techniques.archives.conftest import Unpack, tree
from tests.techniques.archives.hostile import UNSAFE, info, tar_of, zip_of


@pytest.mark.parametrize("case", UNSAFE)
def test_refused_whole_and_the_rest_comes_out_when_asked(tmp_path: Path, unpacked: Unpack, case: str) -> None:
    words, make, good = UNSAFE[case]
    home = tmp_path / "home" / "deep"
    home.mkdir(parents=True)
    make(home / case)
    with pytest.raises(UnsafeEntriesError, match=words) as refused:
        unpacked(home / case)
    message = str(refused.value)
    assert message.isprintable()
    assert "--skip-unsafe" in message
    assert [path.name for path in home.iterdir()] == [case]
    result = unpacked(home / case, skip_unsafe=True)
    assert set(tree(result.folder)) == {good}
    assert result.skipped
    assert sorted(path.name for path in tmp_path.iterdir()) == ["home"]
    assert [path.name for path in tmp_path.joinpath("home").iterdir()] == ["deep"]


@pytest.mark.parametrize("case", ["twice.zip", "capitals.zip"])
def test_colliding_names_can_be_numbered_so_that_both_come_out(
    tmp_path: Path, unpacked: Unpack, case: str
) -> None:
    UNSAFE[case][1](tmp_path / case)
    assert sorted(tree(unpacked(tmp_path / case, number_collisions=True).folder).values()) == [b"1", b"2"]


def test_what_tarfiles_own_data_filter_refuses_is_refused(tmp_path: Path, unpacked: Unpack) -> None:
    """The standard library's filter (PEP 706) as oracle."""
    candidates = [
        info("a/b.txt"),
        info("../x"),
        info("a/../../x"),
        info("dev", tarfile.BLKTYPE),
        info("pipe", tarfile.FIFOTYPE),
        info("l", tarfile.SYMTYPE, link="/etc"),
        info("l", tarfile.SYMTYPE, link="../.."),
        info("h", tarfile.LNKTYPE, link="/etc/passwd"),
        info("h", tarfile.LNKTYPE, link="../x"),
    ]
    for number, candidate in enumerate(candidates):
        path = tmp_path / f"{number}.tar"
        tar_of(path, info("good"), candidate)
        try:
            tarfile.data_filter(candidate, str(tmp_path))
        except tarfile.FilterError:
            with pytest.raises(UnsafeEntriesError):
                unpacked(path)
        else:
            unpacked(path)


def test_a_bomb_is_refused_by_its_growth_and_let_through_when_trusted(
    tmp_path: Path, unpacked: Unpack
) -> None:
    path = tmp_path / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("zeros", "w") as sink:
        for _ in range(101):
            sink.write(bytes(1_000_000))
    with pytest.raises(TooMuchError, match="--max-ratio"):
        unpacked(path, skip_unsafe=True)
    assert [entry.name for entry in tmp_path.iterdir()] == ["bomb.zip"]
    assert unpacked(path, max_ratio=2000).size == 101_000_000


def test_below_the_floor_a_high_ratio_is_ordinary(tmp_path: Path, unpacked: Unpack) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros", bytes(5_000_000))
    assert unpacked(tmp_path / "a.zip").size == 5_000_000


@pytest.mark.parametrize("mode", ["w:gz", "w:xz", "w:bz2"])
def test_a_packed_tar_bomb_stops_while_it_unfolds(tmp_path: Path, unpacked: Unpack, mode: str) -> None:
    class Zeros(io.RawIOBase):
        def read(self, size: int = -1) -> bytes:
            return bytes(size)

    path = tmp_path / "bomb.tar"
    with tarfile.open(path, mode) as archive:  # type: ignore[call-overload]
        header = tarfile.TarInfo("zeros")
        header.size = 150_000_000
        archive.addfile(header, Zeros())
    with pytest.raises(TooMuchError, match="--max-ratio"):
        unpacked(path)


def test_a_sparse_tar_of_terabytes_is_refused_by_what_it_claims(tmp_path: Path, unpacked: Unpack) -> None:
    path = tmp_path / "sparse.tar"
    header = tarfile.TarInfo("holes")
    header.pax_headers = {
        "GNU.sparse.major": "0",
        "GNU.sparse.minor": "1",
        "GNU.sparse.map": "0,3",
        "GNU.sparse.size": str(10**13),
        "GNU.sparse.name": "holes",
    }
    header.size = 3
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as archive:
        archive.addfile(header, io.BytesIO(b"xxx"))
    with pytest.raises(TooMuchError):
        unpacked(path)


def test_more_files_than_allowed_are_refused(tmp_path: Path, unpacked: Unpack) -> None:
    zip_of(tmp_path / "a.zip", *((f"{number}.txt", b"") for number in range(20)))
    tar_of(tmp_path / "a.tar", *(info(f"{number}.txt") for number in range(20)))
    for name in ("a.zip", "a.tar"):
        with pytest.raises(TooMuchError, match="--max-files"):
            unpacked(tmp_path / name, max_files=10)


def test_a_header_that_claims_gigabytes_costs_no_memory(tmp_path: Path, unpacked: Unpack) -> None:
    header = tarfile.TarInfo("pax")
    header.type, header.size = tarfile.XHDTYPE, 8 << 30
    (tmp_path / "a.tar").write_bytes(header.tobuf() + bytes(4096))
    tracemalloc.start()
    with pytest.raises(ArchiveError):
        unpacked(tmp_path / "a.tar")
    assert tracemalloc.get_traced_memory()[1] < 50_000_000
    tracemalloc.stop()


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_cut_zip_says_how_far_the_upload_came(tmp_path: Path, unpacked: Unpack, method: int) -> None:
    path = tmp_path / "photos.zip"
    with zipfile.ZipFile(path, "w", method) as archive:
        archive.writestr("a.jpg", os.urandom(5000))
        archive.writestr("b.jpg", os.urandom(5000))
    whole = path.read_bytes()
    path.write_bytes(whole[:7000])
    with pytest.raises(TruncatedError, match=r"'b\.jpg', after 1 whole files: 7,000 bytes.*upload it again"):
        unpacked(path)


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
def test_a_tar_cut_anywhere_is_never_taken_for_a_whole_one(
    tmp_path: Path, unpacked: Unpack, mode: str
) -> None:
    path = tmp_path / "whole.tar"
    with tarfile.open(path, mode) as archive:  # type: ignore[call-overload]
        for number in range(3):
            header = tarfile.TarInfo(f"{number}.bin")
            header.size = 700
            archive.addfile(header, io.BytesIO(os.urandom(700)))
    whole = path.read_bytes()
    end = len(whole) if mode != "w" else 3 * (512 + 1024)
    for cut in range(1, end, 97):
        path.write_bytes(whole[:cut])
        with pytest.raises(ArchiveError):
            unpacked(path)
        assert not (tmp_path / "whole").exists()
    # At the edge of an entry nothing is half there, and tarfile alone would call it complete.
    if mode == "w":
        path.write_bytes(whole[: 2 * (512 + 1024)])
        with pytest.raises(UnsafeEntriesError, match="rest of the archive"):
            unpacked(path)
        assert set(tree(unpacked(path, skip_unsafe=True).folder)) == {"0.bin", "1.bin"}


def test_any_flipped_byte_is_noticed_or_harmless(tmp_path: Path, unpacked: Unpack) -> None:
    path = tmp_path / "a.zip"
    data = {"gothic/1.txt": os.urandom(50), "dome/2.txt": os.urandom(50)}
    zip_of(path, *data.items())
    whole = path.read_bytes()
    for at in range(len(whole)):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :])
        target = tmp_path / f"out{at}"
        try:
            unpacked(path, target)
        except ArchiveError:
            assert not target.exists()
        else:
            assert set(data.values()) >= set(tree(target).values())


def test_part_of_a_split_archive_is_called_that(tmp_path: Path, unpacked: Unpack) -> None:
    zip_of(tmp_path / "a.zip", ("a", b"1"))
    data = bytearray((tmp_path / "a.zip").read_bytes())
    struct.pack_into("<HH", data, data.rindex(b"PK\x05\x06") + 4, 2, 2)
    (tmp_path / "a.zip").write_bytes(data)
    with pytest.raises(DamagedError, match="split"):
        unpacked(tmp_path / "a.zip")


@pytest.mark.parametrize("name", ["a/b", "./a", "a//b", "caf\xe9/x", "a b", "..a", "a..", "..."])
def test_ordinary_names_pass(name: str) -> None:
    path, reason = safe_path(name)
    assert reason == ""
    assert not path.is_absolute()
