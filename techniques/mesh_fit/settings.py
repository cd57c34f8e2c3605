"""The settings of mesh-fit: the one source of defaults for command line, notebook and record."""

import math
from dataclasses import dataclass
from typing import Literal

from techniques.errors import BadInputError
from techniques.meshes.limits import check_faces

__all__ = ["FitSettings"]


@dataclass(frozen=True, kw_only=True)
class FitSettings:
    """How a mesh is fitted to its guides. Weights are relative: 1 is our balance, at every size and scale.

    Raises:
        BadInputError: a value that cannot work; the message names the command line's flag.
    """

    size: int = 256
    """Side of the square in which outlines are compared, in pixels; from a quarter of it up."""
    iterations: int = 250
    stiffness: float = 19.0
    """How far a vertex takes its neighbours along (Large Steps' lambda): 0 crumples, 100 moves big parts."""
    step: float = 0.15
    """How far a vertex may go in one step, in radii of the mesh."""
    smoothness: float = 1.0
    """How strongly neighbours move alike and folds stay as they are."""
    planarity: float = 1.0
    """How strongly faces that came flat stay flat, and edges that came straight stay straight."""
    shading: float = 0.0
    """How strongly light and dark inside the outline follow the guide's; 0 looks at outlines only."""
    light: tuple[float, float] = (-45.0, 45.0)
    """Where the light of the guides comes from: degrees to the right of the eye, and above it."""
    threshold: float = 0.5
    """The lightness that divides shape from ground, in 0..1."""
    invert: bool = False
    """Take the guides' ground for the shape."""
    align: bool = False
    """Move and scale each guide's shape so that it lies where the mesh is seen."""
    faces: int | None = None
    """Reduce the mesh to so many triangles first; None: never."""
    up: Literal["auto", "y", "z"] = "auto"
    """Which axis of the file points upwards."""
    turntable: bool = True
    """Leave a GIF and a WebP of the mesh turning once."""
    seed: int = 0
    """Recorded; nothing here is random."""
    device: Literal["auto", "cuda", "cpu"] = "auto"

    def __post_init__(self) -> None:
        """Refuse what cannot work."""
        if not 32 <= self.size <= 2048:
            raise BadInputError(f"--size {self.size}: give 32 to 2048 pixels.")
        check_faces(self.faces)
        if self.iterations < 1:
            raise BadInputError(f"--iterations {self.iterations}: at least one step is needed.")
        for flag, value, most in (
            ("--stiffness", self.stiffness, 1e5),
            ("--smoothness", self.smoothness, 1e6),
            ("--planarity", self.planarity, 1e6),
            ("--shading", self.shading, 1e6),
        ):
            if not math.isfinite(value) or not 0 <= value <= most:
                raise BadInputError(f"{flag} {value}: give a number from 0 to {most:g}.")
        if not 1e-5 <= self.step <= 1:
            raise BadInputError(f"--step {self.step}: give a number from 0.00001 to 1.")
        if not 0 < self.threshold < 1:
            raise BadInputError(f"--threshold {self.threshold}: give a number between 0 and 1.")
        if not all(math.isfinite(angle) for angle in self.light):
            raise BadInputError("--light: give two angles in degrees, such as -45,45.")
