"""Whether a class was learnt well enough to dream with: from figures to a word, in one place."""

from dataclasses import dataclass
from typing import Literal

from techniques.training.measures import ClassFigures

__all__ = ["Dreamt", "Verdict", "verdict"]

Word = Literal["yes", "perhaps", "no", "not measured"]


@dataclass(frozen=True)
class Dreamt:
    """A short dream of a class from noise, and what the judge saw in it: the class's probability and rank
    among ``classes``. ``trusted``: the judge itself recognises held-out photographs of the class.
    """

    probability: float
    rank: int
    classes: int
    named: str
    trusted: bool


@dataclass(frozen=True)
class Verdict:
    """``ready``, and why in a sentence."""

    ready: Word
    why: str


def verdict(figures: ClassFigures | None, dreamt: Dreamt | None) -> Verdict:
    """Judge a class by its held-out pictures and by a dream of it.

    "yes" takes both: with 95 % confidence at least half of its held-out pictures are recognised, and a
    network that had no part in the training calls the dream by its name. One that fails clearly is a "no".
    What is between, for want of pictures mostly, is "perhaps".
    """
    if figures is None or figures.recall is None or figures.recall_interval is None:
        return Verdict("not measured", "no picture of it was held back: add pictures")
    low, high = figures.recall_interval
    right = round(figures.recall * figures.pictures)
    seen = f"{right} of {figures.pictures} held-out pictures recognised"
    if high < 0.5:
        return Verdict("no", f"{seen}: fewer than half, whatever the luck")
    if dreamt is None or not dreamt.trusted:
        what = "no second network dreamt with" if dreamt is None else "the judge does not know it either"
        return Verdict("perhaps", f"{seen}; {what}")
    saw = f"a second network sees it in a dream with {dreamt.probability:.0%}"
    if dreamt.rank > 1 and dreamt.probability < 0.25:
        return Verdict("no", f"{seen}, but {saw} only, and rather {dreamt.named}")
    if low >= 0.5 and dreamt.rank == 1:
        return Verdict("yes", f"{seen}, and {saw}")
    if low < 0.5:
        return Verdict("perhaps", f"{seen}, too few to be sure; {saw}")
    return Verdict("perhaps", f"{seen}; {saw}, and rather {dreamt.named}")
