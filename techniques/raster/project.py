"""Vertices through cameras, as tensors."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from techniques.raster.cameras import Camera

__all__ = ["clip_positions", "matrices"]


def matrices(cameras: Sequence[Camera], like: Tensor, aspect: float = 1.0) -> Tensor:
    """The clip matrices of ``cameras`` (B, 4, 4), of the type and on the device of ``like``."""
    stacked = np.stack([camera.matrix(aspect) for camera in cameras])
    return torch.from_numpy(stacked).to(like)


def clip_positions(vertices: Tensor, cameras: Tensor) -> Tensor:
    """``vertices`` (V, 3) or (B, V, 3) through the clip matrices ``cameras`` (B, 4, 4): (B, V, 4)."""
    return vertices @ cameras[:, :, :3].transpose(1, 2) + cameras[:, None, :, 3]
