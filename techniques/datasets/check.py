"""Looks at a fetched file before it becomes part of a dataset: cheapest and safest questions first.

Type from the bytes, size from the header, and only then the decoder: a picture that would fill the memory is
never begun, and one that was cut is never kept (``Image.verify`` would let it through).
"""

import io
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from techniques.duplicates import as_hex, hash_of
from techniques.pictures import DECODER_ERRORS, upright

_MAGIC = {
    b"\xff\xd8\xff": "jpeg",
    b"\x89PNG\r\n\x1a\n": "png",
    b"GIF8": "gif",
    b"BM": "bmp",
    b"II*\0": "tiff",
    b"MM\0*": "tiff",
}
_REFUSED = {b"ftypavif": "avif", b"ftypheic": "heic", b"ftypheix": "heic", b"ftypmif1": "heic"}
# MPO, as phones write, comes in by JPEG's door.
_READERS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF")
# Kept byte for byte; everything else is decoded and saved anew, so that what trains later can read it.
_KEPT = {"JPEG": ".jpg", "MPO": ".jpg", "PNG": ".png", "WEBP": ".webp"}
_FLAT = 2.0  # grey levels of standard deviation; a photograph of a white wall has more
_ROWS = 512  # looked at together
_GREY_BAND = 1 / 8  # of the height; what a decoder paints when the data stop early


@dataclass(frozen=True)
class Demands:
    """What a picture must be to be kept; pixels, and longer over shorter side."""

    min_side: int = 224
    max_aspect: float = 5.0
    max_pixels: int = 50_000_000


@dataclass(frozen=True)
class Checked:
    """A picture that may be kept.

    ``blur`` is the variance of the Laplacian of its grey levels 0..255 (low: blurred; Pech-Pacheco et al.,
    ICPR 2000), ``exposure`` their mean. Scores, not verdicts: fog is blurred too. ``phash`` is for
    `techniques.duplicates`.
    """

    sniffed: str
    data: bytes
    suffix: str
    width: int
    height: int
    original_width: int
    original_height: int
    blur: float
    exposure: float
    phash: str
    edits: tuple[str, ...] = field(default=())


class RejectedError(Exception):
    """Why a file is not kept: ``reason`` is one word for counting, the text is for people."""

    def __init__(self, reason: str, text: str) -> None:
        super().__init__(text)
        self.reason = reason


def sniff(start: bytes) -> str:
    """The type that the first 32 bytes give away; raises `RejectedError` for what is no usable picture."""
    for magic, kind in _MAGIC.items():
        if start.startswith(magic):
            return kind
    if start[:4] == b"RIFF" and start[8:12] == b"WEBP":
        return "webp"
    if (refused := _REFUSED.get(start[4:12])) is not None:
        raise RejectedError(refused, f"is {refused.upper()}, which training libraries do not read")
    if not start:
        raise RejectedError("empty", "is empty")
    if start.lstrip()[:1] == b"<":
        kind = "svg" if b"<svg" in start.lower() else "html"
        raise RejectedError(kind, f"is {kind.upper()} text, not a photograph")
    raise RejectedError("not-an-image", "is no picture, whatever its name says")


def check(path: Path, demands: Demands) -> Checked:
    """The picture in ``path`` as it may be kept; raises `RejectedError`."""
    data = path.read_bytes()
    sniffed = sniff(data[:32])
    try:
        with Image.open(io.BytesIO(data), formats=_READERS) as image:
            # Pillow only warns of pictures up to twice its limit; our own limit decides, before decoding.
            _measure(image.size, demands)
            kind, size = image.format or "", image.size
            image.load()
            return _keep(image, sniffed, data, kind, size)
    except Image.DecompressionBombError as error:
        raise RejectedError("bomb", "has more pixels than fit into memory") from error
    except UnidentifiedImageError as error:
        raise RejectedError("not-an-image", "is no picture that can be read") from error
    except DECODER_ERRORS as error:
        raise RejectedError("damaged", f"cannot be decoded ({str(error)[:80]})") from error


def _measure(size: tuple[int, int], demands: Demands) -> None:
    width, height = size
    if width * height > demands.max_pixels:
        raise RejectedError("bomb", f"has {width} x {height} pixels, more than {demands.max_pixels:,}")
    if min(size) < demands.min_side:
        raise RejectedError("small", f"has {width} x {height} pixels, under {demands.min_side}")
    if max(size) > demands.max_aspect * min(size):
        raise RejectedError("aspect", f"is a strip of {width} x {height} pixels")


def _keep(image: Image.Image, sniffed: str, data: bytes, kind: str, original: tuple[int, int]) -> Checked:
    edits = []
    turned = upright(image)
    if turned is not image:
        edits.append("rotated")
    mode = turned.mode
    if mode.startswith(("I", "F")):
        levels = np.asarray(turned, dtype=np.float64)
        turned = Image.fromarray((levels / max(1.0, float(levels.max())) * 255).astype(np.uint8))
    if turned.has_transparency_data:
        turned = turned.convert("RGBA")
        white = Image.new("RGBA", turned.size, "white")
        turned = Image.alpha_composite(white, turned)
    rgb = turned.convert("RGB")
    if mode not in ("RGB", "L") or image.has_transparency_data:
        edits.append(f"{mode} to RGB")
    grey = rgb.convert("L")
    exposure = _refuse_empty(grey)
    suffix = _KEPT.get(kind, "")
    if edits or not suffix or (getattr(image, "n_frames", 1) > 1 and kind != "MPO"):
        suffix = ".jpg"
        if kind not in ("JPEG", "MPO"):
            edits.append(f"{kind} to JPEG")
        written = io.BytesIO()
        rgb.save(written, "JPEG", quality=95, subsampling=0, icc_profile=_profile(image))
        data = written.getvalue()
    return Checked(
        sniffed=sniffed,
        data=data,
        suffix=suffix,
        width=rgb.width,
        height=rgb.height,
        original_width=original[0],
        original_height=original[1],
        blur=_blur(grey),
        exposure=exposure,
        phash=as_hex(hash_of(grey)),
        edits=tuple(edits),
    )


def _profile(image: Image.Image) -> bytes | None:
    # A profile for inks or grey says nothing about the three channels that are written.
    return image.info.get("icc_profile") if image.mode in ("RGB", "RGBA", "P") else None


def _refuse_empty(grey: Image.Image) -> float:
    """The mean grey level; raises `RejectedError` for a picture with nothing on it."""
    counts = np.array(grey.histogram(), dtype=np.float64)
    levels, pixels = np.arange(256), grey.width * grey.height
    mean = float(counts @ levels / pixels)
    if float(counts @ (levels - mean) ** 2 / pixels) < _FLAT**2:
        raise RejectedError("flat", "is one flat colour, as 'not available' pictures are")
    band = np.asarray(grey)[-max(1, int(grey.height * _GREY_BAND)) :]
    if band.min() >= 127 and band.max() <= 129:
        raise RejectedError("grey-band", "ends in a grey band, as pictures with lost data do")
    return mean


def _blur(picture: Image.Image) -> float:
    """The variance of the Laplacian, in whole numbers and some rows at a time: large pictures fit too."""
    if min(picture.size) < 3:
        return 0.0
    grey = np.asarray(picture)
    total = squares = 0
    for top in range(0, len(grey) - 2, _ROWS):
        rows = grey[top : top + _ROWS + 2].astype(np.int16)
        change = rows[:-2, 1:-1] + rows[2:, 1:-1] + rows[1:-1, :-2] + rows[1:-1, 2:] - 4 * rows[1:-1, 1:-1]
        total += int(change.sum(dtype=np.int64))
        squares += int(np.square(change, dtype=np.int32).sum(dtype=np.int64))
    count = (grey.shape[0] - 2) * (grey.shape[1] - 2)
    return float(squares / count - (total / count) ** 2)
