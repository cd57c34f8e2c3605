"""Does a seam show where pieces of new texture coordinates meet?

A box and a sphere in the manner of a photograph, painted as by ``benchmarks.mesh_style``. The texture is
looked up half a texel and one and a half from each edge, on both sides. How much more colours differ at edges
that are seams than at edges inside charts is 1 where nothing shows: ``step`` between the two sides, ``line``
between points near the edge and those farther off. Mip level 1 is what a viewer takes from twice as far.

Two anchors: a pattern in space that knows of no seams, which is as good as these charts and texels allow, and
the painted texture with black between the charts.
"""

from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - the name that everybody reads
from torch import Tensor

from benchmarks.mesh_style import SETTINGS
from benchmarks.record import record
from techniques.mesh_style.stylize import Work, stylize
from techniques.meshes.primed import Primed, primed
from techniques.meshes.seams import sides_of, texel_of
from techniques.meshes.shapes import box, icosphere
from techniques.networks import NETWORKS, load_network
from techniques.pictures import read_picture
from techniques.raster.backend import TorchRasteriser
from techniques.raster.texture import texture as looked_up
from techniques.weights import obtain

LEVELS = (0, 1)
ALONG = np.linspace(0.25, 0.75, 7)  # where on an edge


def main() -> None:
    style = read_picture(Path(str(files("skimage").joinpath("data/coffee.png"))))
    network = load_network(obtain("auto", networks=tuple(NETWORKS), announce=print, report=lambda *_: None))
    figures: dict[str, Any] = {"settings": "128 px, 4 views, 256 texels, 24 steps"}
    for name, mesh in (("box", box((3, 2, 2))), ("sphere of 320 triangles", icosphere(2))):
        ground = primed(mesh, SETTINGS.texture_size)
        work = Work(ground.surface, ground.base, [style], network, TorchRasteriser(), seams=ground.seams)
        styled = stylize(work, SETTINGS)
        apart = stylize(replace(work, seams=None), SETTINGS)
        inside = torch.zeros(SETTINGS.texture_size**2, 1)
        inside[ground.covered.index] = 1
        figures[name] = {
            "charts": ground.atlas.charts,
            "painted": contrasts(ground, ground.filled(styled.texture)),
            "painted without drawing charts together": contrasts(ground, ground.filled(apart.texture)),
            "anchor: a pattern in space": contrasts(ground, ground.filled(pattern(ground))),
            "anchor: black between the charts": contrasts(
                ground, styled.texture * inside.view(SETTINGS.texture_size, -1, 1)
            ),
        }
    record("mesh_seams", figures)


def pattern(ground: Primed) -> Tensor:
    """Waves in space, a few texels long, on the surface: a texture (S, S, 3) that runs on over every seam."""
    mesh, size = ground.mesh, ground.covered.size
    points = ground.covered.at(torch.from_numpy(mesh.vertices), torch.from_numpy(mesh.faces))
    random = torch.Generator().manual_seed(0)
    directions = F.normalize(torch.randn(3, 24, generator=random).double(), dim=0)
    waves = torch.sin(points @ directions * torch.pi / (3 * texel_of(mesh, ground.covered)))
    colors = torch.zeros(size**2, 3)
    colors[ground.covered.index] = waves.view(-1, 3, 8).mean(2).add(0.5).float()
    return colors.view(size, size, 3)


def contrasts(ground: Primed, texture: Tensor) -> dict[str, dict[str, float]]:
    """How much more the colours of ``texture`` differ at seams than at other edges, by mip level."""
    found = {}
    sides = sides_of(ground.atlas.mesh, ground.surface.faces.numpy().astype(np.int64))
    for level in LEVELS:
        shrunk = F.avg_pool2d(texture.permute(2, 0, 1)[None], 2**level).permute(0, 2, 3, 1)
        texel = texel_of(ground.mesh, ground.covered) * 2**level
        colors, fits = [], np.ones(len(sides.seams), dtype=bool)
        for way in (0.5, 1.5):
            uvs, inside = sides.at(ALONG, way * texel)
            points = torch.from_numpy(uvs).float().view(1, 1, -1, 2)
            colors.append(looked_up(shrunk, points).view(*uvs.shape[:3], 3))
            fits &= inside
        near, far = colors
        differences = {"step": (near[:, 0] - near[:, 1])[:, None], "line": near - far}
        found[f"mip level {level}"] = {
            name: round(float(each[fits & sides.seams].mean() / each[fits & ~sides.seams].mean()), 3)
            for name, difference in differences.items()
            for each in [difference.abs().mean((1, 2, 3)).numpy()]
        }
    return found


if __name__ == "__main__":
    main()
