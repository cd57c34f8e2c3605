"""The settings of style transfer: the one source of defaults for command line, notebook and record."""

import math
from dataclasses import dataclass
from typing import Literal

from techniques.errors import BadInputError
from techniques.memory import parse_memory

__all__ = ["StyleSettings"]

_MOST_REGIONS = 16


@dataclass(frozen=True, kw_only=True)
class StyleSettings:
    """How a picture is made. The defaults are our balanced preset, and hold at every size.

    Raises:
        BadInputError: a value that cannot work; the message names the command line's flag.
    """

    size: int = 512
    """Longer side of the result in pixels, if neither ``width`` nor ``height`` is given."""
    width: int | None = None
    height: int | None = None
    content_weight: float = 5.0
    """How strongly the content's forms are kept."""
    style_weight: float = 1.0
    """How strongly the style's textures and colours are sought; 0 leaves the content as it is."""
    smoothness: float = 1.0
    """How strongly noise is held down; goes with the style weight."""
    blend: tuple[float, ...] = ()
    """How much of each style, in their order; empty means equally."""
    style_scale: float = 1.0
    """Size of the style's textures, relative to the style laid over the picture; below 1 is finer."""
    keep_colors: bool = False
    """The same as ``colors="luminance"``."""
    colors: Literal["style", "luminance", "histogram", "wasserstein"] = "style"
    """Whose colours the result has: the style's; or the content's, by taking the style's light and dark only,
    or by giving the style the content's colours beforehand."""
    style_loss: Literal["gram", "moments", "wasserstein"] = "gram"
    """What is compared of textures; see techniques/textures.py."""
    pooling: Literal["max", "average", "l2"] = "max"
    padding: Literal["replicate", "zeros"] = "replicate"
    """What the network sees beyond the picture's edge."""
    regions: int = 0
    """Regions by the pictures' own colours, if no mask is drawn; 0 is none."""
    iterations: int = 200
    """Steps in all, shared equally by the sizes of the pyramid."""
    optimizer: Literal["lbfgs", "adam"] = "lbfgs"
    start: Literal["content", "noise"] = "content"
    """What the first picture is."""
    content_layers: tuple[str, ...] = ("relu4_2",)
    style_layers: tuple[str, ...] = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")
    weights: str = "auto"
    """A network of the registry by name, or "auto"."""
    seed: int = 0
    """Of the noise that ``start="noise"`` begins with."""
    device: Literal["auto", "cuda", "cpu"] = "auto"
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    """Of the convolutions; losses are always float32."""
    memory: str | None = None
    """What the run may hold in all, such as "6GB"; None takes most of what is free."""

    def __post_init__(self) -> None:
        """Refuse what cannot work."""
        for flag, pixels in (("--size", self.size), ("--width", self.width), ("--height", self.height)):
            if pixels is not None and pixels < 1:
                raise BadInputError(
                    f"{flag} {pixels}: a picture needs at least one pixel. Give a size above 0."
                )
        for flag, weight in (
            ("--content-weight", self.content_weight),
            ("--style-weight", self.style_weight),
            ("--smoothness", self.smoothness),
        ):
            if not math.isfinite(weight) or weight < 0:
                raise BadInputError(f"{flag} {weight}: a weight is a number from 0 up.")
        if any(not math.isfinite(share) or share < 0 for share in self.blend) or (
            self.blend and not sum(self.blend)
        ):
            raise BadInputError("--blend: shares are numbers from 0 up, and one of them is above 0.")
        if not 0.05 <= self.style_scale <= 20:
            raise BadInputError(f"--style-scale {self.style_scale}: give a factor from 0.05 to 20.")
        if self.content_weight == 0 and self.style_weight == 0:
            raise BadInputError(
                "--content-weight and --style-weight are both 0: nothing is sought. Raise one of them."
            )
        if self.memory is not None:
            parse_memory(self.memory)
        if self.regions and not 2 <= self.regions <= _MOST_REGIONS:
            raise BadInputError(f"--regions {self.regions}: give 2 to {_MOST_REGIONS}, or 0 for none.")
        if self.keep_colors and self.colors not in {"style", "luminance"}:
            raise BadInputError(
                f"--keep-colors means --colors luminance, and --colors {self.colors} is given. "
                "Leave one away."
            )
        if self.iterations < 1:
            raise BadInputError(f"--iterations {self.iterations}: at least one step is needed.")
        if not self.content_layers or not self.style_layers:
            raise BadInputError("--content-layers and --style-layers: at least one layer each is needed.")
