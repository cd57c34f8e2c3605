"""Twelve real photographs cut into patches: a small dataset on which a wrong label order shows at once.

The left half of each photograph trains, the right half tests: no patch of one overlaps one of the other.
Licences: scikit-image's ``_fetchers.py`` and scikit-learn's ``images/README.txt``; two of them state none
(motorcycle_left, retina says CC0), so patches are made where they are needed and never published.
"""

from importlib.resources import files
from pathlib import Path

import numpy as np
from PIL import Image

__all__ = ["PHOTOGRAPHS", "make_patches"]

PHOTOGRAPHS = {
    "brick": ("skimage", "data/brick.png"),
    "grass": ("skimage", "data/grass.png"),
    "gravel": ("skimage", "data/gravel.png"),
    "coffee": ("skimage", "data/coffee.png"),
    "chelsea": ("skimage", "data/chelsea.png"),
    "astronaut": ("skimage", "data/astronaut.png"),
    "motorcycle": ("skimage", "data/motorcycle_left.png"),
    "hubble": ("skimage", "data/hubble_deep_field.jpg"),
    "ihc": ("skimage", "data/ihc.png"),
    "retina": ("skimage", "data/retina.jpg"),
    "china": ("sklearn.datasets", "images/china.jpg"),
    "flower": ("sklearn.datasets", "images/flower.jpg"),
}


def make_patches(
    root: Path, *, train: int = 48, test: int = 24, size: int = 96, grey: bool = False, seed: int = 0
) -> Path:
    """Write ``root/train`` and ``root/test``, each with a folder of PNG patches for every photograph.

    Patches are squares of 64 to 128 px at random places of their half, scaled to ``size``; with ``grey``
    colour cannot be the cue.
    """
    random = np.random.default_rng(seed)
    for name, (package, member) in PHOTOGRAPHS.items():
        with Image.open(str(files(package).joinpath(member))) as opened:
            photograph = opened.convert("L").convert("RGB") if grey else opened.convert("RGB")
        middle = photograph.width // 2
        for part, count, left, right in (
            ("train", train, 0, middle),
            ("test", test, middle, photograph.width),
        ):
            folder = root / part / name
            folder.mkdir(parents=True)
            for number in range(count):
                side = int(random.integers(64, 129))
                x = int(random.integers(left, right - side + 1))
                y = int(random.integers(0, photograph.height - side + 1))
                patch = photograph.crop((x, y, x + side, y + side))
                patch.resize((size, size), Image.Resampling.BICUBIC).save(folder / f"{number:03}.png")
    return root
