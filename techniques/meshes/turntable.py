"""A mesh that turns once: GIF for everywhere, animated WebP for all the colours."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from techniques.files import written_whole
from techniques.meshes.bake import baked
from techniques.meshes.light import Light
from techniques.meshes.mesh import Mesh
from techniques.meshes.render import Surface, corner_normals, render, surface_of
from techniques.meshes.texels import texels
from techniques.pictures import Picture
from techniques.raster.backend import Rasteriser
from techniques.raster.cameras import Camera, orbit

__all__ = ["FRAMES", "PREVIEW", "Look", "frames", "look_of", "preview", "save_turntable"]

FRAMES = 36
PREVIEW = Camera(azimuth=30, elevation=20, fov=36, distance=3.4)  # the unit sphere just fits
_BATCH = 4
_SECONDS = 4.0  # of one turn
_BACKGROUND = (0.95, 0.94, 0.91)
# White walls turned to the light are white and the others are not, and none is gloomy.
_LIGHT = Light(level=0.82, ambient=0.65)


class Look:
    """A surface with the colours that it shows."""

    def __init__(self, surface: Surface, texture: Tensor, rasteriser: Rasteriser | None = None) -> None:
        self.surface, self.texture, self.rasteriser = surface, texture, rasteriser

    def seen(self, cameras: Sequence[Camera], size: tuple[int, int]) -> Tensor:
        """Pictures (B, H, W, 3) in 0..1 from ``cameras``, on a light ground."""
        with torch.no_grad():
            view = render(
                self.surface,
                self.texture,
                cameras,
                size,
                background=self.texture.new_tensor(_BACKGROUND),
                lights=[_LIGHT],
                rasteriser=self.rasteriser,
            )
        return view.image.permute(0, 2, 3, 1).cpu()


def look_of(mesh: Mesh, like: Mesh, size: int, rasteriser: Rasteriser | None = None) -> Look:
    """How ``mesh`` looks. ``like`` has the same triangles and an atlas, onto which the colours are baked."""
    place = texels(torch.from_numpy(like.uvs), torch.from_numpy(like.uv_faces), size)
    surface = surface_of(mesh)
    drawn = surface_of(like)
    own = replace(surface, uvs=drawn.uvs, uv_faces=drawn.uv_faces, normals=corner_normals(mesh))
    return Look(own, baked(mesh, place), rasteriser)


def preview(look: Look, size: tuple[int, int] = (640, 480)) -> Picture:
    """One still picture of ``size`` (width, height) pixels."""
    return Picture(look.seen([PREVIEW], size)[0].numpy().astype(np.float32))


def frames(look: Look, count: int = FRAMES, size: int = 360) -> list[Image.Image]:
    """``count`` pictures of ``size`` pixels a side, once round."""
    cameras = orbit(count, elevation=20, start=30, fov=PREVIEW.fov, distance=PREVIEW.distance)
    found = []
    for begin in range(0, count, _BATCH):
        seen = look.seen(cameras[begin : begin + _BATCH], (size, size))
        found += [Image.fromarray((one * 255).round().byte().numpy()) for one in seen]
    return found


def save_turntable(pictures: Sequence[Image.Image], gif: Path, webp: Path) -> None:
    """Write ``pictures`` as an endless GIF and an endless animated WebP.

    The GIF has one palette for all frames, made of all of them: a palette each would flicker.

    Raises:
        WorkFailedError: the disk is full, or the folder cannot be written.
    """
    duration = round(_SECONDS * 1000 / len(pictures))
    width, height = pictures[0].size
    sheet = Image.new("RGB", (width, height * min(len(pictures), 8)))
    for row, picture in enumerate(pictures[:: max(1, len(pictures) // 8)][:8]):
        sheet.paste(picture, (0, row * height))
    palette = sheet.quantize(256, method=Image.Quantize.MEDIANCUT)
    few = [picture.quantize(palette=palette, dither=Image.Dither.FLOYDSTEINBERG) for picture in pictures]
    with written_whole(gif) as draft:
        few[0].save(
            draft, "GIF", save_all=True, append_images=few[1:], duration=duration, loop=0, optimize=False
        )
    with written_whole(webp) as draft:
        pictures[0].save(
            draft, "WEBP", save_all=True, append_images=pictures[1:], duration=duration, loop=0, quality=80
        )
