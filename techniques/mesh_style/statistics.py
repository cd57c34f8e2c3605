"""A style's statistics over several views at once, counting what is surface and nothing else."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F  # noqa: N812 - the name that everybody reads
from torch import Tensor

from techniques.losses import Features
from techniques.networks import FeatureNetwork
from techniques.pictures import Picture, fit
from techniques.sizes import SMALLEST
from techniques.textures import GramStyle, Moments, mean_of

__all__ = ["kept_looks", "style_loss", "views_moments"]


def views_moments(features: Features, mask: Tensor, layers: Sequence[str]) -> dict[str, Moments]:
    r"""The statistics of B views as if they were one picture, for each of ``layers``.

    .. math:: G_{ij} = \sum_{b,p} m_{bp} f_{bip} f_{bjp} \,/\, \sum_{b,p} m_{bp}

    with ``features`` f (B, C, h, w) and ``mask`` m (B, 1, H, W), the covered share of a pixel, scaled to
    each layer's size; means alike. All sides of the mesh have a part in each, so none is styled by itself
    and no seam appears between views. (Kato et al. 2018 mask alike, and compare view by view.)
    """
    found = {}
    for layer in layers:
        values = features[layer].float()
        share = F.adaptive_avg_pool2d(mask, (values.shape[2], values.shape[3]))
        total = share.sum().clamp(min=1e-6)
        flat = values.permute(1, 0, 2, 3).flatten(1)
        weights = share.permute(1, 0, 2, 3).flatten(1)
        weighted = flat * weights
        found[layer] = Moments(weighted @ flat.T / total, weighted.sum(1) / total, torch.ones_like(total))
    return found


def kept_looks(features: Features, targets: Features, mask: Tensor, layers: Sequence[str]) -> Tensor:
    """How far forms are from those of the mesh as it came: as ``losses.Content``, on surface only."""
    parts = []
    for layer in layers:
        target = targets[layer].float()
        share = F.adaptive_avg_pool2d(mask, (target.shape[2], target.shape[3]))
        apart = ((features[layer].float() - target).square() * share).sum()
        parts.append(apart / (target.square() * share).sum().clamp(min=1e-6))
    return torch.stack(parts).mean()


def style_loss(
    styles: Sequence[Picture],
    size: int,
    *,
    scale: float,
    blend: Sequence[float],
    layers: Sequence[str],
    network: FeatureNetwork,
    device: torch.device,
) -> GramStyle:
    """The Gram loss towards ``styles`` as they look when their longer side is ``size`` x ``scale`` pixels."""
    textures = []
    with torch.no_grad():
        for style in styles:
            image = _tensor(_scaled(style, size * scale), device)
            textures.append(views_moments(network(image, layers), torch.ones_like(image[:, :1]), layers))
    return GramStyle(mean_of(textures, blend or [1.0] * len(textures)), dict.fromkeys(layers, 1.0))


def _scaled(style: Picture, longest: float) -> Picture:
    """Never enlarged, because blur is no texture; never too small for the network."""
    factor = min(1.0, longest / max(style.size))
    factor = max(factor, min(1.0, SMALLEST / min(style.size)))
    width, height = (max(SMALLEST, round(side * factor)) for side in style.size)
    return fit(style, (width, height))


def _tensor(picture: Picture, device: torch.device) -> Tensor:
    return torch.from_numpy(picture.over_white()).permute(2, 0, 1).unsqueeze(0).contiguous().to(device)
