"""A sphere of 20,480 triangles to a star-shaped guide in 200 steps: outline, flips, seconds a step.

The same loop runs with pixel-pair antialiasing beside it (``--pairs``).
"""

import math
import os
import sys
import tempfile
import time
from pathlib import Path

from PIL import Image, ImageDraw

from benchmarks.pixel_pairs import pixel_pairs
from benchmarks.record import record


def main() -> int:
    from techniques.mesh_fit.fitting import fit
    from techniques.mesh_fit.guides import read_guide
    from techniques.mesh_fit.settings import FitSettings
    from techniques.meshes.health import change_between
    from techniques.meshes.shapes import icosphere
    from techniques.raster.backend import TorchRasteriser
    from techniques.raster.views import VIEWS

    mesh = icosphere(5)
    frame = mesh.normalised()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "star.png"
        _star(1024).save(path)
        guide = read_guide(path)
    faces = None

    class Pairs(TorchRasteriser):
        name = "torch, pixel pairs"

        def rasterize(self, positions, triangles, height, width):
            nonlocal faces
            faces = triangles
            return super().rasterize(positions, triangles, height, width)

        @staticmethod
        def antialias(colours, raster, positions, edges):  # noqa: ARG004
            return pixel_pairs(colours, raster, positions, faces)

    rules = {"edge walk": TorchRasteriser()}
    if "--pairs" in sys.argv:
        rules["pixel pairs"] = Pairs()
    figures = {"load average at the start": round(os.getloadavg()[0], 1)}
    for rule, rasteriser in rules.items():
        began = time.monotonic()
        settings = FitSettings(iterations=200, size=128)
        result = fit(frame.vertices, mesh.faces, [guide], [VIEWS["front"]], settings, rasteriser=rasteriser)
        change = change_between(mesh, mesh.moved(frame.back(result.vertices)))
        figures[rule] = {
            "iou at 128 px": {
                "before": result.metrics["iou_before"][0],
                "after": result.metrics["iou_after"][0],
            },
            "iou at 256 px": result.metrics["iou_at_twice_the_size_after"][0],
            "iou with the input, held-out views": result.metrics["held_out_iou_with_the_input"],
            "flipped triangles, per cent": round(100 * change.flipped / len(mesh.faces), 3),
            "edge stretch, 99th percentile": round(change.stretch, 2),
            "seconds a step": round((time.monotonic() - began) / 200, 3),
        }
    record("star_fit", figures)
    return 0


def _star(size):
    corners = [
        (
            size / 2 * (1 + (0.4 if k % 2 else 0.85) * math.sin(math.pi * k / 5)),
            size / 2 * (1 - (0.4 if k % 2 else 0.85) * math.cos(math.pi * k / 5)),
        )
        for k in range(10)
    ]
    picture = Image.new("L", (size, size), 255)
    ImageDraw.Draw(picture).polygon(corners, fill=0)
    return picture


if __name__ == "__main__":
    sys.exit(main())
