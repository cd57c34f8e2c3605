import base64
import io
import os
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageCms

from techniques.errors import BadInputError, WorkFailedError
from techniques.pictures import Picture, fit, read_picture, save_picture
from techniques.report import data_uri
from techniques.sheets import contact_sheet


def bomb(path, width=60_000, height=60_000):
    """A PNG of a few kB whose header promises ``width`` x ``height`` pixels."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = zlib.compress(bytes(1_000_000), 9)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")
    )
    return path


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_exif_orientation_is_turned_upright(photos, tmp_path, orientation):
    with Image.open(photos["china"]) as original:
        upright = original.resize((80, 52))
    # What a camera stores: the upright picture moved by the inverse of what the tag asks for.
    stored = {1: None, 2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}[orientation]
    turned = upright if stored is None else upright.transpose(Image.Transpose(stored))
    exif = Image.Exif()
    exif[0x0112] = orientation
    turned.save(tmp_path / "turned.png", exif=exif)

    read = read_picture(tmp_path / "turned.png")

    assert read.size == (80, 52)
    assert np.array_equal((read.rgb * 255).round().astype(np.uint8), np.asarray(upright))


def block(entries):
    """An EXIF block, written by hand, of ``entries``: tag, type (3 is SHORT, 4 LONG) and value."""
    lines = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in entries)
    return b"Exif\0\0II*\0" + struct.pack("<IH", 8, len(entries)) + lines + bytes(4)


@pytest.mark.parametrize(
    ("exif", "size"),
    [
        # A resolution unit that only fits a type which it must not have: it cannot be written again.
        (block([(0x0112, 3, 6), (0x0128, 4, 100_000)]), (52, 80)),
        (b"Exif\0\0no block at all", (80, 52)),
    ],
)
def test_an_odd_exif_block_makes_no_picture_unusable(photos, tmp_path, exif, size):
    with Image.open(photos["china"]) as original:
        original.resize((80, 52)).save(tmp_path / "odd.jpg", exif=exif)

    assert read_picture(tmp_path / "odd.jpg").size == size


@pytest.mark.parametrize("mode", ["L", "1", "P", "LA", "RGBA", "CMYK", "I;16", "I", "F"])
def test_every_mode_shows_the_same_picture(photos, tmp_path, mode):
    with Image.open(photos["china"]) as original:
        grey = original.convert("L").resize((90, 60))
    if mode == "I;16":
        picture = Image.fromarray(np.asarray(grey).astype(np.uint16) * 257)
    elif mode == "I":
        picture = Image.fromarray(np.asarray(grey).astype(np.int32) * 257)
    else:
        picture = grey.convert("RGB").convert(mode) if mode == "CMYK" else grey.convert(mode)
    path = tmp_path / f"picture.{'tif' if mode in {'F', 'CMYK', 'I'} else 'png'}"
    picture.save(path)

    read = read_picture(path)

    assert read.rgb.shape == (60, 90, 3)
    assert read.rgb.dtype == np.float32
    truth = np.asarray(grey, dtype=np.float32) / 255
    if mode == "F":
        truth = (truth - truth.min()) / (truth.max() - truth.min())
    allowed = 0.5 if mode == "1" else 0.01
    assert np.abs(read.rgb.mean(-1).mean() - truth.mean()) < 0.02
    assert mode == "1" or np.abs(read.rgb[..., 0] - truth).max() < allowed
    assert (read.alpha is not None) == (mode in {"LA", "RGBA"})
    assert read.height_map == (mode in {"I;16", "I", "F"})


def test_a_16_bit_height_map_keeps_its_steps_through_reading_scaling_and_writing(tmp_path):
    ramp = np.linspace(0, 65535, 4096).astype(np.uint16).reshape(64, 64)
    Image.fromarray(ramp).save(tmp_path / "height.png")

    picture = read_picture(tmp_path / "height.png")
    save_picture(tmp_path / "again.png", picture)
    save_picture(tmp_path / "larger.png", fit(picture, (128, 128)))

    with Image.open(tmp_path / "again.png") as again:
        assert np.array_equal(np.asarray(again), ramp)
    with Image.open(tmp_path / "larger.png") as larger:
        assert len(np.unique(np.asarray(larger))) > 4096


def test_transparency_is_kept_in_png_and_becomes_white_in_jpeg(photos, tmp_path):
    with Image.open(photos["coffee"]) as original:
        picture = original.convert("RGBA").resize((60, 40))
    picture.putalpha(Image.linear_gradient("L").resize((60, 40)))
    picture.save(tmp_path / "glass.png")

    read = read_picture(tmp_path / "glass.png")
    save_picture(tmp_path / "again.png", read)
    save_picture(tmp_path / "paper.jpg", read)

    with Image.open(tmp_path / "again.png") as again:
        assert np.array_equal(np.asarray(again), np.asarray(picture))
    with Image.open(tmp_path / "paper.jpg") as paper:
        assert np.asarray(paper)[0].min() > 245  # the gradient begins fully transparent


def test_an_rgb_profile_is_kept_and_a_style_is_brought_into_it(photos, tmp_path):
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    with Image.open(photos["coffee"]) as original:
        picture = original.convert("RGB").resize((60, 40))
    picture.save(tmp_path / "tagged.png", icc_profile=srgb)
    picture.save(tmp_path / "plain.png")

    tagged = read_picture(tmp_path / "tagged.png")
    save_picture(tmp_path / "again.jpg", tagged)
    converted = read_picture(tmp_path / "plain.png", profile=srgb, convert=True)

    assert tagged.profile == srgb
    with Image.open(tmp_path / "again.jpg") as again:
        assert again.info["icc_profile"] == srgb
    assert np.abs(converted.rgb - tagged.rgb).max() < 0.01


def crossed():
    """A profile that calls green what sRGB calls red, and the other way about."""
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    return srgb.replace(b"rXYZ", b"none").replace(b"gXYZ", b"rXYZ").replace(b"none", b"gXYZ")


def test_pages_and_sheets_show_the_colours_that_a_profile_means():
    red = Picture(np.zeros((60, 60, 3), np.float32) + np.float32([1, 0, 0]), profile=crossed())

    page = base64.b64decode(data_uri(red, 60).partition(",")[2])
    sheet = contact_sheet([("red", lambda: red)])

    with Image.open(io.BytesIO(page)) as shown:
        assert shown.getpixel((30, 30))[1] > 240 > 20 > shown.getpixel((30, 30))[0]
    assert sheet.rgb[100, 180] == pytest.approx((0, 1, 0), abs=0.05)


def test_fit_crops_the_middle_and_never_stretches(tmp_path):
    stripes = np.zeros((100, 300, 3), np.float32)
    stripes[:, 100:200] = 1

    square = fit(Picture(stripes), (100, 100))

    assert square.rgb[:, 3:97].min() > 0.99


def test_any_size_fits_into_any_other():
    """A box that began at -3e-14 was refused: 600 x 400 px into 160 x 107."""
    random = np.random.default_rng(2)
    sizes = [(600, 400), *(tuple(int(side) for side in random.integers(32, 700, 2)) for _ in range(40))]
    targets = [
        (160, 107),
        (226, 151),
        *(tuple(int(n) for n in random.integers(32, 90, 2)) for _ in range(12)),
    ]
    for width, height in sizes:
        picture = Picture(np.full((height, width, 3), 0.5, np.float32))
        for target in targets:
            fitted = fit(picture, target)
            assert fitted.size == target
            assert np.abs(fitted.rgb - 0.5).max() < 1e-5


def test_scaling_down_is_antialiased():
    board = np.indices((256, 256)).sum(0) % 2
    picture = Picture(np.repeat(board[..., None], 3, -1).astype(np.float32))

    assert np.abs(fit(picture, (64, 64)).rgb - 0.5).max() < 0.02


def test_a_failed_write_leaves_the_old_file_and_no_other(photos, tmp_path, monkeypatch):
    target = tmp_path / "result.png"
    target.write_bytes(b"what was there before")

    def full(*_args, **_kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(WorkFailedError, match="disk is full"):
        save_picture(target, Picture(np.zeros((8, 8, 3), np.float32)))

    assert target.read_bytes() == b"what was there before"
    assert [path.name for path in tmp_path.iterdir()] == ["result.png"]


def missing(tmp_path, photos):
    return tmp_path / "missing.jpg"


def folder(tmp_path, photos):
    return tmp_path


def empty(tmp_path, photos):
    (tmp_path / "empty.jpg").touch()
    return tmp_path / "empty.jpg"


def text(tmp_path, photos):
    (tmp_path / "text.jpg").write_text("This is not a picture.\n" * 50)
    return tmp_path / "text.jpg"


def truncated(tmp_path, photos):
    whole = photos["china"].read_bytes()
    (tmp_path / "truncated.jpg").write_bytes(whole[: len(whole) // 2])
    return tmp_path / "truncated.jpg"


def huge(tmp_path, photos):
    path = bomb(tmp_path / "bomb.png")
    assert path.stat().st_size < 8192
    return path


def pipe(tmp_path, photos):
    os.mkfifo(tmp_path / "pipe.png")
    return tmp_path / "pipe.png"


def long_name(tmp_path, photos):
    return tmp_path / ("x" * 300 + ".png")


def postscript(tmp_path, photos):
    with Image.open(photos["coffee"]) as picture:
        picture.convert("RGB").save(tmp_path / "program.eps")
    return (tmp_path / "program.eps").rename(tmp_path / "program.png")


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (missing, "does not exist"),
        (folder, "is a folder"),
        (empty, "empty"),
        (text, "not a picture"),
        (truncated, "damaged"),
        (huge, "million pixels"),
        (pipe, "not an ordinary file"),
        (long_name, "cannot be opened"),
        (postscript, "not a picture"),
    ],
)
def test_what_is_no_picture_is_refused_by_name(make, says, tmp_path, photos):
    path = make(tmp_path, photos)

    with pytest.raises(BadInputError, match=says) as refused:
        read_picture(path)

    assert str(path) in str(refused.value)
    assert "\n" not in str(refused.value)


def test_damage_at_any_place_is_refused_or_decoded_but_never_another_error(photos, tmp_path):
    whole = bytearray(photos["chelsea"].read_bytes())
    random = np.random.default_rng(7)
    for number in range(40):
        damaged = bytearray(whole)
        for place in random.integers(8, 4000, size=6):
            damaged[place] = random.integers(256)
        path = tmp_path / f"{number}.png"
        path.write_bytes(damaged)
        try:
            read_picture(path)
        except BadInputError as error:
            assert str(path) in str(error)  # noqa: PT017 - both outcomes are right
