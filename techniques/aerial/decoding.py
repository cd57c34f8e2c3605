"""A tile's bytes as pixels, whatever form a service sends them in."""

import io

import numpy as np
from PIL import Image, UnidentifiedImageError

from techniques.pictures import DECODER_ERRORS

__all__ = ["TileError", "decoded", "decodes"]

_READABLE = ("PNG", "JPEG", "WEBP", "GIF", "TIFF")


class TileError(Exception):
    """A picture cannot be made of these tiles: ``reason`` is one word for counting."""

    def __init__(self, reason: str, text: str) -> None:
        super().__init__(text)
        self.reason = reason


def decoded(data: bytes, size: int) -> Image.Image | None:
    """The tile as RGB; None if all of it is transparent, which means that there is nothing."""
    try:
        with Image.open(io.BytesIO(data), formats=_READABLE) as image:
            if image.size != (size, size):
                raise TileError(
                    "tile-size", f"a tile has {image.width} x {image.height} pixels, not {size} x {size}"
                )
            image.load()
            return _opaque(image)
    except UnidentifiedImageError as error:
        raise TileError("not-an-image", "the service sends something that is no picture") from error
    except (*DECODER_ERRORS, Image.DecompressionBombError) as error:
        raise TileError("damaged", "a tile cannot be decoded") from error


def _opaque(image: Image.Image) -> Image.Image | None:
    if image.mode.startswith("I"):
        # 16 bits, which Pillow would cut off at 255. By one factor for all: its neighbours must match.
        image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    if not image.has_transparency_data:
        return image.convert("RGB")
    clear = image.convert("RGBA")
    if clear.getchannel("A").getextrema()[1] == 0:
        return None
    return Image.alpha_composite(Image.new("RGBA", clear.size, "white"), clear).convert("RGB")


def decodes(data: bytes, size: int) -> bool:
    """Whether a tile is whole: a damaged one is not kept for the next run to believe."""
    try:
        decoded(data, size)
    except TileError:
        return False
    return True
