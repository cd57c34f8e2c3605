"""What a classifier says about a picture, as values: the likeliest classes, and whether to believe them."""

from dataclasses import dataclass
from pathlib import Path

from techniques.classifiers.classifier import Classifier
from techniques.pictures import Picture

__all__ = ["Answer", "Guess", "answer", "table"]

_SURE = 0.3  # below it, ImageNet networks guess: a portrait is a bobsled with 0.16
_OVER_CHANCE = 1.5  # times; what counts with few classes, where chance alone gives a lot


@dataclass(frozen=True)
class Guess:
    """One class and its probability in 0..1; ``index`` is its place in the network's output."""

    name: str
    index: int
    probability: float


@dataclass(frozen=True)
class Answer:
    """The likeliest classes of one picture, the likeliest first."""

    picture: Path
    guesses: tuple[Guess, ...]
    sure: bool
    """Whether the first guess is likely enough to mean something."""


def answer(path: Path, picture: Picture, classifier: Classifier, top: int) -> Answer:
    """The ``top`` likeliest classes of ``picture``, which was read from ``path``."""
    found = classifier.probabilities(picture).topk(min(top, len(classifier.classes)))
    guesses = tuple(
        Guess(classifier.classes[index], index, probability)
        for probability, index in zip(found.values.tolist(), found.indices.tolist(), strict=True)
    )
    least = max(_SURE, min(_OVER_CHANCE / len(classifier.classes), 1.0))
    return Answer(path, guesses, guesses[0].probability >= least)


def table(answers: list[Answer]) -> str:
    """``answers`` as text: a line for each picture and guess, aligned."""
    width = max(len(guess.name) for one in answers for guess in one.guesses)
    lines = []
    for one in answers:
        lines.append(
            f"{one.picture}{'' if one.sure else '   (not sure: nothing here looks like its classes)'}"
        )
        for guess in one.guesses:
            bar = "#" * round(30 * guess.probability)
            lines.append(f"  {guess.name:<{width}}  {guess.probability:6.1%}  {bar}".rstrip())
    return "\n".join(lines)
