"""Style losses: how far a picture's textures are from a style's, in the whole picture or region by region.

All three compare statistics of the activations at some layers that do not know where anything is: they differ
in which statistics, and in what they call far.
"""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from techniques.losses import Weighted
from techniques.tiling import Part, Sums

__all__ = [
    "STYLE_LOSSES",
    "GramStyle",
    "MomentStyle",
    "Moments",
    "TextureLoss",
    "WassersteinStyle",
    "gram",
    "mean_of",
]

_FLAT = 1e-3  # of the products' mean square: one flat colour has no covariance to be relative to
_TINY = 1e-6  # of a region's share, or of a variance: keeps empty ones out of divisions and roots


@dataclass(frozen=True)
class Moments:
    """Of the activations at one layer, in R regions (no such axis if there are none).

    ``products`` (R, C, C) is the mean over positions of channel i times channel j, the Gram matrix;
    ``mean`` is (R, C), and ``share`` (R,) the part of the picture that each region is.
    """

    products: Tensor
    mean: Tensor
    share: Tensor

    @property
    def covariance(self) -> Tensor:
        """(R, C, C), of channel with channel."""
        return self.products - self.mean.unsqueeze(-1) * self.mean.unsqueeze(-2)


def gram(features: Tensor) -> Tensor:
    """The Gram matrix of ``features`` (1, C, H, W), divided by the number of positions: (C, C), float32.

    Entry i, j is the mean over positions of channel i times channel j (Gatys et al. 2016, equation 3, which
    has the sum).
    """
    flat = features.float().flatten(2).squeeze(0)
    return flat @ flat.T / flat.shape[1]


@dataclass(frozen=True)
class TextureLoss(Weighted):
    """A style loss over ``targets``, by layer; each layer counts as ``layer_weights`` says.

    With ``regions``, by layer (R, H, W) of 0..255 as bytes, each region of the picture has targets of its
    own, and counts by its share of the picture, so that a weight means the same with regions and without.
    """

    targets: Mapping[str, Moments]
    layer_weights: Mapping[str, float]
    regions: Mapping[str, Tensor] | None = None
    name: str = "style"

    @property
    def layers(self) -> tuple[str, ...]:
        return tuple(self.layer_weights)

    def sums(self, layer: str, values: Tensor, part: Part) -> Sums:
        flat = part.of_tile(values).float().flatten(2).squeeze(0)
        if self.regions is None:
            first, second, count = flat.sum(-1), flat @ flat.T, flat.new_tensor(float(flat.shape[1]))
        else:
            # One region after the other: a copy of the activations for each at once would not fit.
            masks = part.of_whole(self.regions[layer]).flatten(1).float() / 255
            sums = []
            for mask in masks:
                weighted = flat * mask
                # sum() adds in pairs; a matrix product would lose digits that the covariance needs.
                sums.append((weighted.sum(-1), weighted @ flat.T))
            first, second = (torch.stack(one) for one in zip(*sums, strict=True))
            count = masks.sum(-1)
        return {f"{layer} first": first, f"{layer} second": second, f"{layer} count": count}

    def value(self, sums: Mapping[str, Tensor]) -> Tensor:
        return self.compare(self.statistics(sums))

    def statistics(self, sums: Mapping[str, Tensor]) -> dict[str, Moments]:
        """Moments by layer from ``sums``; those of a style picture are what ``targets`` wants."""
        found = {}
        for layer in self.layers:
            count = sums[f"{layer} count"].detach()
            each = count.clamp_min(_TINY).unsqueeze(-1)
            if count.ndim:
                count = count * (count >= 1)  # what is less than one position of a layer has no texture there
            found[layer] = Moments(
                sums[f"{layer} second"] / each.unsqueeze(-1),
                sums[f"{layer} first"] / each,
                count / count.sum().clamp_min(_TINY),
            )
        return found

    def compare(self, moments: Mapping[str, Moments]) -> Tensor:
        """The loss of a picture with these ``moments``, however they were gathered."""
        parts = []
        for layer, target in self.targets.items():
            found, wanted = _of_both(moments[layer], target)
            parts.append((self.distance(found, wanted) * found.share).sum() * self.layer_weights[layer])
        return torch.stack(parts).sum() / sum(self.layer_weights[layer] for layer in self.targets)

    @abstractmethod
    def distance(self, found: Moments, target: Moments) -> Tensor:
        """How far ``found`` is from ``target`` at one layer, by region; black is about 1 away."""


@dataclass(frozen=True)
class GramStyle(TextureLoss):
    r"""Gram matrices (Gatys et al. 2016, equations 4 and 5).

    .. math:: d = \overline{(G - A)^2} \,/\, \overline{A^2}

    with Gram matrices G of the picture and A of the style, both divided by their numbers of positions, so
    that pictures of different sizes compare. The paper divides by 4 N^2 M^2 instead.
    """

    def distance(self, found: Moments, target: Moments) -> Tensor:
        """See the class."""
        return _relative(found.products, target.products, 2)


@dataclass(frozen=True)
class MomentStyle(TextureLoss):
    r"""Means and covariances, each relative to the style's (the second-order losses of Li et al. 2017,
    *Demystifying Neural Style Transfer*, with the covariances that its batch statistics leave out).

    .. math::
        d = \tfrac12 \overline{(\mu - m)^2} / \overline{m^2}
            + \tfrac12 \overline{(C - S)^2} / \overline{S^2}

    A flat colour has no covariance: there it is relative to a thousandth of the second moments. A Gram matrix
    mixes the two, and is mostly mean: here texture counts as much as average colour does.
    """

    def distance(self, found: Moments, target: Moments) -> Tensor:
        """See the class."""
        means = _relative(found.mean, target.mean, 1)
        least = _FLAT * target.products.square().mean((-2, -1))
        return (means + _relative(found.covariance, target.covariance, 2, least)) / 2


@dataclass(frozen=True)
class WassersteinStyle(TextureLoss):
    r"""The squared Wasserstein-2 distance between the normal distributions with these means and covariances
    (Dowson and Landau 1982), relative to the style's mean square.

    .. math:: d = \frac{|\mu - m|^2 + tr(C + S - 2 (S^{1/2} C S^{1/2})^{1/2})}{|m|^2 + tr S}
    """

    def distance(self, found: Moments, target: Moments) -> Tensor:
        """See the class. In float64: the roots of small eigenvalues have steep gradients."""
        mean, wanted = found.mean.double(), target.mean.double()
        covariance, style = found.covariance.double(), target.covariance.double()
        root = _root(style)
        eigenvalues = torch.linalg.eigvalsh(root @ covariance @ root)
        floor = _TINY**2 * style.diagonal(dim1=-2, dim2=-1).sum(-1, keepdim=True).square() + 1e-30
        shared = (eigenvalues.clamp_min(0) + floor).sqrt().sum(-1)
        spread, spread_wanted = (one.diagonal(dim1=-2, dim2=-1).sum(-1) for one in (covariance, style))
        apart = (mean - wanted).square().sum(-1) + spread + spread_wanted - 2 * shared
        far: Tensor = apart / (wanted.square().sum(-1) + spread_wanted)
        return far.float()


STYLE_LOSSES: Mapping[str, type[TextureLoss]] = {
    "gram": GramStyle,
    "moments": MomentStyle,
    "wasserstein": WassersteinStyle,
}


def mean_of(targets: Sequence[Mapping[str, Moments]], blend: Sequence[float]) -> dict[str, Moments]:
    """Several styles as one: the weighted mean of their moments, layer by layer and region by region.

    A style that has nothing of a region does not count there.
    """
    found = {}
    for layer in targets[0]:
        styles = [one[layer] for one in targets]
        weights = torch.stack([one.share.gt(_TINY) * part for one, part in zip(styles, blend, strict=True)])
        weights = weights / weights.sum(0).clamp_min(_TINY)

        def mean(values: Sequence[Tensor], by: Tensor = weights) -> Tensor:
            stacked = torch.stack(list(values))
            return (stacked * by.reshape(*by.shape, *[1] * (stacked.ndim - by.ndim))).sum(0)

        found[layer] = Moments(
            mean([one.products for one in styles]),
            mean([one.mean for one in styles]),
            mean([one.share for one in styles]),
        )
    return found


def _of_both(found: Moments, target: Moments) -> tuple[Moments, Moments]:
    """Both without the regions that the style has nothing of at this layer: nothing can come near to that."""
    there = target.share > _TINY
    if there.all():
        return found, target
    left = [Moments(one.products[there], one.mean[there], one.share[there]) for one in (found, target)]
    return left[0], left[1]


def _relative(found: Tensor, target: Tensor, axes: int, least: Tensor | float = 0) -> Tensor:
    """The mean squared difference over the last ``axes``, relative to the target's mean square, or to what
    that is at ``least``.
    """
    over = tuple(range(-axes, 0))
    scale = target.square().mean(over)
    return (found - target).square().mean(over) / torch.clamp(scale, min=least).clamp_min(1e-12)


def _root(matrix: Tensor) -> Tensor:
    """The symmetric square root of a positive semidefinite ``matrix`` (..., C, C)."""
    values, vectors = torch.linalg.eigh(matrix)
    root: Tensor = (vectors * values.clamp_min(0).sqrt().unsqueeze(-2)) @ vectors.mT
    return root
