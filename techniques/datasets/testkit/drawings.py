"""Façades that nobody built, drawn for a word: the same word always has the same architecture.

No two pictures of a word are alike (bays, storeys, light, season, where the draughtsman stood), so that a
network can learn the word from them, and duplicates do not all fall to the first.
"""

import colorsys
import io
import random
from dataclasses import dataclass
from typing import Literal

from PIL import Image, ImageDraw

__all__ = ["drawing", "drawing_size"]

Opening = Literal["pointed", "round", "square", "circle"]
Roof = Literal["flat", "gable", "dome", "spire", "saw"]
Wall = Literal["plain", "brick", "courses"]
Color = tuple[int, int, int]

_OPENINGS: tuple[Opening, ...] = ("pointed", "round", "square", "circle")
_ROOFS: tuple[Roof, ...] = ("flat", "gable", "dome", "spire", "saw")
_WALLS: tuple[Wall, ...] = ("plain", "brick", "courses")
_SMOOTH = 2  # drawn so many times larger, so that edges are soft


@dataclass(frozen=True)
class Manner:
    """What all buildings of a word have in common; ``hue`` from 0 to 1."""

    opening: Opening
    roof: Roof
    wall: Wall
    hue: float


_KNOWN = {
    "gothic": Manner("pointed", "spire", "courses", 0.10),
    "dome": Manner("round", "dome", "plain", 0.12),
    "romanesque": Manner("round", "gable", "courses", 0.07),
    "baroque": Manner("circle", "dome", "courses", 0.14),
    "modernist": Manner("square", "flat", "plain", 0.58),
    "brick": Manner("square", "gable", "brick", 0.02),
    "factory": Manner("square", "saw", "brick", 0.01),
    "islamic": Manner("pointed", "dome", "plain", 0.13),
}


def drawing_size(word: str, number: int) -> tuple[int, int]:
    """Width and height of `drawing`, in pixels, without drawing it."""
    return (480, 360) if _chance(word, number, "size").random() < 0.6 else (360, 480)


def drawing(word: str, number: int) -> bytes:
    """The picture ``number`` of ``word``, as JPEG."""
    size = drawing_size(word, number)
    picture = Image.new("RGB", (size[0] * _SMOOTH, size[1] * _SMOOTH))
    _draw(picture, _manner(word.casefold()), _chance(word, number, "picture"))
    kept = io.BytesIO()
    picture.resize(size, Image.Resampling.LANCZOS).save(kept, "JPEG", quality=90)
    return kept.getvalue()


def _chance(word: str, number: int, what: str) -> random.Random:
    return random.Random(f"{word.casefold()}/{number}/{what}")  # noqa: S311 - a drawing, not a secret


def _manner(word: str) -> Manner:
    if word in _KNOWN:
        return _KNOWN[word]
    chance = random.Random(word)  # noqa: S311
    return Manner(
        chance.choice(_OPENINGS), chance.choice(_ROOFS), chance.choice(_WALLS), round(chance.random(), 3)
    )


def _color(hue: float, saturation: float, value: float) -> Color:
    red, green, blue = colorsys.hsv_to_rgb(hue % 1, min(max(saturation, 0), 1), min(max(value, 0), 1))
    return round(red * 255), round(green * 255), round(blue * 255)


def _draw(picture: Image.Image, manner: Manner, chance: random.Random) -> None:
    width, height = picture.size
    ground = round(height * chance.uniform(0.78, 0.92))
    _sky(picture, ground, chance)
    pen = ImageDraw.Draw(picture)
    pen.rectangle(
        (0, ground, width, height), _color(chance.uniform(0.08, 0.33), 0.35, chance.uniform(0.3, 0.6))
    )

    wide = round(width * chance.uniform(0.45, 0.85))
    left = round((width - wide) * chance.random())
    top = round(height * chance.uniform(0.3, 0.5))
    light = chance.uniform(0.6, 0.95)
    hue = manner.hue + chance.uniform(-0.02, 0.02)
    saturation = chance.uniform(0.25, 0.5)
    wall, dark = _color(hue, saturation, light), _color(hue, saturation + 0.1, light * 0.45)
    _roof(
        pen,
        manner.roof,
        (left, top, left + wide, height),
        _color(hue + 0.04, saturation, light * 0.6),
        chance,
    )
    pen.rectangle((left, top, left + wide, ground), wall)
    _courses(pen, manner.wall, (left, top, left + wide, ground), _color(hue, saturation, light * 0.8))

    bays, storeys = chance.randint(2, 6), chance.randint(1, 3)
    step, rise = wide / bays, (ground - top) / storeys
    for storey in range(storeys):
        for bay in range(bays):
            x, y = left + bay * step, top + storey * rise
            box = (x + step * 0.22, y + rise * 0.2, x + step * 0.78, y + rise * 0.88)
            _opening(pen, manner.opening, box, dark)
    if chance.random() < 0.6:
        _tree(pen, round(width * chance.random()), ground, round(height * chance.uniform(0.15, 0.35)), chance)
    side = Image.linear_gradient("L").rotate(chance.choice((90, 270))).resize(picture.size)
    picture.paste(Image.blend(picture, Image.new("RGB", picture.size), 0.35), mask=side)


def _sky(picture: Image.Image, ground: int, chance: random.Random) -> None:
    high = _color(chance.uniform(0.5, 0.66), chance.uniform(0.1, 0.6), chance.uniform(0.55, 0.95))
    low = _color(chance.uniform(0.05, 0.6), 0.15, 0.95)
    fall = Image.linear_gradient("L").resize((picture.width, ground))
    size = fall.size
    picture.paste(Image.composite(Image.new("RGB", size, low), Image.new("RGB", size, high), fall), (0, 0))


def _roof(
    pen: ImageDraw.ImageDraw, kind: Roof, box: tuple[int, int, int, int], color: Color, chance: random.Random
) -> None:
    left, top, right, _ = box
    wide = right - left
    rise = round(top * chance.uniform(0.55, 0.9))
    if kind == "flat":
        pen.rectangle((left - wide * 0.03, top - rise * 0.15, right + wide * 0.03, top), color)
    elif kind == "gable":
        pen.polygon(
            [(left - wide * 0.04, top), ((left + right) / 2, top - rise * 0.7), (right + wide * 0.04, top)],
            color,
        )
    elif kind == "dome":
        half = min(wide * 0.4, rise)
        middle = (left + right) / 2
        pen.ellipse((middle - half, top - half, middle + half, top + half), color)
        pen.rectangle((middle - half * 0.06, top - half * 1.3, middle + half * 0.06, top - half), color)
    elif kind == "spire":
        for middle in (left + wide * 0.18, right - wide * 0.18):
            half = wide * 0.14
            pen.polygon([(middle - half, top), (middle, top - rise), (middle + half, top)], color)
    else:
        teeth = chance.randint(3, 6)
        for tooth in range(teeth):
            x = left + wide * tooth / teeth
            pen.polygon([(x, top), (x, top - rise * 0.5), (x + wide / teeth, top)], color)


def _courses(pen: ImageDraw.ImageDraw, kind: Wall, box: tuple[int, int, int, int], color: Color) -> None:
    left, top, right, bottom = box
    if kind == "plain":
        return
    high = 14 if kind == "brick" else 40
    for row, y in enumerate(range(top, bottom, high)):
        pen.line((left, y, right, y), color, 2)
        if kind == "brick":
            for x in range(left + (row % 2) * 16, right, 32):
                pen.line((x, y, x, min(y + high, bottom)), color, 2)


def _opening(
    pen: ImageDraw.ImageDraw, kind: Opening, box: tuple[float, float, float, float], color: Color
) -> None:
    left, top, right, bottom = box
    wide, middle = right - left, (left + right) / 2
    spring = min(top + wide * (0.9 if kind == "pointed" else 0.5), bottom)
    if kind == "circle":
        half = min(wide, bottom - top) / 2
        y = (top + bottom) / 2
        pen.ellipse((middle - half, y - half, middle + half, y + half), color)
    elif kind == "square":
        pen.rectangle(box, color)
    elif kind == "round":
        pen.pieslice((left, top, right, 2 * spring - top), 180, 360, color)
        pen.rectangle((left, spring, right, bottom), color)
    else:
        # Each side of a pointed arch is an arc about the other side's springing point.
        arc = [(right - wide * (1 - t * t / 2), spring - (spring - top) * t) for t in (0, 0.3, 0.6, 0.8, 1)]
        pen.polygon(
            [*arc, *((2 * middle - x, y) for x, y in reversed(arc)), (right, bottom), (left, bottom)], color
        )


def _tree(pen: ImageDraw.ImageDraw, x: int, ground: int, high: int, chance: random.Random) -> None:
    pen.rectangle((x - high * 0.05, ground - high * 0.6, x + high * 0.05, ground), _color(0.08, 0.5, 0.3))
    green = _color(chance.uniform(0.08, 0.38), 0.6, chance.uniform(0.3, 0.6))
    for _ in range(6):
        across, up = chance.uniform(-0.3, 0.3) * high, chance.uniform(0.5, 1.0) * high
        half = high * chance.uniform(0.15, 0.28)
        pen.ellipse((x + across - half, ground - up - half, x + across + half, ground - up + half), green)
