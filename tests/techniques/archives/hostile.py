"""Archives that nobody should unpack as they are: each a function that writes one."""

import io
import stat
import struct
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

Maker = Callable[[Path], None]


def zip_of(path: Path, *members: tuple[str, bytes], mode: int = 0) -> None:
    """A zip with the names exactly as given, which `zipfile` itself would tidy."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members:
            info = zipfile.ZipInfo("placeholder")
            info.filename = name
            info.external_attr = mode << 16
            archive.writestr(info, data)


def tar_of(path: Path, *members: tarfile.TarInfo, mode: str = "w") -> None:
    """A tar with these headers, each regular file filled with its length of 'x'."""
    with tarfile.open(path, mode) as archive:  # type: ignore[call-overload]
        for info in members:
            archive.addfile(info, io.BytesIO(b"x" * info.size) if info.isreg() else None)


def info(name: str, kind: bytes = tarfile.REGTYPE, *, size: int = 3, link: str = "") -> tarfile.TarInfo:
    header = tarfile.TarInfo(name)
    header.type, header.linkname = kind, link
    header.size = size if kind == tarfile.REGTYPE else 0
    return header


def _overlapping(path: Path) -> None:
    """Two directory records over one file's bytes, which only the directory tells apart."""
    zip_of(path, ("a.txt", b"x" * 1000))
    data = path.read_bytes()
    at = data.index(b"PK\x01\x02")
    end = data.index(b"PK\x05\x06")
    record = data[at:end]
    directory = record + record.replace(b"a.txt", b"b.txt")
    tail = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 2, 2, len(directory), at, 0)
    path.write_bytes(data[:at] + directory + tail)


def _wrong_checksum(path: Path) -> None:
    zip_of(path, ("good.txt", b"good"), ("bad.txt", b"these bytes change"))
    path.write_bytes(path.read_bytes().replace(b"these bytes", b"those bytes"))


def _lying_size(path: Path) -> None:
    """The directory says 3 bytes, the deflated data are 100,000."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("good.txt", b"good")
        archive.writestr("liar.txt", b"x" * 100_000)
    path.write_bytes(path.read_bytes().replace(struct.pack("<L", 100_000), struct.pack("<L", 3)))


def _deflate64(path: Path) -> None:
    zip_of(path, ("good.txt", b"good"), ("big.txt", b"x"))
    data = bytearray(path.read_bytes())
    local, central = data.rindex(b"PK\x03\x04"), data.rindex(b"PK\x01\x02")
    struct.pack_into("<H", data, local + 8, 9)
    struct.pack_into("<H", data, central + 10, 9)
    path.write_bytes(data)


LINK, PIPE = stat.S_IFLNK | 0o777, stat.S_IFIFO | 0o644

# name -> (maker, words of the reason, the good entry that --skip-unsafe brings out)
UNSAFE: dict[str, tuple[str, Maker, str]] = {
    "parent.zip": ("leads out", lambda p: zip_of(p, ("good.txt", b"1"), ("../evil.txt", b"2")), "good.txt"),
    "deep-parent.zip": (
        "leads out",
        lambda p: zip_of(p, ("good.txt", b"1"), ("a/../../evil", b"2")),
        "good.txt",
    ),
    "backslash.zip": (
        "leads out",
        lambda p: zip_of(p, ("good.txt", b"1"), ("..\\evil.txt", b"2")),
        "good.txt",
    ),
    "absolute.zip": (
        "absolute",
        lambda p: zip_of(p, ("good.txt", b"1"), ("/tmp/evil.txt", b"2")),
        "good.txt",
    ),
    "drive.zip": ("absolute", lambda p: zip_of(p, ("good.txt", b"1"), ("C:\\evil.txt", b"2")), "good.txt"),
    "nul.zip": ("NUL", lambda p: zip_of(p, ("good.txt", b"1"), ("a.jpg\0.exe", b"2")), "good.txt"),
    "escape.zip": ("control", lambda p: zip_of(p, ("good.txt", b"1"), ("\x1b[2Ja.jpg", b"2")), "good.txt"),
    "long.zip": ("too long", lambda p: zip_of(p, ("good.txt", b"1"), ("x" * 300, b"2")), "good.txt"),
    "deep.zip": (
        "folders deep",
        lambda p: zip_of(p, ("good.txt", b"1"), ("d/" * 60 + "x", b"2")),
        "good.txt",
    ),
    "twice.zip": ("twice", lambda p: zip_of(p, ("a.txt", b"1"), ("a.txt", b"2")), "a.txt"),
    "capitals.zip": ("capitals", lambda p: zip_of(p, ("A.txt", b"1"), ("a.txt", b"2")), "A.txt"),
    "composed.zip": ("twice", lambda p: zip_of(p, ("e\u0301.txt", b"1"), ("\xe9.txt", b"2")), "\xe9.txt"),
    "file-folder.zip": ("is a file", lambda p: zip_of(p, ("a", b"1"), ("a/b.txt", b"2")), "a"),
    "link.zip": ("is a link", lambda p: (zip_of(p, ("good.txt", b"1")), _append_link(p))[0], "good.txt"),
    "overlap.zip": ("shares its bytes", _overlapping, "a.txt"),
    "checksum.zip": ("damaged", _wrong_checksum, "good.txt"),
    "liar.zip": ("damaged", _lying_size, "good.txt"),
    "deflate64.zip": ("Deflate64", _deflate64, "good.txt"),
    "parent.tar": ("leads out", lambda p: tar_of(p, info("good.txt"), info("../evil.txt")), "good.txt"),
    "absolute.tar": ("absolute", lambda p: tar_of(p, info("good.txt"), info("/tmp/evil.txt")), "good.txt"),
    "symlink.tar": (
        "is a link",
        lambda p: tar_of(p, info("good.txt"), info("door", tarfile.SYMTYPE, link="/etc"), info("door/x")),
        "good.txt",
    ),
    "hardlink.tar": (
        "is a link",
        lambda p: tar_of(p, info("good.txt"), info("x", tarfile.LNKTYPE, link="../../etc/passwd")),
        "good.txt",
    ),
    "device.tar": (
        "device",
        lambda p: tar_of(p, info("good.txt"), info("null", tarfile.CHRTYPE)),
        "good.txt",
    ),
    "pipe.tar.gz": (
        "device",
        lambda p: tar_of(p, info("good.txt"), info("pipe", tarfile.FIFOTYPE), mode="w:gz"),
        "good.txt",
    ),
}


def _append_link(path: Path) -> None:
    with zipfile.ZipFile(path, "a") as archive:
        link = zipfile.ZipInfo("door")
        link.external_attr = LINK << 16
        archive.writestr(link, "/etc/passwd")
