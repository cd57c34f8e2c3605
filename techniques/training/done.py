"""A finished training, between the work and what is written of it."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from techniques.classifiers.preprocessing import Preprocessing
from techniques.training.dataset import Dataset
from techniques.training.measures import Measured
from techniques.training.problems import Problem
from techniques.training.readiness import Readiness
from techniques.training.student import Origin
from techniques.training.trainer import Outcome

__all__ = ["Done"]


@dataclass(frozen=True)
class Done:
    """All that a finished training left in memory. ``validation`` and ``test`` are figures on the pictures
    that were held back, None where there were none; ``answers`` the probabilities (n, classes) for the first.
    ``contents`` is the hash of all files that the dataset had.
    """

    dataset: Dataset
    contents: str
    outcome: Outcome
    validation: Measured | None
    test: Measured | None
    problems: tuple[Problem, ...]
    origin: Origin
    preprocessing: Preprocessing
    answers: NDArray[np.float32] | None
    readiness: Readiness | None
    precision: torch.dtype
    seconds: float
