"""Contact sheets: many pictures on one, each with its name below."""

from collections.abc import Callable, Sequence
from math import ceil, sqrt

import numpy as np
from PIL import Image, ImageDraw, ImageFont, ImageOps

from techniques.pictures import Picture, in_srgb

__all__ = ["contact_sheet", "shown"]

_CELL, _CAPTION, _GAP = 360, 34, 14  # px
_PAPER, _INK = (250, 248, 244), (29, 27, 25)
_MOST = 100  # cells; of a longer sequence every second, third ... picture is shown


def shown(count: int) -> range:
    """Which of ``count`` pictures a sheet shows: all, or every second, third ... of them."""
    return range(0, count, max(1, ceil(count / _MOST)))


def contact_sheet(pictures: Sequence[tuple[str, Callable[[], Picture]]]) -> Picture:
    """Named pictures in rows, as near to a square as they come; those that `shown` names.

    Each is read when its turn comes, so that one at a time is in memory. Where not all are shown, the last
    line says so.

    Raises:
        ValueError: there are none.
    """
    if not pictures:
        raise ValueError("a contact sheet needs a picture")
    places = shown(len(pictures))
    columns = ceil(sqrt(len(places)))
    rows = ceil(len(places) / columns)
    font, cell = ImageFont.load_default(size=20), (_CELL, _CELL)
    sheet = Image.new("RGB", (1, 1))
    for place, number in enumerate(places):
        name, read = pictures[number]
        picture = in_srgb(read())
        if place == 0:  # the cells have the shape of the first picture
            cell = _CELL, max(40, min(2 * _CELL, round(_CELL * picture.size[1] / picture.size[0])))
            height = rows * (cell[1] + _CAPTION + _GAP) + (_CAPTION if places.step > 1 else 0)
            sheet = Image.new("RGB", (columns * (cell[0] + _GAP) + _GAP, height + _GAP), _PAPER)
        image = Image.fromarray((picture.over_white() * 255).round().astype(np.uint8))
        image = ImageOps.contain(image, cell, Image.Resampling.LANCZOS)
        left = _GAP + place % columns * (cell[0] + _GAP)
        top = _GAP + place // columns * (cell[1] + _CAPTION + _GAP)
        sheet.paste(image, (left + (cell[0] - image.width) // 2, top + (cell[1] - image.height) // 2))
        ImageDraw.Draw(sheet).text(
            (left + cell[0] / 2, top + cell[1] + 6), name, font=font, fill=_INK, anchor="ma"
        )
    if places.step > 1:
        ImageDraw.Draw(sheet).text(
            (_GAP, sheet.height - _CAPTION - _GAP + 6),
            f"{len(places)} of {len(pictures)} pictures are shown: one of every {places.step}.",
            font=font,
            fill=_INK,
        )
    return Picture(np.asarray(sheet, dtype=np.float32) / np.float32(255))
