"""Figures of a classifier on pictures that it was not trained on; plain NumPy, no network in sight."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["ClassFigures", "Measured", "interval", "measured"]

_BINS = 10
_Z = 1.959964  # 95 % of a normal distribution lie within so many standard deviations

Interval = tuple[float, float]


@dataclass(frozen=True)
class ClassFigures:
    """One class: of its ``pictures`` the share ``recall`` was recognised, and of all that were called so the
    share ``precision`` was right; each with its 95 % interval, None where there was nothing to count.
    """

    pictures: int
    recall: float | None
    recall_interval: Interval | None
    precision: float | None
    precision_interval: Interval | None


@dataclass(frozen=True)
class Measured:
    """``confusion`` counts pictures by true (row) and named class (column). ``calibration_error`` is how far
    confidence and accuracy are apart, on average, in 0..1. ``loss`` is the cross-entropy in nats.
    """

    pictures: int
    accuracy: float
    accuracy_interval: Interval
    balanced_accuracy: float
    loss: float
    confidence: float
    calibration_error: float
    confusion: tuple[tuple[int, ...], ...]
    classes: tuple[ClassFigures, ...]

    def most_confused(self, count: int = 8) -> list[tuple[int, int, int]]:
        """Pairs of classes (true, named, pictures) that are mistaken most, worst first."""
        pairs = [
            (true, named, number)
            for true, row in enumerate(self.confusion)
            for named, number in enumerate(row)
            if true != named and number
        ]
        return sorted(pairs, key=lambda pair: (-pair[2], pair[0], pair[1]))[:count]


def measured(probabilities: NDArray[np.float32], labels: Sequence[int]) -> Measured | None:
    """Figures from ``probabilities`` (n, classes) and the true ``labels``; None without pictures."""
    if not len(labels):
        return None
    truth = np.asarray(labels)
    named, classes = probabilities.argmax(1), probabilities.shape[1]
    confusion = np.zeros((classes, classes), dtype=int)
    np.add.at(confusion, (truth, named), 1)
    right = named == truth
    chosen = np.clip(probabilities[np.arange(len(truth)), truth].astype(np.float64), 1e-12, 1)
    figures = tuple(_of_class(confusion, label) for label in range(classes))
    recalls = [figure.recall for figure in figures if figure.recall is not None]
    return Measured(
        pictures=len(truth),
        accuracy=float(right.mean()),
        accuracy_interval=interval(int(right.sum()), len(truth)),
        balanced_accuracy=float(np.mean(recalls)),
        loss=float(-np.log(chosen).mean()),
        confidence=float(probabilities.max(1).mean()),
        calibration_error=_calibration_error(probabilities.max(1), right),
        confusion=tuple(tuple(int(number) for number in row) for row in confusion),
        classes=figures,
    )


def interval(successes: int, trials: int) -> Interval:
    """The 95 % confidence interval of a share (Wilson 1927), honest for few trials and near 0 and 1."""
    share, square = successes / trials, _Z**2 / trials
    middle = (share + square / 2) / (1 + square)
    half = _Z / (1 + square) * math.sqrt(share * (1 - share) / trials + square / (4 * trials))
    return max(0.0, middle - half), min(1.0, middle + half)


def _of_class(confusion: NDArray[np.int_], label: int) -> ClassFigures:
    right, there = int(confusion[label, label]), int(confusion[label].sum())
    called = int(confusion[:, label].sum())
    return ClassFigures(
        pictures=there,
        recall=right / there if there else None,
        recall_interval=interval(right, there) if there else None,
        precision=right / called if called else None,
        precision_interval=interval(right, called) if called else None,
    )


def _calibration_error(confidence: NDArray[np.float32], right: NDArray[np.bool_]) -> float:
    """The expected calibration error over ten bins of equal width (Guo et al., ICML 2017, equation 5)."""
    place = np.minimum((confidence * _BINS).astype(int), _BINS - 1)
    gaps = [
        abs(float(right[place == number].mean() - confidence[place == number].mean()))
        * int((place == number).sum())
        for number in range(_BINS)
        if (place == number).any()
    ]
    return sum(gaps) / len(right)
