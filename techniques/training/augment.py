"""Training pictures varied at random: the part that is shown, its side, its colours."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from PIL import Image

from techniques.training.examine import Pixels

__all__ = ["RECIPES", "Recipe", "varied"]

_GREY = np.array([0.299, 0.587, 0.114], np.float32)


@dataclass(frozen=True)
class Recipe:
    """``area``: the least part of the picture that is shown. ``stretch``: how far its aspect may go from the
    network's, as a factor. ``colours``: how far brightness, contrast and saturation may go from 1.
    ``flip``, ``grey``, ``cover``: the chance of mirroring, of losing all colour, and of a grey box.
    """

    area: float
    stretch: float
    colours: float
    flip: float
    grey: float
    cover: float


RECIPES = {
    "none": Recipe(area=1.0, stretch=1.0, colours=0.0, flip=0.0, grey=0.0, cover=0.0),
    # Milder than ImageNet's (area .08, stretch 4/3): a tower's crop may not be a wall, and sets are small.
    "standard": Recipe(area=0.5, stretch=1.1, colours=0.2, flip=0.5, grey=0.0, cover=0.0),
    "strong": Recipe(area=0.25, stretch=1.2, colours=0.4, flip=0.5, grey=0.1, cover=0.25),
}


def varied(pixels: Pixels, size: tuple[int, int], recipe: Recipe, key: Sequence[int]) -> Pixels:
    """``pixels`` (H, W, 3) as the network is to see it this time: (height, width, 3) for ``size`` (width,
    height).

    All that is random follows from ``key``, so that a picture looks the same in whichever process or resumed
    run its turn comes.
    """
    random = np.random.default_rng(list(key))
    box = _part(pixels.shape[1], pixels.shape[0], size, recipe, random)
    image = Image.fromarray(pixels).resize(size, Image.Resampling.BILINEAR, box=box)
    if random.random() < recipe.flip:
        image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    result = np.asarray(image)
    if recipe.colours:
        result = _recoloured(result, recipe, random)
    if random.random() < recipe.cover:
        result = _covered(result, random)
    return result


def _part(
    width: int, height: int, size: tuple[int, int], recipe: Recipe, random: Generator
) -> tuple[float, float, float, float]:
    """A box (left, top, right, bottom) inside the picture."""
    part = np.sqrt(random.uniform(recipe.area, 1.0))
    squeeze = np.exp(random.uniform(-1, 1) * np.log(recipe.stretch) / 2)
    # The largest box of the network's aspect, then a part of it.
    scale = min(width / size[0], height / size[1]) * part
    across, down = min(width, size[0] * scale * squeeze), min(height, size[1] * scale / squeeze)
    middle = recipe.area == 1.0
    left = (width - across) * (0.5 if middle else random.random())
    top = (height - down) * (0.5 if middle else random.random())
    return left, top, min(float(width), left + across), min(float(height), top + down)


def _recoloured(pixels: Pixels, recipe: Recipe, random: Generator) -> Pixels:
    brightness, contrast, saturation = 1 + recipe.colours * random.uniform(-1, 1, 3).astype(np.float32)
    if random.random() < recipe.grey:
        saturation = np.float32(0)
    colours = pixels.astype(np.float32) * brightness
    grey = (colours @ _GREY)[..., None]
    colours = grey + (colours - grey) * saturation
    middle = grey.mean()
    return np.asarray(((colours - middle) * contrast + middle).round().clip(0, 255), np.uint8)


def _covered(pixels: Pixels, random: Generator) -> Pixels:
    height, width = pixels.shape[:2]
    down, across = (max(1, int(side * random.uniform(0.1, 0.4))) for side in (height, width))
    top, left = int(random.integers(height - down + 1)), int(random.integers(width - across + 1))
    result = pixels.copy()
    result[top : top + down, left : left + across] = 128
    return result
