"""Guides drawn with straight lines, and a mesh as an architect's tool writes it."""

import math
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from techniques.meshes.obj_write import write_obj
from techniques.meshes.shapes import icosphere


def star(size=128, outer=0.85, inner=0.45, **colours):
    corners = [
        (
            size / 2 * (1 + (inner if k % 2 else outer) * math.sin(math.pi * k / 5)),
            size / 2 * (1 - (inner if k % 2 else outer) * math.cos(math.pi * k / 5)),
        )
        for k in range(10)
    ]
    picture = Image.new("L", (size, size), colours.get("ground", 255))
    ImageDraw.Draw(picture).polygon(corners, fill=colours.get("shape", 0))
    return picture


@pytest.fixture
def guide(tmp_path) -> Path:
    star().save(tmp_path / "star.png")
    return tmp_path / "star.png"


@pytest.fixture
def sphere(tmp_path) -> Path:
    path = tmp_path / "sphere.obj"
    write_obj(path, icosphere(3))
    return path


@pytest.fixture
def pavilion(tmp_path) -> Path:
    """Quads in millimetres, z up, 500 km from the origin, two groups, unwelded, one spare vertex."""
    n, lines, faces = 8, ["v 500000123.25 0 0"], {"walls": [], "roof": []}
    at = 1

    def quad(group, corners):
        nonlocal at
        for x, y, z in corners:
            lines.append(f"v {500000000 + 1000 * x!r} {4000000000 + 1000 * y!r} {1000 * z!r}")
        faces[group].append(f"f {at + 1} {at + 2} {at + 3} {at + 4}")
        at += 4

    steps = np.linspace(-1, 1, n + 1).tolist()
    for a, b in pairwise(steps):
        for c, d in pairwise(steps):
            quad("walls", [(a, -1, c), (b, -1, c), (b, -1, d), (a, -1, d)])
            quad("walls", [(b, 1, c), (a, 1, c), (a, 1, d), (b, 1, d)])
            quad("walls", [(-1, b, c), (-1, a, c), (-1, a, d), (-1, b, d)])
            quad("walls", [(1, a, c), (1, b, c), (1, b, d), (1, a, d)])
            quad("roof", [(a, c, 1), (b, c, 1), (b, d, 1), (a, d, 1)])
            quad("walls", [(b, c, -1), (a, c, -1), (a, d, -1), (b, d, -1)])
    text = "\n".join([*lines, *(line for group, own in faces.items() for line in [f"g {group}", *own])])
    path = tmp_path / "pavilion.obj"
    path.write_text(text)
    return path
