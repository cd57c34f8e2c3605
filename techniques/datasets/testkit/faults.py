"""What a server can do wrong with one picture, as answers in turn: for tests of whatever fetches pictures.

for fault in faults(private="http://127.0.0.2:8000/"):
    answers = fault.script(data)   # call it for each request: the last answer is given for ever
"""

import email.utils
import gzip
import io
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image

from techniques.datasets.testkit.clock import VirtualClock
from techniques.datasets.testkit.server import Reply

__all__ = ["Fault", "faults"]


@dataclass(frozen=True)
class Fault:
    """``answers`` makes replies from the bytes of the picture as it should be."""

    name: str
    answers: Callable[[bytes], list[Reply]]

    def script(self, data: bytes) -> Callable[[], Reply]:
        """Gives the replies in turn, the last one for ever."""
        left = self.answers(data)
        return lambda: left.pop(0) if len(left) > 1 else left[0]


def faults(*, private: str, most_bytes: int) -> tuple[Fault, ...]:
    """All of them; ``private`` is an address in a private network, ``most_bytes`` what may be fetched."""
    return (
        Fault("301 to itself, once", lambda data: [_moved(301, "?again"), _picture(data)]),
        Fault("302 for ever", lambda _: [_moved(302, "?again")]),
        Fault("302 to a file", lambda _: [_moved(302, "file:///etc/passwd")]),
        Fault("302 to a private address", lambda _: [_moved(302, private)]),
        Fault("401", lambda _: [Reply(401, b"who are you")]),
        Fault("403 with a page", lambda _: [Reply(403, b"<html>private</html>", content_type="text/html")]),
        Fault("404", lambda _: [Reply(404)]),
        Fault("410", lambda _: [Reply(410)]),
        Fault("429, seconds", lambda data: [Reply(429, headers={"Retry-After": "3"}), _picture(data)]),
        Fault("429, a date", lambda data: [Reply(429, headers={"Retry-After": _date(2)}), _picture(data)]),
        Fault("429, nothing", lambda data: [Reply(429), _picture(data)]),
        Fault("500 for ever", lambda _: [Reply(500)]),
        Fault("503 once", lambda data: [Reply(503), _picture(data)]),
        Fault("reset before the body", lambda data: [Reply(reset=True), _picture(data)]),
        Fault("reset for ever", lambda _: [Reply(reset=True)]),
        Fault("breaks off once", lambda data: [Reply(200, data, cut=500), _picture(data)]),
        Fault("slow drip", lambda data: [Reply(200, data, content_type="image/jpeg", drip=1.0)]),
        Fault("says it is longer", lambda data: [_longer(data)]),
        Fault("gzip", lambda data: [_zipped(data)]),
        Fault("chunked", lambda data: [Reply(200, data, chunked=True, content_type="image/jpeg")]),
        Fault("empty", lambda _: [_picture(b"")]),
        Fault("a page as jpeg", lambda _: [_picture(b"<!DOCTYPE html><html>log in</html>")]),
        Fault("another type than it says", lambda data: [_picture(_again(data, "WEBP", lossless=True))]),
        Fault("cut in half", lambda data: [_picture(data[: len(data) // 2])]),
        Fault("bomb", lambda _: [_picture(_bomb())]),
        Fault("animated", lambda data: [_picture(_moving(data))]),
        Fault("cmyk", lambda data: [_picture(_again(data, "JPEG", mode="CMYK", quality=95))]),
        Fault("16 bits", lambda data: [_picture(_sixteen_bits(data))]),
        *(Fault(f"turned, exif {number}", _turner(number)) for number in range(2, 9)),
        Fault("huge", lambda _: [_picture(b"\xff\xd8\xff" + bytes(most_bytes))]),
        Fault("noai", lambda data: [Reply(200, data, {"X-Robots-Tag": "noai"}, "image/jpeg")]),
    )


def _picture(data: bytes) -> Reply:
    return Reply(200, data, content_type="image/jpeg")


def _moved(status: int, where: str) -> Reply:
    return Reply(status, headers={"Location": where})


def _longer(data: bytes) -> Reply:
    return Reply(200, data, {"Content-Length": str(len(data) + 9)}, cut=len(data))


def _zipped(data: bytes) -> Reply:
    return Reply(200, gzip.compress(data), {"Content-Encoding": "gzip"}, "image/jpeg")


def _date(seconds: float) -> str:
    return email.utils.formatdate(VirtualClock().time() + seconds, usegmt=True)


def _opened(data: bytes) -> Image.Image:
    with Image.open(io.BytesIO(data)) as image:
        return image.convert("RGB")


def _again(data: bytes, kind: str, *, mode: str = "RGB", **options: object) -> bytes:
    written = io.BytesIO()
    _opened(data).convert(mode).save(written, kind, **options)
    return written.getvalue()


def _turner(orientation: int) -> Callable[[bytes], list[Reply]]:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return lambda data: [_picture(_again(data, "JPEG", quality=95, exif=exif))]


def _moving(data: bytes) -> bytes:
    image = _opened(data)
    written = io.BytesIO()
    later = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT).quantize()
    image.quantize().save(written, "GIF", save_all=True, append_images=[later])
    return written.getvalue()


def _sixteen_bits(data: bytes) -> bytes:
    grey = np.asarray(_opened(data).convert("L"), dtype=np.uint16) * 257
    written = io.BytesIO()
    Image.fromarray(grey).save(written, "PNG")
    return written.getvalue()


def _bomb() -> bytes:
    written = io.BytesIO()
    Image.new("1", (9_000, 8_000)).save(written, "PNG")
    return written.getvalue()
