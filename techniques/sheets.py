"""Contact sheets: many pictures on one, each with its name below."""

from collections.abc import Iterable
from math import ceil, sqrt

import numpy as np
from PIL import Image, ImageDraw, ImageFont, ImageOps

from techniques.pictures import Picture

__all__ = ["contact_sheet"]

_CELL, _CAPTION, _GAP = 360, 34, 14  # px
_PAPER, _INK = (250, 248, 244), (29, 27, 25)
_MOST = 100  # cells; of a longer sequence every second, third ... picture is shown


def contact_sheet(pictures: Iterable[tuple[str, Picture]], count: int) -> Picture:
    """``count`` named pictures in rows, as near to a square as they come; taken one after the other.

    Raises:
        ValueError: there are none.
    """
    step = ceil(count / _MOST)
    shown = ceil(count / step)
    columns = ceil(sqrt(shown))
    font, sheet, cell = ImageFont.load_default(size=20), None, (_CELL, _CELL)
    for number, (name, picture) in enumerate(pictures):
        if number % step:
            continue
        if sheet is None:  # the cells have the shape of the first picture
            cell = _CELL, max(40, min(2 * _CELL, round(_CELL * picture.size[1] / picture.size[0])))
            size = columns * (cell[0] + _GAP), ceil(shown / columns) * (cell[1] + _CAPTION + _GAP)
            sheet = Image.new("RGB", (size[0] + _GAP, size[1] + _GAP), _PAPER)
        place = number // step
        image = Image.fromarray((picture.over_white() * 255).round().astype(np.uint8))
        image = ImageOps.contain(image, cell, Image.Resampling.LANCZOS)
        left = _GAP + place % columns * (cell[0] + _GAP)
        top = _GAP + place // columns * (cell[1] + _CAPTION + _GAP)
        sheet.paste(image, (left + (cell[0] - image.width) // 2, top + (cell[1] - image.height) // 2))
        ImageDraw.Draw(sheet).text(
            (left + cell[0] / 2, top + cell[1] + 6), name, font=font, fill=_INK, anchor="ma"
        )
    if sheet is None:
        raise ValueError("a contact sheet needs a picture")
    return Picture(np.asarray(sheet, dtype=np.float32) / np.float32(255))
