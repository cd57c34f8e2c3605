"""Pictures of a textured surface, differentiable in its vertices and its texels."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import normalize

from techniques.meshes.light import Light, shades
from techniques.meshes.mesh import Mesh
from techniques.meshes.unit import unit_surface
from techniques.raster.backend import Rasteriser, TorchRasteriser
from techniques.raster.cameras import Camera
from techniques.raster.edges import EdgeTable, edge_table
from techniques.raster.project import clip_positions, matrices

__all__ = ["Surface", "View", "corner_normals", "render", "surface_of"]


@dataclass(frozen=True)
class Surface:
    """What is drawn, in the unit frame: ``vertices`` (W, 3) with shared ``faces`` (F, 3), their ``edges``,
    and texture coordinates ``uvs`` (T, 2) with ``uv_faces`` (F, 3) of the same triangles. With ``normals``
    (F, 3, 3), a unit vector for each corner, it is shaded as round as they say; without, each triangle flat.
    """

    vertices: Tensor
    faces: Tensor
    edges: EdgeTable
    uvs: Tensor
    uv_faces: Tensor
    normals: Tensor | None = None

    def moved(self, vertices: Tensor) -> "Surface":
        """The same surface with its ``vertices`` (W, 3) elsewhere, and no ``normals``, which fit no more."""
        return replace(self, vertices=vertices, normals=None)


@dataclass(frozen=True)
class View:
    """Pictures (B, 3, H, W) in 0..1, row 0 at the top, and each pixel's share of surface (B, 1, H, W)."""

    image: Tensor
    mask: Tensor


def surface_of(mesh: Mesh, device: torch.device | None = None) -> Surface:
    """The surface of ``mesh``, which has texture coordinates (else all of them are 0), in the unit frame."""
    unit = unit_surface(mesh)
    faces = torch.from_numpy(unit.welded.faces.astype(np.int32)).to(device)
    uvs = torch.from_numpy(mesh.uvs).float() if mesh.has_uvs else torch.zeros(1, 2)
    uv_faces = mesh.uv_faces if mesh.has_uvs else np.zeros_like(mesh.faces)
    return Surface(
        torch.from_numpy(unit.vertices).to(device),
        faces,
        edge_table(faces),
        uvs.to(device),
        torch.from_numpy(uv_faces.astype(np.int32)).to(device),
    )


def corner_normals(mesh: Mesh) -> Tensor | None:
    """The normals that the file of ``mesh`` gives its triangles, (F, 3, 3) unit vectors in the unit frame.

    Corners without one have that of their triangle. None: the file has no normals.
    """
    index = mesh.normal_faces
    if not (index >= 0).any():
        return None
    own = mesh.vertices[mesh.faces]
    across = np.cross(own[:, 1] - own[:, 0], own[:, 2] - own[:, 0])[:, None].repeat(3, axis=1)
    given = np.where((index >= 0)[..., None], mesh.normals[index], 0)
    chosen = np.where((given == 0).all(axis=2, keepdims=True), across, given) @ mesh.normalised().axes.T
    return normalize(torch.from_numpy(chosen), dim=2, eps=1e-300).float()


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
    Both sides of a face are lit: files of architects have faces turned either way.
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
    chosen = lights if len(lights) == len(cameras) else [lights[0]] * len(cameras)
    color = color * shades(
        surface.vertices[surface.faces.long()], raster, cameras, chosen, tool, normals=surface.normals
    )
    seen = surface_here.unsqueeze(-1).to(color.dtype)
    behind = background.view(-1, 1, 1, 3).expand(len(cameras), height, width, 3)
    both = torch.cat([color * seen + behind * (1 - seen), seen], dim=-1)
    smooth = tool.antialias(both, raster, positions, surface.edges).flip(1).permute(0, 3, 1, 2)
    return View(smooth[:, :3].clamp(0, 1), smooth[:, 3:].clamp(0, 1))


def _levels(texture: Tensor) -> int:
    """How often both sides can be halved."""
    sides = math.gcd(texture.shape[0], texture.shape[1])
    return (sides & -sides).bit_length() - 1
