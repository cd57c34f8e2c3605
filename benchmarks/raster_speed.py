"""What the rasteriser costs on a processor: forward and backward of a textured sphere of 20,480 triangles.

Best of several runs, each with gradients to vertices and texels of a 512 x 512 texture with mip levels.
Beside it, in the same run, what else draws on a processor and is installed (see `benchmarks.raster_peers`).
"""

import os
import sys
import time

import torch

from benchmarks import raster_peers
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
    device = torch.device("cpu")
    for views, size in ((4, 256), (1, 512)):
        step = prepared(views, size, TorchRasteriser(), device)
        figures[f"{views} views of {size} px, ms"] = round(best(step), 1)
        for peer in (raster_peers.deodr, raster_peers.warp):
            if other := peer(views, size):
                figures[f"{views} views of {size} px, {peer.__name__}, ms"] = round(best(other), 1)
    record("raster_speed", figures)
    return 0


def best(step):
    """The least of ``RUNS`` times of ``step``, in ms."""
    times = []
    for _ in range(RUNS):
        began = time.perf_counter()
        step()
        times.append(time.perf_counter() - began)
    return 1000 * min(times)


def prepared(views, size, tool, device):
    """A step of ``tool`` on ``device`` that can be repeated; it gives the picture and the gradients."""
    mesh = icosphere(5)
    vertices = torch.from_numpy(mesh.vertices).float().to(device).requires_grad_()
    faces = torch.from_numpy(mesh.faces).int().to(device)
    edges = edge_table(faces)
    uv = (vertices.detach()[:, :2] * 0.5 + 0.5).contiguous()
    texels = torch.rand(1, 512, 512, 3, generator=torch.Generator().manual_seed(0)).to(device)
    texels.requires_grad_()
    cameras = matrices(orbit(views, start=10, elevation=15), vertices.detach())

    def step():
        vertices.grad = texels.grad = None
        positions = clip_positions(vertices, cameras)
        raster, changes = tool.rasterize(positions, faces, size, size)
        at, slopes = tool.interpolate(uv, raster, faces, changes, (0, 1))
        inside = raster[..., 3] > 0
        colours = torch.cat(
            [tool.texture(texels, at, slopes, inside=inside), inside.unsqueeze(-1).float()], -1
        )
        picture = tool.antialias(colours, raster, positions, edges)
        picture.square().mean().backward()
        return {
            "raster": raster.detach(),
            "picture": picture.detach(),
            "vertex gradient": vertices.grad,
            "texel gradient": texels.grad,
        }

    return step


if __name__ == "__main__":
    sys.exit(main())
