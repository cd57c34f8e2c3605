"""The settings of mesh-style: the one source of defaults for command line, notebook and record."""

import math
from dataclasses import dataclass
from typing import Literal

from techniques.errors import BadInputError
from techniques.meshes.limits import check_faces

__all__ = ["MeshStyleSettings"]

_LARGEST_TEXTURE = 8192


@dataclass(frozen=True, kw_only=True)
class MeshStyleSettings:
    """How a mesh is styled. The defaults are our balanced preset, and hold at every size.

    Raises:
        BadInputError: a value that cannot work; the message names the command line's flag.
    """

    what: Literal["texture", "geometry", "both"] = "texture"
    """What changes: the colours on the surface, its form, or first the form and then the colours."""
    content_weight: float = 5.0
    """How strongly the look of the mesh as it came (and, for geometry, its form) is kept."""
    style_weight: float = 1.0
    """How strongly the style is sought; 0 leaves the mesh as it is."""
    smoothness: float = 1.0
    """How strongly noise (for geometry: crumpling) is held down; goes with the style weight."""
    blend: tuple[float, ...] = ()
    """How much of each style, in their order; empty means equally."""
    style_scale: float = 1.0
    """Size of the style's textures, relative to the style laid over a view; below 1 is finer."""
    iterations: int = 200
    """Steps in all, shared by the stages."""
    size: int = 256
    """Side of a view in pixels."""
    views: int = 4
    """Cameras a step; the style's statistics are compared with those of all of them together."""
    texture_size: int = 1024
    """Side of the texture in texels, a power of two."""
    start: Literal["mesh", "noise"] = "mesh"
    """What the first texture is: the mesh's own colours, or noise about them."""
    background: Literal["style", "white", "grey", "black"] = "style"
    """Behind the mesh while it is looked at; "style" is the style's mean colour."""
    light: Literal["auto", "flat", "sun"] = "auto"
    """Whether shading is seen besides the texture; auto: for geometry only, which has nothing else."""
    up: Literal["auto", "y", "z"] = "auto"
    """Which axis points upwards; auto: what the format says, else y."""
    turntable: int = 36
    """Pictures of the turntable, a GIF and a WebP; 0: none."""
    faces: int | None = None
    """Reduce the mesh to so many triangles first; None: never."""
    content_layers: tuple[str, ...] = ("relu4_2",)
    style_layers: tuple[str, ...] = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")
    weights: str = "auto"
    """A network of the registry by name, or "auto"."""
    seed: int = 0
    """Of the cameras, and of the noise."""
    device: Literal["auto", "cuda", "cpu"] = "auto"
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    """Of the convolutions; all else is float32."""

    def __post_init__(self) -> None:
        """Refuse what cannot work."""
        for flag, weight in (
            ("--content-weight", self.content_weight),
            ("--style-weight", self.style_weight),
            ("--smoothness", self.smoothness),
        ):
            if not math.isfinite(weight) or weight < 0:
                raise BadInputError(f"{flag} {weight}: a weight is a number from 0 up.")
        if self.content_weight == 0 and self.style_weight == 0:
            raise BadInputError(
                "--content-weight and --style-weight are both 0: nothing is sought. Raise one of them."
            )
        if any(not math.isfinite(share) or share < 0 for share in self.blend) or (
            self.blend and not sum(self.blend)
        ):
            raise BadInputError("--blend: shares are numbers from 0 up, and one of them is above 0.")
        if not 0.05 <= self.style_scale <= 20:
            raise BadInputError(f"--style-scale {self.style_scale}: give a factor from 0.05 to 20.")
        for flag, value, low, high in (
            ("--iterations", self.iterations, 1, 10**6),
            ("--size", self.size, 64, 2048),
            ("--views", self.views, 1, 64),
            ("--texture-size", self.texture_size, 64, _LARGEST_TEXTURE),
            ("--turntable", self.turntable, 0, 720),
        ):
            if not low <= value <= high:
                raise BadInputError(f"{flag} {value}: give a number from {low} to {high}.")
        check_faces(self.faces)
        if self.texture_size & (self.texture_size - 1):
            raise BadInputError(
                f"--texture-size {self.texture_size}: give a power of two, such as 1024, so that it can be "
                "halved for views from afar."
            )
        if not self.content_layers or not self.style_layers:
            raise BadInputError("--content-layers and --style-layers: at least one layer each is needed.")
