"""The settings of dreaming: the one source of defaults for command line, notebook and record."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from techniques.errors import BadInputError

__all__ = ["STRENGTHS", "DreamSettings", "Strength", "StrengthName"]

StrengthName = Literal["subtle", "balanced", "bold"]


@dataclass(frozen=True)
class Strength:
    """What an intent means in numbers: the size of Adam's steps, and how far the photograph pulls back."""

    rate: float
    tie: float


STRENGTHS: Mapping[StrengthName, Strength] = {
    "subtle": Strength(rate=0.025, tie=150.0),
    "balanced": Strength(rate=0.05, tie=0.0),
    "bold": Strength(rate=0.1, tie=0.0),
}


@dataclass(frozen=True, kw_only=True)
class DreamSettings:
    """How a picture is dreamt. The defaults are our balanced preset, and hold at every size.

    Raises:
        BadInputError: a value that cannot work; the message names the command line's flag.
    """

    classes: tuple[str, ...] = ()
    """Names of classes, each may carry a weight: ``fountain``, ``castle=-0.5``."""
    layers: tuple[str, ...] = ()
    """Modules of the network, as ``blocks.9``, ``blocks.9:37`` (a channel), ``blocks.9:37:0.5,0.5``."""
    amplify: bool = False
    """More of what the network sees there already."""
    size: int = 512
    """Longer side of the result in pixels, if neither ``width`` nor ``height`` is given."""
    width: int | None = None
    height: int | None = None
    strength: StrengthName = "balanced"
    smoothness: float = 1.0
    """How strongly noise is held down."""
    iterations: int = 100
    """Steps in all, over all octaves."""
    octaves: int | None = None
    """How many sizes, a factor of 2 apart; None is as many as the result needs."""
    views: int = 2
    """Random parts of the picture that a step looks at."""
    closest: float = 0.45
    """The smallest part that a view shows, as a share of the shorter side."""
    turn: float = 8.0
    """How far views are turned at most, in degrees."""
    mirror: bool = True
    """Whether half the views are mirrored; lettering comes out better without."""
    start: Literal["photograph", "noise"] = "photograph"
    weights: str = "auto"
    """Networks of the registry or folders of ``train``, with commas between."""
    judges: str = "auto"
    """Networks that judge the result; "auto" are those at hand with the same classes, "none" is none."""
    seed: int = 0
    device: Literal["auto", "cuda", "cpu"] = "auto"

    def __post_init__(self) -> None:
        """Refuse what cannot work."""
        for flag, pixels in (("--size", self.size), ("--width", self.width), ("--height", self.height)):
            if pixels is not None and pixels < 1:
                raise BadInputError(
                    f"{flag} {pixels}: a picture needs at least one pixel. Give a size above 0."
                )
        if not (self.classes or self.layers or self.amplify):
            raise BadInputError(
                "Nothing to dream of: name a class with --class, such as --class fountain. "
                "`deepdesign dream --list` shows all."
            )
        if not math.isfinite(self.smoothness) or self.smoothness < 0:
            raise BadInputError(f"--smoothness {self.smoothness}: give a number from 0 up.")
        if self.iterations < 1:
            raise BadInputError(f"--iterations {self.iterations}: at least one step is needed.")
        if self.octaves is not None and not 1 <= self.octaves <= 8:
            raise BadInputError(f"--octaves {self.octaves}: give a number from 1 to 8.")
        if not 1 <= self.views <= 64:
            raise BadInputError(f"--views {self.views}: give a number from 1 to 64.")
        if not 0.02 <= self.closest <= 1:
            raise BadInputError(f"--closest {self.closest}: give a share from 0.02 to 1.")
        if not 0 <= self.turn <= 180:
            raise BadInputError(f"--turn {self.turn}: give degrees from 0 to 180.")
        if not all(name.strip() for name in self.weights.split(",")):
            raise BadInputError("--weights: a name is missing between two commas.")
