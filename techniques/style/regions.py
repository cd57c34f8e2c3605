"""Regions of pictures: which part of the content takes its textures from which part of the styles.

Hand-drawn masks say it by colour; without them, the pictures' own colours can.
"""

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - the name that everybody reads
from torch import Tensor

from techniques.networks import FeatureNetwork
from techniques.pictures import Plane, fit_plane
from techniques.style.masks import NOWHERE, Labels, Masks

__all__ = ["maps_of", "styled_share"]


def maps_of(
    labels: Labels,
    count: int,
    size: tuple[int, int],
    layers: Sequence[str],
    network: FeatureNetwork,
    device: torch.device,
) -> dict[str, Tensor]:
    """Each of ``count`` regions at each of ``layers``, for a picture scaled to ``size`` (width, height).

    (R, H, W) of 0..255 as bytes: how much of what a position stands for belongs to the region.
    """
    planes = torch.from_numpy(
        np.stack([fit_plane((labels == one).astype(np.float32), size) for one in range(count)])
    )
    found = {}
    for layer in layers:
        stride = network.stride(layer)
        pooled = F.avg_pool2d(planes.unsqueeze(0), stride)[0] if stride > 1 else planes
        found[layer] = (pooled * 255).round().to(torch.uint8).to(device)
    return found


def styled_share(masks: Masks, size: tuple[int, int]) -> Plane:
    """How much of each pixel of the content, scaled to ``size``, lies in a region: (H, W) in 0..1."""
    return fit_plane((masks.content != NOWHERE).astype(np.float32), size)
