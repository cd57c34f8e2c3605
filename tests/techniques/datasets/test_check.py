"""Which files become part of a dataset, and as what."""

import io
import struct
import zlib
from pathlib import Path

import pytest
from PIL import Image

from techniques.datasets.check import Checked, Demands, RejectedError, check
from tests.techniques.datasets.conftest import picture


def checked(tmp_path: Path, data: bytes, **demands: float) -> Checked:
    (tmp_path / "a").write_bytes(data)
    return check(tmp_path / "a", Demands(**demands))  # type: ignore[arg-type]


def bomb(side: int) -> bytes:
    """A PNG whose header claims a huge picture, in a few hundred bytes."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">L", len(data)) + name + data + struct.pack(">L", zlib.crc32(name + data))

    header = struct.pack(">2L5B", side, side, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(bytes(100)))
        + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize(("kind", "suffix"), [("JPEG", ".jpg"), ("PNG", ".png"), ("WEBP", ".webp")])
def test_an_ordinary_picture_is_kept_byte_for_byte(tmp_path: Path, kind: str, suffix: str) -> None:
    data = picture(kind=kind)
    result = checked(tmp_path, data)
    assert result.data == data
    assert (result.suffix, result.width, result.height, result.edits) == (suffix, 300, 300, ())


@pytest.mark.parametrize(
    ("mode", "kind"),
    [("CMYK", "JPEG"), ("P", "PNG"), ("LA", "PNG"), ("RGBA", "PNG"), ("I;16", "PNG"), ("1", "PNG"),
     ("P", "GIF"), ("RGB", "BMP"), ("RGB", "TIFF")],
)  # fmt: skip
def test_every_other_kind_becomes_an_rgb_jpeg_and_says_so(tmp_path: Path, mode: str, kind: str) -> None:
    if mode == "I;16":
        written = io.BytesIO()
        levels = Image.effect_noise((300, 300), 60)
        Image.frombytes("I;16", (300, 300), b"".join(bytes([0, level]) for level in levels.tobytes())).save(
            written, kind
        )
        data = written.getvalue()
    else:
        data = picture(mode=mode, kind=kind)
    result = checked(tmp_path, data)
    with Image.open(io.BytesIO(result.data)) as image:
        assert (image.format, image.mode, image.size) == ("JPEG", "RGB", (300, 300))
    assert result.suffix == ".jpg"
    assert result.edits


@pytest.mark.parametrize("orientation", range(2, 9))
def test_a_turned_camera_gives_an_upright_picture(tmp_path: Path, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    result = checked(tmp_path, picture(size=(400, 300), exif=exif))
    assert (result.width, result.height) == ((300, 400) if orientation >= 5 else (400, 300))
    assert "rotated" in result.edits
    with Image.open(io.BytesIO(result.data)) as image:
        assert image.getexif().get(0x0112, 1) == 1


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b"<!doctype html><html>404", "html"),
        (b'<svg xmlns="http://www.w3.org/2000/svg">', "svg"),
        (b"\0\0\0\x20ftypavif" + bytes(200), "avif"),
        (b"\0\0\0\x20ftypheic" + bytes(200), "heic"),
        (b"%PDF-1.4 " + bytes(200), "not-an-image"),
        (b"\xff\xd8\xff" + b"not really" * 40, "not-an-image"),
        (bomb(60_000), "bomb"),
        (bomb(12_000), "bomb"),
        (bomb(400), "damaged"),
    ],
    ids=["empty", "html", "svg", "avif", "heic", "pdf", "fake-jpeg", "bomb", "small-bomb", "no-data"],
)
def test_what_is_not_kept_and_why(tmp_path: Path, data: bytes, reason: str) -> None:
    with pytest.raises(RejectedError) as rejected:
        checked(tmp_path, data)
    assert rejected.value.reason == reason


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF"])
def test_a_cut_file_is_never_kept(tmp_path: Path, kind: str) -> None:
    data = picture(size=(400, 400), kind=kind)
    for part in (0.3, 0.5, 0.9):
        with pytest.raises(RejectedError):
            checked(tmp_path, data[: int(len(data) * part)])


def test_size_and_shape(tmp_path: Path) -> None:
    for size, reason in [((300, 100), "small"), ((2000, 300), "aspect")]:
        with pytest.raises(RejectedError) as rejected:
            checked(tmp_path, picture(size=size))
        assert rejected.value.reason == reason
    assert checked(tmp_path, picture(size=(300, 100)), min_side=64).width == 300


def test_a_flat_placeholder_and_a_grey_band(tmp_path: Path) -> None:
    written = io.BytesIO()
    Image.new("RGB", (300, 300), (200, 200, 200)).save(written, "PNG")
    with pytest.raises(RejectedError) as rejected:
        checked(tmp_path, written.getvalue())
    assert rejected.value.reason == "flat"
    image = Image.effect_noise((300, 300), 60).convert("RGB")
    image.paste((128, 128, 128), (0, 200, 300, 300))
    written = io.BytesIO()
    image.save(written, "JPEG")
    with pytest.raises(RejectedError) as rejected:
        checked(tmp_path, written.getvalue())
    assert rejected.value.reason == "grey-band"


def test_blur_and_exposure_are_scores(tmp_path: Path, photos: dict[str, Path]) -> None:
    from PIL import ImageFilter

    def of(image: Image.Image) -> Checked:
        written = io.BytesIO()
        image.save(written, "PNG")
        return checked(tmp_path, written.getvalue())

    with Image.open(photos["china"]) as image:
        sharp, blurred, dark = (
            of(image),
            of(image.filter(ImageFilter.GaussianBlur(4))),
            of(image.point(lambda v: v // 4)),
        )
    assert sharp.blur > 10 * blurred.blur
    assert dark.exposure < sharp.exposure / 3
