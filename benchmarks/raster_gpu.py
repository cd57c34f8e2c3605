"""Both rasterisers on a CUDA card: steps a second, how far they agree, and the real pixel-pair antialias.

A step is forward and backward of a textured sphere of 20,480 triangles, four views, with gradients to
vertices and texels of a 512 x 512 texture with mip levels. Parity counts pixels of the same triangle, and
compares pictures away from the others and gradients. The last part repeats `benchmarks.silhouettes` with
nvdiffrast's own antialias. Ends with status 2 where there is no card.
"""

import sys
import time

import torch

from benchmarks.raster_speed import prepared
from benchmarks.record import record
from benchmarks.silhouettes import share
from techniques.raster.backend import TorchRasteriser
from techniques.raster.nvdiffrast import NvdiffrastRasteriser

SIZES = (256, 512, 1024)
RUNS, WARMING = 30, 5


def main() -> int:
    if not torch.cuda.is_available():
        print("No CUDA device answers here: there is nothing to measure.", file=sys.stderr)
        return 2
    device = torch.device("cuda")
    tools = [TorchRasteriser()]
    try:
        tools.append(NvdiffrastRasteriser(device))
    except (ImportError, RuntimeError) as error:
        print(f"nvdiffrast is left out: {error}", file=sys.stderr)
    record("raster_gpu", figures(tools, device), device=torch.cuda.get_device_name())
    return 0


def figures(tools, device, sizes=SIZES, runs=RUNS):
    found = {f"{tool.name}, steps a second": {} for tool in tools}
    for tool in tools:
        for size in sizes:
            scene = prepared(4, size, tool, device)
            found[f"{tool.name}, steps a second"][f"{size} px"] = round(_rate(scene, device, runs), 1)
    if len(tools) == 2:
        found["parity"] = {f"{size} px": parity(tools, device, size) for size in sizes}
        found["share of the area gradient, 512 px, 8 views"] = {
            f"{20 * 4**subdivisions:,} triangles": _shares(subdivisions, tools[1], device)
            for subdivisions in (3, 4, 5, 6)
        }
    return found


def _rate(step, device, runs):
    for _ in range(min(WARMING, runs)):
        step()
    _wait(device)
    began = time.perf_counter()
    for _ in range(runs):
        step()
    _wait(device)
    return runs / (time.perf_counter() - began)


def _wait(device):
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def parity(tools, device, size):
    """The same step by both ``tools``: where they agree, and by how much elsewhere."""
    one, other = (prepared(4, size, tool, device)() for tool in tools)
    numbers = one["raster"][..., 3], other["raster"][..., 3]
    same = numbers[0] == numbers[1]
    covered = (numbers[0] > 0) | (numbers[1] > 0)
    apart = (one["picture"] - other["picture"]).abs().amax(-1)
    cosine = torch.nn.functional.cosine_similarity
    return {
        "covered pixels of the same triangle": round(float(same[covered].float().mean()), 5),
        "largest difference of colours there": float(f"{float(apart[same].max()):.2g}"),
        "cosine of gradients": {
            name: round(float(cosine(one[name].flatten(), other[name].flatten(), dim=0)), 5)
            for name in ("vertex gradient", "texel gradient")
        },
    }


def _shares(subdivisions, tool, device):
    context, ops = tool._context, tool._ops

    def pairs(mask, _, positions, faces):
        """nvdiffrast's own antialias, on its own raster, in its own precision."""
        positions, faces = positions.float().to(device), faces.int().to(device)
        raster, _ = ops.rasterize(context, positions, faces, mask.shape[1:3])
        seen = (raster[..., 3:] > 0).float().contiguous()
        return ops.antialias(seen, raster, positions.contiguous(), faces.contiguous())

    return share(subdivisions, 512, rules={"nvdiffrast's antialias": pairs})


if __name__ == "__main__":
    sys.exit(main())
