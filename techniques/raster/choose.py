"""Which rasteriser works here, and in words why."""

from dataclasses import dataclass

import torch

from techniques.raster.backend import Rasteriser, TorchRasteriser
from techniques.raster.nvdiffrast import NvdiffrastRasteriser

__all__ = ["Choice", "choose_rasteriser"]


@dataclass(frozen=True)
class Choice:
    """A rasteriser that works, and ``why`` it was taken, for the output and for run.json."""

    rasteriser: Rasteriser
    why: str

    def record(self) -> dict[str, str]:
        """What run.json says of it."""
        return {"name": self.rasteriser.name, "antialias": "silhouette-edge walk", "why": self.why}

    def __str__(self) -> str:
        return f"{self.rasteriser.name} ({self.why})"


def choose_rasteriser(device: torch.device) -> Choice:
    """Take nvdiffrast where ``device`` is a CUDA card on which it works, else plain PyTorch."""
    if device.type != "cuda":
        there = torch.cuda.is_available()
        return Choice(TorchRasteriser(), "the CPU was asked for" if there else "no CUDA device answers here")
    try:
        rasteriser = NvdiffrastRasteriser(device)
        agrees = _draws_alike(rasteriser, device)
    except ImportError:
        return Choice(TorchRasteriser(), "nvdiffrast is not installed")
    except Exception as error:  # whatever a foreign extension raises: PyTorch does the same work
        return Choice(
            TorchRasteriser(), f"nvdiffrast does not work here: {' '.join(str(error).split())[:200]}"
        )
    if not agrees:
        return Choice(TorchRasteriser(), "nvdiffrast draws a test triangle otherwise than documented")
    return Choice(rasteriser, "installed, and it draws a test triangle as documented")


def _draws_alike(rasteriser: Rasteriser, device: torch.device) -> bool:
    """Whether two triangles, one before the other, come out as from our own code."""
    points = [[-0.8, -0.7, 0.2, 1], [0.9, -0.6, 0.2, 1], [0.1, 0.8, 0.2, 1], [0.9, 0.9, -0.3, 1.5]]
    positions = torch.tensor([points], device=device)
    triangles = torch.tensor([[0, 1, 2], [0, 2, 3]], dtype=torch.int32, device=device)
    found, _ = rasteriser.rasterize(positions, triangles, 16, 24)
    expected, _ = TorchRasteriser().rasterize(positions, triangles, 16, 24)
    same = found[..., 3] == expected[..., 3]
    close = (found[..., :3] - expected[..., :3]).abs().amax(-1) < 1e-3
    return bool(same.float().mean() > 0.95 and close[same].all())
