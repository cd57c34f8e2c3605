"""What in a guide is the shape: drawings, cut-outs, photographs of paper, and pictures that hold none."""

import numpy as np
import pytest
from PIL import Image

from techniques.errors import BadInputError
from techniques.mesh_fit.guides import moved_onto, read_guide, scaled
from tests.techniques.mesh_fit.conftest import star


def same(one, other):
    return (one.mask == other.mask).all()


def test_black_on_white_white_on_black_and_cut_out_are_one_shape(tmp_path):
    star().save(tmp_path / "a.png")
    star(ground=0, shape=255).save(tmp_path / "b.png")
    cut = star().convert("RGB")
    cut.putalpha(star(ground=0, shape=255))
    cut.save(tmp_path / "c.png")
    star(ground=230, shape=90).convert("RGB").save(tmp_path / "d.jpg", quality=95)
    a, b, c, d = (read_guide(tmp_path / name) for name in ("a.png", "b.png", "c.png", "d.jpg"))

    assert same(a, b)
    assert same(a, c)
    assert np.abs(a.mask - d.mask).mean() < 0.01
    assert [g.read_as for g in (a, b, c)] == ["dark on light", "light on dark", "what is opaque"]
    assert 0.2 < a.share < 0.4


def test_inverting_and_the_threshold(tmp_path):
    star(ground=200, shape=150).save(tmp_path / "pale.png")
    with pytest.raises(BadInputError, match="holds no shape"):
        read_guide(tmp_path / "pale.png")
    found = read_guide(tmp_path / "pale.png", threshold=0.7)
    other = read_guide(tmp_path / "pale.png", threshold=0.7, invert=True)
    assert np.array_equal(found.mask, 1 - other.mask)
    assert other.read_as == "dark on light, inverted"


def test_a_wide_guide_gets_ground_above_and_below(tmp_path):
    wide = Image.new("L", (200, 100), 255)
    wide.paste(star(100), (50, 0))
    wide.save(tmp_path / "wide.png")
    guide = read_guide(tmp_path / "wide.png")
    assert guide.mask.shape == (200, 200)
    assert not guide.mask[:50].any()
    assert not guide.mask[150:].any()
    assert np.array_equal(guide.mask[50:150], read_guide(tmp_path / "wide.png").mask[50:150])
    assert guide.light[0, 0] == 1


@pytest.mark.parametrize("value", [0, 255])
def test_pictures_without_a_shape_are_refused(tmp_path, value):
    Image.new("L", (64, 64), value).save(tmp_path / "flat.png")
    with pytest.raises(BadInputError, match=r"flat\.png holds no shape .*--threshold and --invert"):
        read_guide(tmp_path / "flat.png")
    with pytest.raises(BadInputError, match="nothing but shape"):
        read_guide(tmp_path / "flat.png", invert=True)


def test_scaling_keeps_the_area(tmp_path):
    star(200).save(tmp_path / "a.png")
    guide = read_guide(tmp_path / "a.png")
    for size in (25, 64, 300):
        assert scaled(guide.mask, size).mean() == pytest.approx(guide.share, abs=2e-3)


def test_a_shape_can_be_moved_onto_a_place(tmp_path):
    star(200).save(tmp_path / "a.png")
    moved = moved_onto(read_guide(tmp_path / "a.png"), (0.3, 0.6, 0.25))
    rows, columns = np.nonzero(moved.mask)
    assert (columns.min() + columns.max() + 1) / 400 == pytest.approx(0.3, abs=0.01)
    assert (rows.min() + rows.max() + 1) / 400 == pytest.approx(0.6, abs=0.01)
    assert max(np.ptp(rows), np.ptp(columns)) / 200 == pytest.approx(0.25, abs=0.01)
    with pytest.raises(BadInputError, match="leaves nothing"):
        moved_onto(read_guide(tmp_path / "a.png"), (5, 5, 0.1))
