"""What the rasteriser costs on a processor: forward and backward of a textured sphere of 20,480 triangles.

Best of several runs, each with gradients to vertices and texels of a 512 x 512 texture with mip levels.
"""

import os
import sys
import time

import torch

from benchmarks.record import record
from techniques.meshes.shapes import icosphere
from techniques.raster.backend import TorchRasteriser
from techniques.raster.cameras import orbit
from techniques.raster.edges import edge_table
from techniques.raster.project import clip_positions, matrices

RUNS = 10


def main() -> int:
    figures: dict[str, object] = {
        "load average at the start": round(os.getloadavg()[0], 1),
        "threads": torch.get_num_threads(),
    }
    for views, size in ((4, 256), (1, 512)):
        step = _step(views, size)
        figures[f"{views} views of {size} px, ms"] = round(1000 * min(step() for _ in range(RUNS)), 1)
    record("raster_speed", figures)
    return 0


def _step(views, size):
    mesh, tool = icosphere(5), TorchRasteriser()
    vertices = torch.from_numpy(mesh.vertices).float().requires_grad_()
    faces = torch.from_numpy(mesh.faces).int()
    edges = edge_table(faces)
    uv = (vertices.detach()[:, :2] * 0.5 + 0.5).contiguous()
    texels = torch.rand(1, 512, 512, 3, generator=torch.Generator().manual_seed(0)).requires_grad_()
    cameras = matrices(orbit(views, start=10, elevation=15), vertices.detach())

    def run() -> float:
        began = time.perf_counter()
        positions = clip_positions(vertices, cameras)
        raster, changes = tool.rasterize(positions, faces, size, size)
        at, slopes = tool.interpolate(uv, raster, faces, changes, (0, 1))
        mask = (raster[..., 3:] > 0).float()
        colours = torch.cat([tool.texture(texels, at, slopes) * mask, mask], -1)
        tool.antialias(colours, raster, positions, edges).square().mean().backward()
        vertices.grad = texels.grad = None
        return time.perf_counter() - began

    return run


if __name__ == "__main__":
    sys.exit(main())
