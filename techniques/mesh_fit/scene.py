"""The mesh as cameras see it: outlines, and light and dark inside them, differentiable in the vertices."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from techniques.raster.backend import Rasteriser
from techniques.raster.edges import EdgeTable
from techniques.raster.project import clip_positions
from techniques.shape.terms import face_normals

__all__ = ["Scene", "overlap", "pixels_at_once"]

_PIXELS_AT_ONCE = 4 * 512 * 512  # 0.6 GB of activations; more views are computed in turn


@dataclass(frozen=True)
class Scene:
    """What does not move: ``faces`` int32 (F, 3), their edges, and the rasteriser."""

    faces: Tensor
    edges: EdgeTable
    rasteriser: Rasteriser

    def views(
        self, vertices: Tensor, cameras: Tensor, size: int, lights: Tensor | None = None
    ) -> tuple[Tensor, Tensor | None]:
        """Outlines (B, size, size) of ``vertices`` (V, 3) through the clip matrices ``cameras`` (B, 4, 4).

        Row 0 is on top, as in pictures; values are the covered share of each pixel. With ``lights``, unit
        directions (B, 3) towards the light, also the shaded picture, of the same shape: matt, two-sided.
        """
        group = max(1, _PIXELS_AT_ONCE // (size * size))
        parts = []
        for k in range(0, len(cameras), group):
            some, lit = cameras[k : k + group], None if lights is None else lights[k : k + group]
            if len(cameras) > group and vertices.requires_grad:
                parts.append(checkpoint(self._views, vertices, some, size, lit, use_reentrant=False))
            else:
                parts.append(self._views(vertices, some, size, lit))
        whole = torch.cat(parts).flip(1)
        return whole[..., 0], whole[..., 1] if lights is not None else None

    def _views(self, vertices: Tensor, cameras: Tensor, size: int, lights: Tensor | None) -> Tensor:
        positions = clip_positions(vertices, cameras)
        raster, _ = self.rasteriser.rasterize(positions, self.faces, size, size)
        colours = (raster[..., 3:] > 0).to(vertices)
        if lights is not None:
            lit = (vertex_normals(vertices, self.faces) @ lights.unsqueeze(2)).abs()  # (B, V, 1)
            shade, _ = self.rasteriser.interpolate(0.3 + 0.7 * lit, raster, self.faces)
            colours = torch.cat([colours, shade], dim=3)
        return self.rasteriser.antialias(colours, raster, positions, self.edges)


def pixels_at_once(views: int, size: int) -> int:
    """The pixels of the views of ``size`` px that are held together; the rest of them wait their turn."""
    return min(views, max(1, _PIXELS_AT_ONCE // (size * size))) * size * size


def vertex_normals(vertices: Tensor, faces: Tensor) -> Tensor:
    """Unit normals (V, 3): the mean of those of the faces at each vertex."""
    normals = face_normals(vertices, faces.long())
    summed = torch.zeros_like(vertices).index_add(0, faces.long().T.reshape(-1), normals.repeat(3, 1))
    return torch.nn.functional.normalize(summed, dim=1, eps=1e-12)


def overlap(one: Tensor, other: Tensor) -> list[float]:
    """Intersection over union of the outlines (B, n, n), each cut at half; 1 where both are empty."""
    a, b = one > 0.5, other > 0.5
    both, either = (a & b).sum((1, 2)), (a | b).sum((1, 2))
    return [1.0 if not e else i / e for i, e in zip(both.tolist(), either.tolist(), strict=True)]
