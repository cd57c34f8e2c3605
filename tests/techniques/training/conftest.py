"""Small datasets: real photographs cut into patches, and everything that a student's folder may hold."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image


def noise(seed: int, size: tuple[int, int] = (96, 80), tint: tuple[float, float, float] = (1, 1, 1)):
    """A picture unlike any of another seed: coarse random blobs, so that its perceptual hash is its own."""
    blobs = np.random.default_rng(seed).random((6, 6, 3), np.float32) * np.array(tint, np.float32)
    return Image.fromarray((blobs * 255).astype(np.uint8)).resize(size, Image.Resampling.BICUBIC)


def save(image: Image.Image, path: Path, **options) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path, **options)
    return path


@pytest.fixture
def plain(tmp_path) -> Path:
    """Two classes of six different pictures each."""
    root = tmp_path / "plain"
    for label, name in enumerate(("brick", "grass")):
        for number in range(6):
            save(noise(100 * label + number), root / name / f"{number}.png")
    return root
