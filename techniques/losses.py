"""Losses as small values: each has a name and a weight, can be scaled and added, and says what it needs.

All are means, never sums, so that one weight means the same at every resolution. Each is a function of sums
over positions, so that a picture can be looked at part by part (tiling.py). All reductions are in float32,
whatever the features come in: Gram matrices overflow in half precision.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Protocol, Self

import torch
from torch import Tensor

from techniques.tiling import Part, Sums

__all__ = [
    "PIXELS",
    "VALUES",
    "Content",
    "Loss",
    "Terms",
    "TotalVariation",
    "Weighted",
    "Within",
    "gather",
    "settle",
    "total",
]

Features = Mapping[str, Tensor]

# Besides the network's layers, what a loss can look at: the picture as it is shown, in 0..1, and the
# numbers that are optimised, which may lie outside.
PIXELS, VALUES = "pixels", "values"
_ALL = Part((slice(None), slice(None)), (slice(None), slice(None)))


class Loss(Protocol):
    """What the optimisation asks of a loss."""

    @property
    def name(self) -> str:
        """How the run's record calls it."""

    @property
    def weight(self) -> float:
        """Factor in the total."""

    @property
    def layers(self) -> tuple[str, ...]:
        """What it looks at: layers of the network, ``PIXELS`` or ``VALUES``."""

    def sums(self, layer: str, values: Tensor, part: Part) -> Sums:
        """What it needs to know of ``part`` of ``layer``, as sums over positions, by any names.

        ``values`` (1, C, H, W) may reach beyond the part; only differences between neighbours look there.
        """

    def value(self, sums: Mapping[str, Tensor]) -> Tensor:
        """Its value before weighting, a scalar, from the sums of all its layers over the whole picture."""


@dataclass(frozen=True, kw_only=True)
class Weighted:
    """The base of all losses: a weight that can be scaled, and evaluation on a whole picture."""

    weight: float = 1.0

    def __mul__(self, factor: float) -> Self:
        return replace(self, weight=self.weight * factor)

    __rmul__ = __mul__

    def __call__(self: "Loss", image: Tensor, features: Features) -> Tensor:
        """Its value before weighting, for a whole picture (1, 3, H, W) in 0..1 and its ``features``."""
        seen, sums = {PIXELS: image, VALUES: image, **features}, Sums()
        for layer in self.layers:
            sums |= self.sums(layer, seen[layer], _ALL)
        return self.value(sums)


@dataclass(frozen=True)
class Content(Weighted):
    r"""How far the picture's forms are from the content's (Gatys et al. 2016, equation 1).

    .. math:: L = \frac{1}{|l|} \sum_l \overline{(F_l - P_l)^2} \,/\, \overline{P_l^2}

    with features F and targets P, both (1, C, H, W). The paper has half the sum of squares; dividing by
    the mean square of the target makes the value comparable between layers, networks and pictures: 0 is
    the content itself, about 1 is a picture that has nothing to do with it.
    """

    targets: Features
    name: str = "content"

    @property
    def layers(self) -> tuple[str, ...]:
        return tuple(self.targets)

    def sums(self, layer: str, values: Tensor, part: Part) -> Sums:
        target = part.of_whole(self.targets[layer])
        return {layer: (part.of_tile(values).float() - target.float()).square().sum()}

    def value(self, sums: Mapping[str, Tensor]) -> Tensor:
        return torch.stack([sums[layer] / self._scales[layer] for layer in self.targets]).mean()

    @cached_property
    def _scales(self) -> dict[str, float]:
        # Channel by channel: a float32 copy of large bfloat16 targets would double them.
        return {
            layer: sum(float(one.float().square().sum()) for one in target.unbind(1))
            for layer, target in self.targets.items()
        }


@dataclass(frozen=True)
class TotalVariation(Weighted):
    r"""Noise: the mean squared difference between neighbours, beside and below (Mahendran and Vedaldi
    2015, beta 2).

    .. math:: L = \overline{(x_{i,j+1} - x_{i,j})^2} + \overline{(x_{i+1,j} - x_{i,j})^2}
    """

    name: str = "variation"

    @property
    def layers(self) -> tuple[str, ...]:
        return (PIXELS,)

    def sums(self, layer: str, values: Tensor, part: Part) -> Sums:  # noqa: ARG002
        rows, columns = part.inside
        # Each pair belongs to the part with its left or upper pixel; the other one may lie in the halo.
        wider = values[..., rows, columns.start : None if columns.stop is None else columns.stop + 1]
        taller = values[..., rows.start : None if rows.stop is None else rows.stop + 1, columns]
        beside, below = wider.diff(dim=-1), taller.diff(dim=-2)
        return {
            "beside": beside.square().sum(),
            "pairs beside": values.new_tensor(beside.numel()),
            "below": below.square().sum(),
            "pairs below": values.new_tensor(below.numel()),
        }

    def value(self, sums: Mapping[str, Tensor]) -> Tensor:
        return sums["beside"] / sums["pairs beside"].detach() + sums["below"] / sums["pairs below"].detach()


@dataclass(frozen=True)
class Within(Weighted):
    """How far colours lie outside 0..1, which no screen or file can show: the mean squared distance."""

    name: str = "range"

    @property
    def layers(self) -> tuple[str, ...]:
        return (VALUES,)

    def sums(self, layer: str, values: Tensor, part: Part) -> Sums:  # noqa: ARG002
        own = part.of_tile(values)
        return {"outside": (own - own.clamp(0, 1)).square().sum(), "values": own.new_tensor(own.numel())}

    def value(self, sums: Mapping[str, Tensor]) -> Tensor:
        return sums["outside"] / sums["values"].detach()


@dataclass(frozen=True)
class Terms:
    """The value of each loss by name, before weighting, and the weighted sum that is minimised."""

    total: Tensor
    parts: Mapping[str, Tensor]


def gather(losses: Sequence[Loss], layer: str, values: Tensor, part: Part) -> Sums:
    """What all ``losses`` that look at ``layer`` need to know of ``part`` of it."""
    return {
        f"{loss.name}: {key}": found
        for loss in losses
        if layer in loss.layers
        for key, found in loss.sums(layer, values, part).items()
    }


def settle(losses: Sequence[Loss], sums: Mapping[str, Tensor]) -> Terms:
    """Evaluate ``losses`` on what was gathered. A loss with weight 0 is reported, and pulls at nothing."""
    parts = {}
    for loss in losses:
        own = f"{loss.name}: "
        parts[loss.name] = loss.value(
            {key.removeprefix(own): found for key, found in sums.items() if key.startswith(own)}
        )
    weighted = torch.stack([loss.weight * parts[loss.name] for loss in losses if loss.weight])
    return Terms(weighted.sum(), {name: value.detach() for name, value in parts.items()})


def total(losses: Sequence[Loss], image: Tensor, features: Features) -> Terms:
    """Evaluate ``losses`` on a picture (1, 3, H, W) in 0..1 whose ``features`` are at hand."""
    seen = {PIXELS: image, VALUES: image, **features}
    sums: Sums = {}
    for layer in sorted({layer for loss in losses for layer in loss.layers}):
        sums |= gather(losses, layer, seen[layer], _ALL)
    return settle(losses, sums)
