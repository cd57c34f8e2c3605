import numpy as np
import pytest
from PIL import Image

HOUSE = """mtllib house.mtl
o Haus Süd
v 400000.25 5800000.5 100
v 400006.25 5800000.5 100
v 400006.25 5800004.5 100
v 400000.25 5800004.5 100
v 400000.25 5800000.5 103
v 400006.25 5800000.5 103
v 400006.25 5800004.5 103
v 400000.25 5800004.5 103
v 400000.25 5800002.5 105
v 400006.25 5800002.5 105
g Boden
usemtl Beton
f 4 3 2 1
g Wände
usemtl Putz
f 1 2 6 5
f 3 4 8 7
f 2 3 7 10 6
f 4 1 5 9 8
g Dach
usemtl Ziegel
f 5 6 10 9
f 7 8 9 10
"""


@pytest.fixture
def house(tmp_path):
    """A house as Rhino writes one: z up, far from the origin, quads and pentagons, groups, no UVs."""
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "house.obj").write_text(HOUSE)
    (folder / "house.mtl").write_text(
        "newmtl Beton\nKd 0.6 0.6 0.6\nnewmtl Putz\nKd 0.9 0.85 0.8\nnewmtl Ziegel\nKd 0.7 0.3 0.2\n"
    )
    return folder / "house.obj"


@pytest.fixture
def stripes(tmp_path):
    """A style that nobody can mistake: diagonal stripes in green and violet."""
    y, x = np.mgrid[:96, :96]
    on = ((x + y) // 6 % 2).astype(bool)
    picture = np.where(on[..., None], (30, 160, 40), (120, 20, 140)).astype(np.uint8)
    path = tmp_path / "stripes.png"
    Image.fromarray(picture).save(path)
    return path
