"""How much of the true silhouette gradient reaches the vertices, by walking edges and by pixel pairs.

The share is d(area)/d(scale) of a sphere's outline over the exact value (of its projected convex hull), from
one view and as the mean of eight. The cosine is between the gradient of a colour loss and central differences
of an 8 x 8 supersampled picture, over eight deformations of a sphere, in two views of 96 pixels.
"""

import sys

import numpy as np
import torch

from benchmarks.pixel_pairs import pixel_pairs
from benchmarks.record import record
from techniques.meshes.shapes import icosphere
from techniques.raster.antialias import antialias
from techniques.raster.barycentrics import rasterize
from techniques.raster.cameras import Camera, orbit
from techniques.raster.edges import edge_table
from techniques.raster.interpolate import interpolate
from techniques.raster.project import clip_positions, matrices

VIEWS = [*orbit(4, start=7, elevation=13), *orbit(4, start=31, elevation=-28)]


def main() -> int:
    figures = {"share of the area gradient, 8 views": {}, "cosine with finite differences": {}}
    for subdivisions in (3, 4, 5, 6):
        for size in (64, 128, 256, 512):
            figures["share of the area gradient, 8 views"][
                f"{20 * 4**subdivisions:,} triangles, {size} px"
            ] = share(subdivisions, size)
    for subdivisions in (2, 3, 4):
        figures["cosine with finite differences"][f"{20 * 4**subdivisions:,} triangles"] = cosine(
            subdivisions
        )
    record("silhouettes", figures)
    return 0


def _sphere(subdivisions):
    mesh = icosphere(subdivisions)
    faces = torch.from_numpy(mesh.faces).int()
    return torch.from_numpy(mesh.vertices), faces, edge_table(faces)


def share(subdivisions, size, rules=None):
    """Of the exact area gradient, over eight views: by walking edges and by other ``rules``, each called
    with a mask, raster, positions and triangles.
    """
    vertices, faces, edges = _sphere(subdivisions)
    rules = {"pixel pairs": pixel_pairs} if rules is None else rules
    found = {"edge walk": [], **{name: [] for name in rules}}
    for camera in VIEWS:
        cameras = matrices([camera], vertices)
        exact = (
            _hull(vertices * (1 + 1e-5), cameras, size) - _hull(vertices * (1 - 1e-5), cameras, size)
        ) / 2e-5
        for rule in found:
            scale = torch.ones((), dtype=torch.float64, requires_grad=True)
            positions = clip_positions(vertices * scale, cameras)
            raster, _ = rasterize(positions, faces, size, size, derivatives=False)
            mask = (raster[..., 3:] > 0).double()
            smooth = (
                antialias(mask, raster, positions, edges)
                if rule == "edge walk"
                else rules[rule](mask, raster, positions, faces)
            )
            smooth.sum().backward()
            found[rule].append(float(scale.grad) / exact)
    return {
        rule: {"mean": round(np.mean(v), 4), "least": round(min(v), 4), "most": round(max(v), 4)}
        for rule, v in found.items()
    }


def _hull(vertices, cameras, size):
    clip = clip_positions(vertices, cameras)[0]
    points = sorted(set(map(tuple, (clip[:, :2] / clip[:, 3:] * size / 2).tolist())))

    def half(points):
        chain = []
        for p in points:
            while len(chain) > 1:
                (ax, ay), (bx, by) = chain[-2:]
                if (bx - ax) * (p[1] - ay) > (by - ay) * (p[0] - ax):
                    break
                chain.pop()
            chain.append(p)
        return chain[:-1]

    hull = np.array(half(points) + half(points[::-1]))
    following = np.roll(hull, -1, axis=0)
    return float((hull[:, 0] * following[:, 1] - hull[:, 1] * following[:, 0]).sum() / 2)


def cosine(subdivisions, size=96, more=8):
    vertices, faces, edges = _sphere(subdivisions)
    cameras = matrices([Camera(azimuth=33, elevation=21), Camera(azimuth=160, elevation=-5)], vertices)
    random = torch.Generator().manual_seed(3)
    target = torch.rand(2, size, size, 3, generator=random, dtype=torch.float64)
    target = torch.nn.functional.avg_pool2d(target.permute(0, 3, 1, 2), 9, 1, 4).permute(0, 2, 3, 1)

    def picture(v, resolution, rule):
        positions = clip_positions(v, cameras)
        raster, _ = rasterize(positions, faces, resolution, resolution, derivatives=False)
        colours, _ = interpolate(0.5 + 0.5 * v, raster, faces)
        if rule == "edge walk":
            return antialias(colours, raster, positions, edges)
        return pixel_pairs(colours, raster, positions, faces) if rule == "pixel pairs" else colours

    def reference(v):
        with torch.no_grad():
            fine = picture(v, size * more, "none").view(2, size, more, size, more, 3).mean((2, 4))
        return float((fine - target).square().mean())

    directions = [
        torch.sin(vertices @ torch.randn(3, 3, generator=random, dtype=torch.float64) * 1.5) * vertices
        for _ in range(8)
    ]
    exact = torch.tensor(
        [(reference(vertices + 0.01 * d) - reference(vertices - 0.01 * d)) / 0.02 for d in directions]
    )
    found = {}
    for rule in ("edge walk", "pixel pairs", "none"):
        moved = vertices.clone().requires_grad_()
        (picture(moved, size, rule) - target).square().mean().backward()
        ours = torch.tensor([float((moved.grad * d).sum()) for d in directions])
        found[rule] = {
            "cosine": round(float(torch.nn.functional.cosine_similarity(ours, exact, dim=0)), 4),
            "relative error": round(float((ours - exact).norm() / exact.norm()), 3),
        }
    return found


if __name__ == "__main__":
    sys.exit(main())
