"""Light and shade, differentiable in the vertices."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import normalize

from techniques.raster.backend import Rasteriser
from techniques.raster.cameras import Camera

__all__ = ["Light", "shades"]

_BRIGHTEST = 1.25  # as a multiple of what faces the eye


@dataclass(frozen=True)
class Light:
    """A share, ``ambient``, of it from everywhere, the rest from a direction of the camera's axes (right, up,
    towards the eye), or ``fixed`` in the unit frame like a sun, where azimuth 0 is the front.

    ``"flat"`` is light without any shading: the texture as it is. ``level`` is how bright a face is that is
    turned to the eye; one turned to the light is up to 1.25 times as bright, and white would lose its shape
    there unless the level is 0.8.
    """

    kind: Literal["flat", "directed"] = "directed"
    azimuth: float = -30.0
    elevation: float = 45.0
    fixed: bool = False
    level: float = 1.0
    ambient: float = 0.5

    def direction(self) -> tuple[float, float, float]:
        """The unit vector towards the light."""
        a, e = math.radians(self.azimuth), math.radians(self.elevation)
        return math.cos(e) * math.sin(a), math.sin(e), math.cos(e) * math.cos(a)

    def on(self, normals: Tensor, camera: Camera) -> Tensor:
        """How bright surfaces with unit ``normals`` (..., 3), turned to the eye of ``camera``, are: (...)."""
        if self.kind == "flat":
            return torch.ones_like(normals[..., 0])
        direction = np.array(self.direction())
        towards = torch.from_numpy(direction @ (np.eye(3) if self.fixed else camera.axes())).to(normals)
        lit = (normals @ towards).clamp(min=0) / max(direction[2], 0.5)
        bright: Tensor = (self.ambient + (1 - self.ambient) * lit).clamp(max=_BRIGHTEST) * self.level
        return bright


def shades(
    triangles: Tensor,
    raster: Tensor,
    cameras: Sequence[Camera],
    lights: Sequence[Light],
    tool: Rasteriser,
    *,
    normals: Tensor | None = None,
) -> Tensor:
    """How bright each pixel of ``raster`` (B, H, W, 4) is, (B, H, W, 1), with one of ``lights`` a camera.

    ``triangles`` (F, 3, 3) are the corners in the unit frame, ``normals`` (F, 3, 3) the unit vectors that
    corners are shaded by; without them each triangle is flat.
    """
    if all(light.kind == "flat" for light in lights):
        return torch.ones_like(raster[..., :1])
    a, b, c = triangles.unbind(1)
    across = normalize(torch.linalg.cross(b - a, c - a), dim=1, eps=1e-12)
    owner = (raster[..., 3].long() - 1).clamp(min=0)
    if normals is not None:
        corners = torch.arange(3 * len(triangles), dtype=torch.int32, device=raster.device).view(-1, 3)
        rounded, _ = tool.interpolate(normals.reshape(-1, 3), raster, corners)
    rows = []
    for view, (camera, light) in enumerate(zip(cameras, lights, strict=True)):
        eye = torch.from_numpy(camera.axes()[2].copy()).to(across)
        # The side that is seen is the one that is lit, whichever way the file turned the face.
        facing = across * torch.where(across @ eye < 0, -1.0, 1.0).unsqueeze(1)
        if normals is None:
            rows.append(light.on(facing, camera)[owner[view]])
        else:
            agrees = (rounded[view] * facing[owner[view]]).sum(-1, keepdim=True)
            here = normalize(torch.where(agrees < 0, -rounded[view], rounded[view]), dim=-1, eps=1e-12)
            rows.append(light.on(here, camera))
    return torch.stack(rows).unsqueeze(-1)
