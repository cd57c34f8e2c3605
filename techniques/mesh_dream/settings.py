"""The settings of mesh-dream: the one source of defaults for command line, notebook and record."""

import math
from dataclasses import dataclass
from typing import Literal

from techniques.dream.settings import DreamSettings
from techniques.errors import BadInputError
from techniques.meshes.limits import check_faces

__all__ = ["MeshDreamSettings"]


@dataclass(frozen=True, kw_only=True)
class MeshDreamSettings:
    """How a mesh is dreamt. The defaults are our balanced preset.

    Raises:
        BadInputError: a value that cannot work; the message names the command line's flag.
    """

    classes: tuple[str, ...] = ()
    """Names of classes, each may carry a weight: ``fountain``, ``castle=-0.5``."""
    layers: tuple[str, ...] = ()
    """Modules of the network, as ``blocks.9`` or ``blocks.9:37`` (a channel)."""
    amplify: bool = False
    """More of what the network sees there already."""
    what: Literal["texture", "geometry", "both"] = "texture"
    """What changes: the colours on the surface, its form, or first the form and then the colours."""
    iterations: int = 100
    """Steps in all, shared by the stages."""
    views: int = 4
    """Cameras a step."""
    strength: float = 1.0
    """How far a step goes; 0.5 is subtle, 2 is bold."""
    smoothness: float = 1.0
    """How strongly noise (for geometry: crumpling) is held down."""
    keep: float = 1.0
    """How strongly the form stays where it was; for geometry only."""
    texture_size: int = 512
    """Side of the texture in texels, a power of two."""
    faces: int | None = None
    """Reduce the mesh to so many triangles first; None: never."""
    up: Literal["auto", "y", "z"] = "auto"
    """Which axis points upwards; auto: what the format says, else y."""
    turntable: int = 36
    """Pictures of the turntable, a GIF and a WebP; 0: none."""
    weights: str = "auto"
    """Networks of the registry or folders of ``train``, with commas between."""
    judges: str = "auto"
    """Networks that judge the result; "auto" are those at hand with the same classes, "none" is none."""
    seed: int = 0
    """Of the cameras, the crops and the backgrounds."""
    device: Literal["auto", "cuda", "cpu"] = "auto"

    def __post_init__(self) -> None:
        """Refuse what cannot work."""
        if not (self.classes or self.layers or self.amplify):
            raise BadInputError(
                "Nothing to dream of: name a class, such as --class fountain, or take --amplify. "
                "`deepdesign dream --list` shows all classes."
            )
        check_faces(self.faces)
        if self.iterations < 1:
            raise BadInputError(f"--iterations {self.iterations}: at least one step is needed.")
        if not 1 <= self.views <= 64:
            raise BadInputError(f"--views {self.views}: give a number from 1 to 64.")
        if not 0 < self.strength <= 100:
            raise BadInputError(f"--strength {self.strength}: give a number above 0, up to 100.")
        for flag, weight in (("--smoothness", self.smoothness), ("--keep", self.keep)):
            if not math.isfinite(weight) or weight < 0:
                raise BadInputError(f"{flag} {weight}: give a number from 0 up.")
        side = self.texture_size
        if not 64 <= side <= 8192 or side & (side - 1):
            raise BadInputError(f"--texture-size {side}: give a power of two from 64 to 8192.")
        if not 0 <= self.turntable <= 360:
            raise BadInputError(f"--turntable {self.turntable}: give 0 to 360 pictures.")
        self.wishes  # noqa: B018 - refuses what it refuses

    @property
    def wishes(self) -> DreamSettings:
        """What is dreamt of and by which networks, as the dream of a picture has it."""
        return DreamSettings(
            classes=self.classes,
            layers=self.layers,
            amplify=self.amplify,
            weights=self.weights,
            judges=self.judges,
            device=self.device,
            seed=self.seed,
        )
