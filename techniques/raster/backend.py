"""One interface, two backends: what a rasteriser does, and the one that runs everywhere."""

from collections.abc import Sequence
from typing import Protocol

from torch import Tensor

from techniques.raster import antialias, barycentrics, interpolate, texture
from techniques.raster.edges import EdgeTable
from techniques.raster.texture import Boundary, Filter

__all__ = ["Rasteriser", "TorchRasteriser"]


class Rasteriser(Protocol):
    """Four differentiable steps from triangles to a picture, with nvdiffrast's documented conventions.

    Row 0 of a picture is its bottom; u and v belong to a triangle's corners 0 and 1; a texture's row 0 is
    v = 0; z/w grows away from the eye; pixels that see nothing are 0 in all channels.
    """

    name: str

    def rasterize(
        self, positions: Tensor, triangles: Tensor, height: int, width: int
    ) -> tuple[Tensor, Tensor]:
        """(u, v, z/w, number + 1) and (du/dX, du/dY, dv/dX, dv/dY), both (B, height, width, 4).

        ``positions`` (B, V, 4) float32 in clip space, ``triangles`` (T, 3) int32.
        """

    def interpolate(
        self,
        attributes: Tensor,
        raster: Tensor,
        triangles: Tensor,
        changes: Tensor | None = None,
        differentiate: Sequence[int] = (),
    ) -> tuple[Tensor, Tensor]:
        """``attributes`` (V, A) or (B, V, A) at pixels (B, H, W, A), and the named ones' derivatives."""

    def texture(
        self,
        texels: Tensor,
        uv: Tensor,
        uv_changes: Tensor | None = None,
        *,
        filter_mode: Filter | None = None,
        boundary: Boundary = "wrap",
        max_mip_level: int | None = None,
        inside: Tensor | None = None,
    ) -> Tensor:
        """The colours of ``texels`` (1 or B, h, w, C) at ``uv`` (B, H, W, 2): (B, H, W, C).

        They are 0 where ``inside`` (B, H, W), if there is one, is false.
        """

    def antialias(self, colours: Tensor, raster: Tensor, positions: Tensor, edges: EdgeTable) -> Tensor:
        """``colours`` (B, H, W, C) with smooth silhouettes; where visibility's gradients come from."""


class TorchRasteriser:
    """Plain PyTorch on any device. Exact visibility; float64 too, for gradient checks."""

    name = "torch"

    def rasterize(
        self, positions: Tensor, triangles: Tensor, height: int, width: int
    ) -> tuple[Tensor, Tensor]:
        """As ``Rasteriser.rasterize``."""
        return barycentrics.rasterize(positions, triangles, height, width)

    interpolate = staticmethod(interpolate.interpolate)
    texture = staticmethod(texture.texture)
    antialias = staticmethod(antialias.antialias)
