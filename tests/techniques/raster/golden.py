"""The whole pipeline on six fixed views: `python -m tests.techniques.raster.golden` writes them anew.

Do that only when a convention is meant to change; the test then shows what did.
"""

from pathlib import Path

import numpy as np
import torch

from techniques.raster.backend import Rasteriser, TorchRasteriser
from techniques.raster.cameras import Camera
from techniques.raster.edges import edge_table
from tests.techniques.raster.scenes import FLAT, OBLIQUE, cube, icosphere, seen

PATH = Path(__file__).with_name("golden.npz")
SIZE = 24
CAMERAS = (OBLIQUE, FLAT, Camera(elevation=90))


def pictures(backend: Rasteriser, device: str = "cpu") -> dict[str, np.ndarray]:
    """Each step's tensors and the gradients at the end, for two shapes and three cameras."""
    found = {}
    for name, (vertices, triangles) in {
        "cube": cube(torch.float32),
        "sphere": icosphere(2, torch.float32),
    }.items():
        vertices = vertices.to(device).requires_grad_()
        triangles = triangles.to(device)
        # A texture of stripes of several widths, so that a wrong mip level or a flipped axis shows.
        line = torch.arange(64, device=device, dtype=torch.float32)
        stripes = torch.stack([(line // 8 % 2).expand(64, 64), (line // 3 % 2).expand(64, 64).T], -1)
        texels = torch.cat([stripes, (line / 63).expand(64, 64)[..., None]], -1)[None].contiguous()
        texels.requires_grad_()
        uv = (vertices[:, :2] * 0.7 + vertices[:, 2:] * 0.3 + 0.5).detach().contiguous()
        positions = seen(vertices, *CAMERAS)
        raster, changes = backend.rasterize(positions, triangles, SIZE, SIZE)
        at, slopes = backend.interpolate(uv, raster, triangles, changes, (0, 1))
        colours = backend.texture(texels, at, slopes, inside=raster[..., 3] > 0)
        picture = backend.antialias(colours, raster, positions, edge_table(triangles))
        weights = torch.linspace(0, 1, SIZE, device=device).view(1, SIZE, 1, 1)
        (picture * picture * weights).sum().backward()
        found |= {
            f"{name}/raster": raster,
            f"{name}/changes": changes,
            f"{name}/colours": colours,
            f"{name}/picture": picture,
            f"{name}/vertex_gradient": vertices.grad,
            f"{name}/texel_gradient": texels.grad,
        }
    return {key: value.detach().cpu().numpy() for key, value in found.items()}


if __name__ == "__main__":
    np.savez_compressed(
        PATH, **{key: value.astype(np.float32) for key, value in pictures(TorchRasteriser()).items()}
    )
