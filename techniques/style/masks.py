"""Masks: pictures whose colours say which region a pixel belongs to, read and checked without PyTorch."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from techniques.errors import BadInputError
from techniques.pictures import Picture, fit, read_mask

__all__ = ["NOWHERE", "Labels", "Masks", "colour_regions", "drawn_regions"]

Labels = NDArray[np.uint8]  # (height, width): the number of each pixel's region
Colours = NDArray[np.float32]  # (n, 3) in 0..255

NOWHERE = 255  # the label of pixels in no region: they keep the content
_MOST = 16  # regions
_APART = 48.0  # of 255, in RGB: below it two colours are one that a pen or JPEG has blurred
_LEAST = 0.002  # of a mask's pixels make a colour a region, and not a blurred edge
_BLACK = np.zeros(3, np.float32)
_THUMB = 192  # px, longer side, for finding the main colours of a photograph
_ROUNDS = 20


@dataclass(frozen=True)
class Masks:
    """The regions of the content, and for each style which of its pixels each region takes.

    ``names`` are the regions' colours, for people.
    """

    content: Labels
    styles: tuple[Labels, ...]
    names: tuple[str, ...]


def drawn_regions(
    mask: Path,
    style_masks: Sequence[Path],
    content: Picture,
    styles: Sequence[Picture],
    paths: Sequence[Path],
) -> Masks:
    """The regions that hand-drawn masks say; ``paths`` are the content's and the styles', for messages.

    With style masks, a region of the content takes the pixels of the same colour in them. Without, black
    keeps the content, and the other colours take the style: all of them the only one, or, from the lightest
    to the darkest, one each.

    Raises:
        BadInputError: a mask has another size than its picture, or regions and styles do not match.
    """
    drawn = _drawn(mask, "--mask", content, paths[0])
    colours = _main_colours(drawn)
    if len(colours) > _MOST:
        raise BadInputError(
            f"--mask {mask} has more than {_MOST} colours. Draw with few flat colours, and save as PNG."
        )
    if style_masks:
        return _by_style_masks(mask, drawn, colours, style_masks, styles, paths[1:])
    wanted = np.array([one for one in colours if _distance(one, _BLACK) > _APART])
    if not len(wanted):
        raise BadInputError(
            f"--mask {mask} is all black, so that nothing would be styled. Paint regions white."
        )
    wanted = wanted[np.argsort(-wanted.mean(-1))]
    labels = _nearest(drawn, np.vstack([wanted, _BLACK]))
    labels[labels == len(wanted)] = NOWHERE
    names = tuple(map(_name, wanted))
    if len(styles) == 1:
        labels[labels != NOWHERE] = 0
        return Masks(labels, (_all(styles[0], 0),), (" ".join(names),))
    if len(styles) != len(wanted):
        raise BadInputError(
            f"--mask {mask} has {len(wanted)} regions beside black ({', '.join(names)}) for {len(styles)} "
            "styles. Name one style, one for each region, or draw a --style-mask for each."
        )
    return Masks(labels, tuple(_all(style, one) for one, style in enumerate(styles)), names)


def colour_regions(count: int, content: Picture, styles: Sequence[Picture], paths: Sequence[Path]) -> Masks:
    """``count`` regions by the pictures' own colours: the dark ones of the content take the dark ones of the
    styles, and so on up to the light ones. ``paths`` are the styles', for messages.

    Raises:
        BadInputError: the styles have fewer colours than that.
    """
    labels, colours = _clustered(content, count)
    found = tuple(_clustered(style, count)[0] for style in styles)
    tones = len(set().union(*(np.unique(one).tolist() for one in found)))
    if tones < count:
        advice = f"Choose --regions {tones}" if tones > 1 else "Leave --regions away"
        raise BadInputError(
            f"--regions {count}: there are only {tones} colours in {', '.join(map(str, paths))}, so some "
            f"regions would have no style. {advice}, or take another style."
        )
    return Masks(labels, found, tuple(map(_name, colours)))


def _by_style_masks(
    mask: Path,
    drawn: NDArray[np.float32],
    colours: Colours,
    style_masks: Sequence[Path],
    styles: Sequence[Picture],
    paths: Sequence[Path],
) -> Masks:
    if len(style_masks) != len(styles):
        raise BadInputError(
            f"--style-mask: {len(style_masks)} masks for {len(styles)} styles. "
            "Give one for each, in their order."
        )
    read = [
        _drawn(file, "--style-mask", style, path)
        for file, style, path in zip(style_masks, styles, paths, strict=True)
    ]
    found = [_main_colours(one) for one in read]
    regions = []
    for colour in colours:
        if any(_distance(colour, other) <= _APART for one in found for other in one):
            regions.append(colour)
        elif _distance(colour, _BLACK) > _APART:
            raise BadInputError(
                f"--style-mask: there are no pixels of the region {_name(colour)} of {mask} in "
                f"{', '.join(map(str, style_masks))}. Paint some in that colour."
            )
    if not regions:
        raise BadInputError(
            f"--mask {mask} and the style masks have no colour in common. Use the same colours."
        )
    wanted = np.array(regions)
    labels = []
    for picture, own in zip([drawn, *read], [colours, *found], strict=True):
        to_region = [_region_of(colour, wanted) for colour in own]
        labels.append(np.array(to_region, np.uint8)[_nearest(picture, own)])
    return Masks(labels[0], tuple(labels[1:]), tuple(map(_name, wanted)))


def _region_of(colour: NDArray[np.float32], regions: Colours) -> int:
    apart = np.linalg.norm(regions - colour, axis=-1)
    return int(apart.argmin()) if apart.min() <= _APART else NOWHERE


def _drawn(file: Path, flag: str, picture: Picture, path: Path) -> NDArray[np.float32]:
    return read_mask(file, flag, picture, path).over_white() * np.float32(255)


def _main_colours(pixels: NDArray[np.float32]) -> Colours:
    """The flat colours of a mask, most frequent first; blurred edges and JPEG's noise belong to them."""
    flat = pixels[_flat(pixels)]
    drawn = flat if len(flat) else pixels.reshape(-1, 3)
    values, counts = np.unique(drawn.round().astype(np.uint8), axis=0, return_counts=True)
    order = np.argsort(-counts, kind="stable")
    chosen: list[NDArray[np.float32]] = []
    for value, count in zip(values[order].astype(np.float32), counts[order], strict=True):
        if count < _LEAST * len(drawn) and chosen:
            break
        if all(_distance(value, one) > _APART for one in chosen):
            chosen.append(value)
        if len(chosen) > _MOST:
            break
    return np.array(chosen)


def _flat(pixels: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Where a mask has one colour all round: not at an edge, however blurred."""
    height, width = pixels.shape[:2]
    wide = np.pad(pixels, ((2, 2), (2, 2), (0, 0)), mode="edge")
    flat = np.ones((height, width), bool)
    for down, right in ((0, 2), (4, 2), (2, 0), (2, 4)):
        beside = wide[down : down + height, right : right + width]
        flat &= np.abs(beside - pixels).max(-1) < _APART / 2
    return flat


def _nearest(pixels: NDArray[np.float32], colours: Colours) -> Labels:
    best = np.full(pixels.shape[:2], np.inf, np.float32)
    labels = np.zeros(pixels.shape[:2], np.uint8)
    for number, colour in enumerate(colours):  # one after the other: all at once would be many pictures
        apart = np.square(pixels - colour).sum(-1)
        closer = apart < best
        labels[closer], best[closer] = number, apart[closer]
    return labels


def _clustered(picture: Picture, count: int) -> tuple[Labels, Colours]:
    """k-means (Lloyd 1982) over colours, begun at even steps of lightness; centres from dark to light."""
    longest = max(picture.size)
    small = picture
    if longest > _THUMB:
        width, height = (max(1, round(side * _THUMB / longest)) for side in picture.size)
        small = fit(picture, (width, height))
    pixels = (small.over_white() * 255).reshape(-1, 3)
    by_lightness = pixels[np.argsort(pixels.mean(-1), kind="stable")]
    centres = np.array([part.mean(0) for part in np.array_split(by_lightness, count)], np.float32)
    for _ in range(_ROUNDS):
        labels = _nearest(pixels[None], centres)[0]
        centres = _moved(centres, pixels, labels)
    centres = centres[np.argsort(centres.mean(-1), kind="stable")]
    return _nearest(picture.over_white() * np.float32(255), centres), centres


def _moved(centres: Colours, pixels: Colours, labels: Labels) -> Colours:
    """Each centre in the middle of its ``pixels``; one without any where they are furthest from their own."""
    moved = centres.copy()
    apart = np.square(pixels - centres[labels]).sum(-1)
    for one in range(len(centres)):
        if (mine := labels == one).any():
            moved[one] = pixels[mine].mean(0)
        else:
            furthest = int(apart.argmax())
            moved[one], apart[furthest] = pixels[furthest], 0
    return moved


def _all(style: Picture, region: int) -> Labels:
    return np.full((style.size[1], style.size[0]), region, np.uint8)


def _distance(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    return float(np.linalg.norm(one - other))


def _name(colour: NDArray[np.float32]) -> str:
    return "#" + "".join(f"{round(float(value)):02x}" for value in colour)
