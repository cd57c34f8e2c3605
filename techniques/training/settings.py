"""The settings of a training: the one source of defaults for command line, notebook and record."""

import math
from dataclasses import dataclass
from typing import Literal

from techniques.errors import BadInputError

__all__ = ["LARGEST_VIEW", "TrainSettings"]

LARGEST_VIEW = 4096  # px a side; the record of a classifier holds no larger ones


@dataclass(frozen=True, kw_only=True)
class TrainSettings:
    """How a network is trained.

    Raises:
        BadInputError: a value that cannot work; the message names the command line's flag.
    """

    epochs: int = 12
    """How often every picture is shown, at most."""
    size: int = 224
    """Side in pixels of the square that the network sees, if neither ``width`` nor ``height`` is given."""
    width: int | None = None
    height: int | None = None
    arch: str = "auto"
    """An architecture by name; "auto" is that of the weights."""
    weights: str = "auto"
    """What to start from: a network of the registry, a folder of `train`, "auto", or "none" (scratch)."""
    new_head: bool = False
    """Let a folder's classifier learn other classes: keep its features, train a new last layer."""
    batch_size: int = 16
    """Pictures a step, over all processes."""
    head_epochs: int = 1
    """How many of the epochs train the last layer only; for a start from scratch none do."""
    learning_rate: float = 1e-3
    """Of the last layer; the others, where they are trained already, get a tenth."""
    augment: Literal["none", "standard", "strong"] = "standard"
    class_weights: Literal["balanced", "none"] = "balanced"
    """"balanced": each class counts the same, however many pictures it has."""
    validation: float = 0.2
    """The share of each class that is held back to measure with, where the dataset has no ``val`` folder."""
    patience: int = 4
    """After how many epochs without a better validation loss to stop; 0 never does."""
    judge: str = "auto"
    """A second registered network that judges a short dream of each class; "none" leaves that away."""
    seed: int = 0
    device: Literal["auto", "cuda", "cpu"] = "auto"
    precision: Literal["auto", "float32", "bfloat16"] = "auto"

    def __post_init__(self) -> None:
        """Refuse what cannot work."""
        for flag, number in (("--epochs", self.epochs), ("--batch-size", self.batch_size)):
            if number < 1:
                raise BadInputError(f"{flag} {number}: give a whole number from 1 up.")
        for flag, number in (("--head-epochs", self.head_epochs), ("--patience", self.patience)):
            if number < 0:
                raise BadInputError(f"{flag} {number}: give a whole number from 0 up.")
        if not math.isfinite(self.learning_rate) or self.learning_rate <= 0:
            raise BadInputError(
                f"--learning-rate {self.learning_rate}: give a number above 0, such as 0.001."
            )
        if not 0 <= self.validation <= 0.5:
            raise BadInputError(f"--validation {self.validation}: give a share from 0 to 0.5.")
        for flag, pixels in (("--size", self.size), ("--width", self.width), ("--height", self.height)):
            if pixels is not None and not 1 <= pixels <= LARGEST_VIEW:
                raise BadInputError(f"{flag} {pixels}: give a number of pixels from 32 to {LARGEST_VIEW}.")

    @property
    def view(self) -> tuple[int, int]:
        """Width and height in pixels of what the network sees; one of them alone means a square."""
        width, height = self.width or self.height or self.size, self.height or self.width or self.size
        return width, height
