"""Figures, against scikit-learn's and against worked values."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import (
    balanced_accuracy_score,
    confusion_matrix,
    log_loss,
    precision_recall_fscore_support,
)

from techniques.training.measures import interval, measured


@settings(deadline=None, max_examples=50)
@given(st.integers(2, 6), st.integers(1, 60), st.integers(0, 2**32 - 1))
def test_figures_are_those_of_scikit_learn(classes, pictures, seed):
    random = np.random.default_rng(seed)
    labels = random.integers(0, classes, pictures)
    probabilities = random.dirichlet(np.ones(classes), pictures).astype(np.float32)
    named, names = probabilities.argmax(1), list(range(classes))

    found = measured(probabilities, labels)

    assert found is not None
    assert (np.array(found.confusion) == confusion_matrix(labels, named, labels=names)).all()
    assert found.loss == pytest.approx(log_loss(labels, probabilities.astype(float), labels=names), rel=1e-4)
    precision, recall, _, _ = precision_recall_fscore_support(
        labels, named, labels=names, zero_division=np.nan
    )
    for label, figures in enumerate(found.classes):
        assert (figures.recall is None) == (label not in labels)
        if figures.recall is not None:
            assert figures.recall == pytest.approx(recall[label])
        if figures.precision is not None:
            assert figures.precision == pytest.approx(precision[label])
    present = [figures.recall for figures in found.classes if figures.recall is not None]
    assert found.balanced_accuracy == pytest.approx(np.mean(present))
    if len(present) == classes:
        assert found.balanced_accuracy == pytest.approx(balanced_accuracy_score(labels, named))


@pytest.mark.parametrize(
    ("right", "of", "low", "high"),
    [(10, 10, 0.7225, 1.0), (0, 10, 0.0, 0.2775), (5, 10, 0.2366, 0.7634), (81, 263, 0.2553, 0.3662)],
)
def test_intervals_are_wilsons(right, of, low, high):
    # The last row is the worked example of Newcombe (1998), method 3.
    assert interval(right, of) == pytest.approx((low, high), abs=2e-4)


def test_confidence_beside_accuracy_is_the_calibration_error():
    sure = np.array([[0.9, 0.1]] * 10, np.float32)

    assert measured(sure, [0] * 9 + [1]).calibration_error == pytest.approx(0, abs=1e-6)
    assert measured(sure, [0] * 4 + [1] * 6).calibration_error == pytest.approx(0.5, abs=1e-6)


def test_the_most_confused_pairs_come_first():
    probabilities = np.eye(3, dtype=np.float32)[[0, 1, 1, 2, 2, 2]]

    assert measured(probabilities, [0, 0, 0, 0, 2, 1]).most_confused() == [(0, 1, 2), (0, 2, 1), (1, 2, 1)]


def test_without_pictures_nothing_is_claimed():
    assert measured(np.zeros((0, 3), np.float32), []) is None
