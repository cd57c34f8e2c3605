"""The same interface by nvdiffrast on CUDA, written from its public documentation.

nvdiffrast is not ours and not free software: its licence allows non-commercial use only. It is imported when
it is asked for, never before, and nothing of it is part of this package. The antialias step is our own.
"""

import importlib
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from techniques.raster import antialias
from techniques.raster.edges import EdgeTable
from techniques.raster.screen import in_front
from techniques.raster.texture import Boundary, Filter

__all__ = ["NvdiffrastRasteriser"]


class NvdiffrastRasteriser:
    """nvdiffrast 0.4 for tensors on one CUDA device, float32.

    Raises:
        ImportError: it is not installed.
        RuntimeError: it is, and finds no driver, or was built for another PyTorch or card.
    """

    name = "nvdiffrast"

    def __init__(self, device: torch.device) -> None:
        self._ops: Any = importlib.import_module("nvdiffrast.torch")
        self._context = self._ops.RasterizeCudaContext(device=device)

    def rasterize(
        self, positions: Tensor, triangles: Tensor, height: int, width: int
    ) -> tuple[Tensor, Tensor]:
        """As ``Rasteriser.rasterize``."""
        in_front(positions, triangles)
        raster, changes = self._ops.rasterize(
            self._context, positions.contiguous(), triangles.contiguous(), (height, width)
        )
        return raster, changes

    def interpolate(
        self,
        attributes: Tensor,
        raster: Tensor,
        triangles: Tensor,
        changes: Tensor | None = None,
        differentiate: Sequence[int] = (),
    ) -> tuple[Tensor, Tensor]:
        """As ``Rasteriser.interpolate``."""
        wanted = list(differentiate) if changes is not None else []
        image, slopes = self._ops.interpolate(
            attributes.contiguous(),
            raster,
            triangles.int().contiguous(),
            rast_db=changes if wanted else None,
            diff_attrs=wanted or None,
        )
        return image, slopes if wanted else image.new_zeros(*image.shape[:3], 0)

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
        """As ``Rasteriser.texture``."""
        mode = filter_mode or ("linear" if uv_changes is None else "linear-mipmap-linear")
        colours: Tensor = self._ops.texture(
            texels.contiguous(),
            uv.contiguous(),
            uv_da=uv_changes if mode == "linear-mipmap-linear" else None,
            filter_mode=mode,
            boundary_mode=boundary,
            max_mip_level=max_mip_level,
        )
        return colours if inside is None else colours * inside.unsqueeze(-1)

    def antialias(self, colours: Tensor, raster: Tensor, positions: Tensor, edges: EdgeTable) -> Tensor:
        """As ``Rasteriser.antialias``: our own walk along the silhouette edges."""
        return antialias.antialias(colours, raster, positions, edges)
