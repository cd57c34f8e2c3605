"""Losses as small values: each has a name and a weight, can be scaled and added, and says what it needs.

All are means, never sums, so that one weight means the same at every resolution. All reductions are in
float32, whatever the features come in: Gram matrices overflow in half precision.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol, Self

import torch
from torch import Tensor

__all__ = ["Content", "GramStyle", "Loss", "Terms", "TotalVariation", "Within", "gram", "mean_of", "total"]

Features = Mapping[str, Tensor]


def gram(features: Tensor) -> Tensor:
    """The Gram matrix of ``features`` (1, C, H, W), divided by the number of positions: (C, C), float32.

    Entry i, j is the mean over positions of channel i times channel j (Gatys et al. 2016, equation 3, which
    has the sum).
    """
    flat = features.float().flatten(2).squeeze(0)
    return flat @ flat.T / flat.shape[1]


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
        """The activations that it looks at."""

    def __call__(self, image: Tensor, features: Features) -> Tensor:
        """Its value before weighting, a scalar, for ``image`` (1, 3, H, W) in 0..1 and its ``features``."""


@dataclass(frozen=True, kw_only=True)
class _Weighted:
    weight: float = 1.0

    def __mul__(self, factor: float) -> Self:
        return replace(self, weight=self.weight * factor)

    __rmul__ = __mul__


@dataclass(frozen=True)
class Content(_Weighted):
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

    def __call__(self, image: Tensor, features: Features) -> Tensor:  # noqa: ARG002
        return torch.stack(
            [
                (features[layer].float() - target.float()).square().mean() / target.float().square().mean()
                for layer, target in self.targets.items()
            ]
        ).mean()


@dataclass(frozen=True)
class GramStyle(_Weighted):
    r"""How far the picture's textures are from the style's (Gatys et al. 2016, equations 4 and 5).

    .. math:: L = \sum_l w_l \, \overline{(G_l - A_l)^2} \,/\, \overline{A_l^2} \,/\, \sum_l w_l

    with Gram matrices G of the picture and A of the style, both divided by their numbers of positions, so
    that pictures of different sizes compare. The paper divides by 4 N^2 M^2 instead.
    """

    targets: Features
    layer_weights: Mapping[str, float]
    name: str = "style"

    @property
    def layers(self) -> tuple[str, ...]:
        return tuple(self.targets)

    def __call__(self, image: Tensor, features: Features) -> Tensor:  # noqa: ARG002
        return self.compare({layer: gram(features[layer]) for layer in self.targets})

    def compare(self, grams: Features) -> Tensor:
        """The loss of a picture whose Gram matrices are ``grams``, however they were gathered."""
        parts = [
            (grams[layer] - target).square().mean() / target.square().mean() * self.layer_weights[layer]
            for layer, target in self.targets.items()
        ]
        return torch.stack(parts).sum() / sum(self.layer_weights[layer] for layer in self.targets)


@dataclass(frozen=True)
class TotalVariation(_Weighted):
    r"""Noise: the mean squared difference between neighbours, beside and below (Mahendran and Vedaldi
    2015, beta 2).

    .. math:: L = \overline{(x_{i,j+1} - x_{i,j})^2} + \overline{(x_{i+1,j} - x_{i,j})^2}
    """

    name: str = "variation"

    @property
    def layers(self) -> tuple[str, ...]:
        return ()

    def __call__(self, image: Tensor, features: Features) -> Tensor:  # noqa: ARG002
        beside = (image[..., :, 1:] - image[..., :, :-1]).square().mean()
        below = (image[..., 1:, :] - image[..., :-1, :]).square().mean()
        return beside + below


@dataclass(frozen=True)
class Within(_Weighted):
    """How far colours lie outside 0..1, which no screen or file can show: the mean squared distance."""

    name: str = "range"

    @property
    def layers(self) -> tuple[str, ...]:
        return ()

    def __call__(self, image: Tensor, features: Features) -> Tensor:  # noqa: ARG002
        return (image - image.clamp(0, 1)).square().mean()


@dataclass(frozen=True)
class Terms:
    """The value of each loss by name, before weighting, and the weighted sum that is minimised."""

    total: Tensor
    parts: Mapping[str, Tensor]


def total(losses: Sequence[Loss], image: Tensor, features: Features) -> Terms:
    """Evaluate ``losses`` on one picture. A loss with weight 0 is reported, and pulls at nothing."""
    parts = {loss.name: loss(image, features) for loss in losses}
    weighted = torch.stack([loss.weight * parts[loss.name] for loss in losses if loss.weight])
    return Terms(weighted.sum(), {name: value.detach() for name, value in parts.items()})


def mean_of(targets: Sequence[Features], blend: Sequence[float]) -> dict[str, Tensor]:
    """Several styles as one: the weighted mean of their statistics, layer by layer."""
    share = [weight / sum(blend) for weight in blend]
    return {
        layer: torch.stack([part * one[layer] for part, one in zip(share, targets, strict=True)]).sum(0)
        for layer in targets[0]
    }
