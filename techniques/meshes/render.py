"""Pictures of a textured surface, differentiable in its vertices and its texels."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from techniques.meshes.mesh import Mesh
from techniques.meshes.weld import weld
from techniques.raster.backend import Rasteriser, TorchRasteriser
from techniques.raster.cameras import Camera
from techniques.raster.edges import EdgeTable, edge_table
from techniques.raster.project import clip_positions, matrices

__all__ = ["Light", "Surface", "View", "render", "surface_of"]

_AMBIENT = 0.5


@dataclass(frozen=True)
class Surface:
    """What is drawn, in the unit frame: ``vertices`` (W, 3) with shared ``faces`` (F, 3), their ``edges``,
    and texture coordinates ``uvs`` (T, 2) with ``uv_faces`` (F, 3) of the same triangles.
    """

    vertices: Tensor
    faces: Tensor
    edges: EdgeTable
    uvs: Tensor
    uv_faces: Tensor

    def moved(self, vertices: Tensor) -> "Surface":
        """The same surface with its ``vertices`` (W, 3) elsewhere."""
        return replace(self, vertices=vertices)


@dataclass(frozen=True)
class Light:
    """Half of it from everywhere, half from a direction: of the camera's axes (right, up, towards the eye),
    or ``fixed`` in the unit frame like a sun, where azimuth 0 is the front.

    ``"flat"`` is light without any shading: the texture as it is.
    """

    kind: Literal["flat", "directed"] = "directed"
    azimuth: float = -30.0
    elevation: float = 45.0
    fixed: bool = False

    def direction(self) -> tuple[float, float, float]:
        """The unit vector towards the light."""
        a, e = math.radians(self.azimuth), math.radians(self.elevation)
        return math.cos(e) * math.sin(a), math.sin(e), math.cos(e) * math.cos(a)


@dataclass(frozen=True)
class View:
    """Pictures (B, 3, H, W) in 0..1, row 0 at the top, and each pixel's share of surface (B, 1, H, W)."""

    image: Tensor
    mask: Tensor


def surface_of(mesh: Mesh, device: torch.device | None = None) -> Surface:
    """The surface of ``mesh``, which has texture coordinates (else all of them are 0), in the unit frame."""
    welded, frame = weld(mesh), mesh.normalised()
    vertices = np.zeros((len(welded.vertices), 3), dtype=np.float32)
    vertices[welded.index] = frame.vertices
    faces = torch.from_numpy(welded.faces.astype(np.int32)).to(device)
    uvs = torch.from_numpy(mesh.uvs).float() if mesh.has_uvs else torch.zeros(1, 2)
    uv_faces = mesh.uv_faces if mesh.has_uvs else np.zeros_like(mesh.faces)
    return Surface(
        torch.from_numpy(vertices).to(device),
        faces,
        edge_table(faces),
        uvs.to(device),
        torch.from_numpy(uv_faces.astype(np.int32)).to(device),
    )


def render(
    surface: Surface,
    texture: Tensor,
    cameras: Sequence[Camera],
    size: tuple[int, int],
    *,
    background: Tensor,
    lights: Sequence[Light] = (Light(),),
    rasteriser: Rasteriser | None = None,
) -> View:
    """``surface`` with ``texture`` (h, w, 3) as ``cameras`` see it, in ``size`` (width, height) pixels.

    ``background`` is (3,) or one colour a camera (B, 3); ``lights`` are one for all cameras or one each.
    Shading is flat by triangle and two-sided: files of architects have faces turned either way.
    """
    tool = rasteriser or TorchRasteriser()
    width, height = size
    positions = clip_positions(surface.vertices, matrices(cameras, surface.vertices, width / height))
    raster, changes = tool.rasterize(positions, surface.faces, height, width)
    uv, uv_changes = tool.interpolate(surface.uvs, raster, surface.uv_faces, changes, (0, 1))
    surface_here = raster[..., 3] > 0
    color = tool.texture(
        texture.unsqueeze(0), uv, uv_changes, max_mip_level=_levels(texture), inside=surface_here
    )
    color = color * _shades(surface, raster, cameras, lights)
    seen = surface_here.unsqueeze(-1).to(color.dtype)
    behind = background.view(-1, 1, 1, 3).expand(len(cameras), height, width, 3)
    both = torch.cat([color * seen + behind * (1 - seen), seen], dim=-1)
    smooth = tool.antialias(both, raster, positions, surface.edges).flip(1).permute(0, 3, 1, 2)
    return View(smooth[:, :3].clamp(0, 1), smooth[:, 3:].clamp(0, 1))


def _shades(surface: Surface, raster: Tensor, cameras: Sequence[Camera], lights: Sequence[Light]) -> Tensor:
    """How bright each pixel's triangle is, (B, H, W, 1)."""
    chosen = lights if len(lights) == len(cameras) else [lights[0]] * len(cameras)
    if all(light.kind == "flat" for light in chosen):
        return torch.ones_like(raster[..., :1])
    a, b, c = surface.vertices[surface.faces.long()].unbind(1)
    normals = torch.nn.functional.normalize(torch.linalg.cross(b - a, c - a), dim=1, eps=1e-12)
    rows = []
    for camera, light in zip(cameras, chosen, strict=True):
        if light.kind == "flat":
            rows.append(torch.ones_like(normals[:, 0]))
            continue
        axes = np.eye(3) if light.fixed else camera.axes()
        towards = torch.from_numpy(np.array(light.direction()) @ axes).to(normals)
        eye = torch.from_numpy(camera.axes()[2].copy()).to(normals)
        # The side that is seen is the one that is lit, whichever way the file turned the face.
        facing = torch.where(normals @ eye < 0, -1.0, 1.0)
        lit = (normals @ towards * facing).clamp(min=0)
        rows.append(_AMBIENT + (1 - _AMBIENT) * lit / max(light.direction()[2], 0.5))
    shade = torch.stack(rows).clamp(max=1.25)
    owner = (raster[..., 3].long() - 1).clamp(min=0)
    views = torch.arange(len(cameras), device=owner.device).view(-1, 1, 1)
    return shade[views, owner].unsqueeze(-1)


def _levels(texture: Tensor) -> int:
    """How often both sides can be halved."""
    sides = math.gcd(texture.shape[0], texture.shape[1])
    return (sides & -sides).bit_length() - 1
