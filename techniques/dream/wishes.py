"""What a person asked for, found among what a network has: forgiving with names, never guessing.

Needs no PyTorch.
"""

import difflib
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from techniques.errors import BadInputError

__all__ = ["LayerWish", "class_wish", "growing", "layer_wish", "matching"]


@dataclass(frozen=True)
class LayerWish:
    """A layer by its module's name, perhaps a channel of it, perhaps one place (across, down, in 0..1)."""

    module: str
    channel: int | None
    place: tuple[float, float] | None
    weight: float


def class_wish(text: str) -> tuple[str, float]:
    """``fountain=-0.5`` as a name and a weight; without a weight it is 1.

    Raises:
        BadInputError: the weight is no number, or 0.
    """
    name, _, weight = text.partition("=")
    return name.strip(), _weight(f"--class {text}", weight)


def growing(classes: Sequence[str]) -> list[str]:
    """The names among the wishes for ``classes`` that are to appear, and not to go away."""
    return [name for name, weight in map(class_wish, classes) if weight > 0]


def layer_wish(text: str) -> LayerWish:
    """``blocks.9:37:0.5,0.5=2`` as a wish: module, channel, place across and down, weight.

    Raises:
        BadInputError: it is not of that form.
    """
    named, _, weight = text.partition("=")
    found = re.fullmatch(
        r"(?P<module>[\w.]+)(:(?P<channel>\d+)(:(?P<x>[\d.]+),(?P<y>[\d.]+))?)?", named.strip()
    )
    if not found:
        raise BadInputError(
            f"--layer {text}: give MODULE, MODULE:CHANNEL or MODULE:CHANNEL:X,Y, such as blocks.9:37."
        )
    place = None
    if found["x"] is not None:
        try:
            place = float(found["x"]), float(found["y"])
        except ValueError:
            place = (2.0, 2.0)
        if not all(0 <= share <= 1 for share in place):
            raise BadInputError(f"--layer {text}: X and Y are shares of the picture, from 0 to 1.")
    channel = None if found["channel"] is None else int(found["channel"])
    return LayerWish(found["module"], channel, place, _weight(f"--layer {text}", weight))


def matching(wanted: str, classes: Sequence[str], whose: str) -> int:
    """The place of the class called ``wanted`` in ``classes``, whatever its case, hyphens and underscores.

    Raises:
        BadInputError: there is none, or there are several; the message names the nearest ones.
    """
    if wanted in classes:
        return classes.index(wanted)
    plain = [_plain(name) for name in classes]
    sought = _plain(wanted)
    places = [place for place, name in enumerate(plain) if name == sought]
    if len(places) == 1:
        return places[0]
    if places:
        raise BadInputError(
            f"--class {wanted}: {whose} has {len(places)} classes of that name in different case: "
            f"{', '.join(classes[place] for place in places)}. Write one exactly."
        )
    nearest = _nearest(sought, plain)
    advice = (
        f"The nearest are: {', '.join(classes[place] for place in nearest)}."
        if nearest
        else "`deepdesign dream --list` shows them."
    )
    raise BadInputError(f"--class {wanted}: {whose} has no such class. {advice}")


def _nearest(sought: str, plain: Sequence[str], most: int = 5) -> list[int]:
    words = set(sought.split())
    same_word = [
        place for place, name in enumerate(plain) if words & set(name.split()) or (sought and sought in name)
    ]
    alike = [plain.index(name) for name in difflib.get_close_matches(sought, plain, n=most, cutoff=0.6)]
    return list(dict.fromkeys([*alike, *same_word]))[:most]


def _plain(name: str) -> str:
    return " ".join(re.sub(r"[\W_]+", " ", name.casefold()).split())


def _weight(what: str, text: str) -> float:
    if not text:
        return 1.0
    try:
        weight = float(text)
    except ValueError:
        weight = math.nan
    if not math.isfinite(weight) or weight == 0:
        raise BadInputError(f"{what}: the weight behind = is a number, above or below 0, such as 2 or -0.5.")
    return weight
