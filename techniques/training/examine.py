"""One look at every file of a dataset: is it a picture, which one, and what is odd about it.

The picture is decoded once; what training needs of it is kept small.
"""

import hashlib
import os
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from techniques.duplicates import hash_of
from techniques.pictures import DECODER_ERRORS, PIXEL_LIMIT, READABLE, decoded, upright
from techniques.training.problems import Problem

__all__ = ["MOST_BYTES", "Pixels", "RefusedError", "Seen", "in_order", "look"]

Pixels = NDArray[np.uint8]

_BIG = 25_000_000  # pixels; of those only one is decoded at a time, so that threads cannot fill the memory
MOST_BYTES = 8 * PIXEL_LIMIT  # of a file: four channels of 16 bits, not compressed
_ONE_BIG = threading.Lock()
_PLAIN = {"RGB", "L", "1"}

Item = TypeVar("Item")
Result = TypeVar("Result")


class RefusedError(Exception):
    """A file that is no usable picture; ``problem`` says why."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


@dataclass(frozen=True)
class Seen:
    """A picture: ``sha256`` of the file's bytes, ``phash`` of what it shows, its size in pixels as it is in
    the file, the file's ``stamp`` (bytes, nanoseconds), and ``pixels``, upright sRGB of shape (height, width,
    3), scaled down as `look` was told.
    """

    sha256: str
    phash: int
    width: int
    height: int
    stamp: tuple[int, int]
    pixels: Pixels
    oddities: tuple[Problem, ...]


def look(root: Path, name: str, least: tuple[int, int]) -> Seen:
    """Look at the file ``name`` in ``root``. Both sides of its pixels have at least the ``least`` (width,
    height), if the file's have; a JPEG much larger than that is decoded at a half, quarter or eighth at once.

    Raises:
        RefusedError: it is no picture, is damaged, too large, or may not be read.
    """
    try:
        with _opened(root / name, name) as file:
            facts = os.fstat(file.fileno())
            if not facts.st_size:
                raise RefusedError(Problem("empty-file", name))
            if facts.st_size > MOST_BYTES:
                raise RefusedError(Problem("too-large", name, f"{facts.st_size / 1e9:.1f} GB"))
            return _read(file, name, least, (facts.st_size, facts.st_mtime_ns))
    except UnidentifiedImageError as error:
        raise RefusedError(Problem("not-a-picture", name)) from error
    except (Image.DecompressionBombError, MemoryError) as error:
        raise RefusedError(Problem("too-large", name)) from error
    except DECODER_ERRORS as error:
        detail = (str(error).strip() or type(error).__name__).splitlines()[0][:120]
        # Decoders give no number of an error; disks do.
        kind = "unreadable" if isinstance(error, OSError) and error.errno else "damaged"
        raise RefusedError(Problem(kind, name, detail)) from error


def in_order(
    work: Callable[[Item], Result], items: Iterable[Item], *, threads: int, ahead: int = 4
) -> Iterator[Result]:
    """The results of ``work`` in the order of ``items``, computed by ``threads`` a little ahead.

    Threads and not processes: Pillow and NumPy work without Python's lock, and a container's /dev/shm,
    through which processes would hand pictures over, is often 64 MB small.
    """
    waiting: list[Future[Result]] = []
    with ThreadPoolExecutor(threads, thread_name_prefix="pictures") as pool:
        try:
            for item in items:
                waiting.append(pool.submit(work, item))
                if len(waiting) > threads * ahead:
                    yield waiting.pop(0).result()
            while waiting:
                yield waiting.pop(0).result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _opened(path: Path, name: str) -> BufferedReader:
    try:
        if not path.is_file():  # opening a pipe would wait for ever
            gone = "it is no ordinary file" if path.exists() else "it is gone"
            raise RefusedError(Problem("unreadable", name, gone))
        return path.open("rb")
    except OSError as error:
        raise RefusedError(Problem("unreadable", name, error.strerror or "")) from error


def _read(file: BufferedReader, name: str, least: tuple[int, int], stamp: tuple[int, int]) -> Seen:
    # Never the whole file at once: several threads do this, and what is named .jpg may be a film.
    with Image.open(file, formats=READABLE) as image:
        pixels, width, height, odd = _seen(image, name, least)
    file.seek(0)
    sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    after = os.fstat(file.fileno())
    if (after.st_size, after.st_mtime_ns) != stamp:
        raise RefusedError(Problem("unreadable", name, "it changed while it was read"))
    return Seen(sha256, hash_of(pixels), width, height, stamp, np.asarray(pixels), odd)


def _seen(
    image: Image.Image, name: str, least: tuple[int, int]
) -> tuple[Image.Image, int, int, tuple[Problem, ...]]:
    """The pixels, scaled down, and width, height and oddities of the picture in the file."""
    width, height = image.size
    if width * height > PIXEL_LIMIT:
        raise Image.DecompressionBombError
    odd = tuple(_oddities(image, name))
    with _ONE_BIG if width * height > _BIG else nullcontext():
        if image.format == "JPEG" and image.mode == "RGB":
            # Turned pictures have their sides exchanged; twice as much as needed, for the resampling.
            longest = 2 * max(least)
            image.draft("RGB", (longest, longest))
        image.load()
        turned = upright(image)
        if (turned.width > turned.height) != (width > height):
            width, height = height, width
        if turned.mode in _PLAIN and not turned.has_transparency_data:
            small = _shrunk(turned if turned.mode == "RGB" else turned.convert("RGB"), least)
            if turned.mode == "RGB" and "icc_profile" in image.info:
                small.info["icc_profile"] = image.info["icc_profile"]
                small = _eight_bits(small)
        else:
            small = _shrunk(_eight_bits(turned), least)
    return small, width, height, odd


def _eight_bits(image: Image.Image) -> Image.Image:
    """Any mode as sRGB over white."""
    colours = decoded(image, convert=True).over_white()
    return Image.fromarray((colours.clip(0, 1) * 255).round().astype(np.uint8))


def _shrunk(image: Image.Image, least: tuple[int, int]) -> Image.Image:
    scale = max(least[0] / image.width, least[1] / image.height)
    if scale >= 1:
        return image
    size = max(least[0], round(image.width * scale)), max(least[1], round(image.height * scale))
    return image.resize(size, Image.Resampling.BICUBIC, reducing_gap=3.0)


def _oddities(image: Image.Image, name: str) -> Iterator[Problem]:
    if image.mode in {"CMYK", "LAB", "YCCK"}:
        yield Problem("cmyk", name)
    # An RGB PNG of 16 bits is opened as 8 by Pillow; its header says so all the same.
    if image.mode in {"I", "F"} or image.mode.startswith("I;16") or _declared_bits(image) > 8:
        yield Problem("deep", name)
    if image.format != "MPO" and getattr(image, "n_frames", 1) > 1:
        yield Problem("animated", name, f"{getattr(image, 'n_frames', 1)} frames")
    if image.has_transparency_data:
        yield Problem("transparent", name)


def _declared_bits(image: Image.Image) -> int:
    if image.format == "TIFF":
        bits = getattr(image, "tag_v2", {}).get(258, (8,))
        return max(bits) if isinstance(bits, tuple) else int(bits)
    tiles = getattr(image, "tile", None)
    if image.format == "PNG" and tiles:
        raw = tiles[0][3]
        return 16 if "16" in str(raw[0] if isinstance(raw, tuple) else raw) else 8
    return 8
