"""Masks, colour regions and kept colours: pictures that are made, and masks that cannot be meant."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from techniques.errors import BadInputError
from techniques.pictures import Picture, read_picture
from techniques.plans import Costs, Planner
from techniques.style import StyleSettings, style_files, stylize
from techniques.style.colours import matched_by_histogram, matched_by_moments
from techniques.style.masks import NOWHERE, Masks, colour_regions, drawn_regions
from tests.techniques.conftest import one_line, thin

QUICK = StyleSettings(size=96, iterations=10, device="cpu", precision="float32")
RED, BLUE, BLACK, WHITE = (255, 0, 0), (0, 0, 255), (0, 0, 0), (255, 255, 255)


def painted(path, size, *colours, save=None):
    """A mask of ``colours`` side by side."""
    width, height = size
    pixels = np.zeros((height, width, 3), np.uint8)
    for number, colour in enumerate(colours):
        pixels[:, number * width // len(colours) : (number + 1) * width // len(colours)] = colour
    Image.fromarray(pixels).save(path, **(save or {}))
    return path


@pytest.fixture
def china(small):
    return read_picture(small["china"])


@pytest.fixture
def coffee(small):
    return read_picture(small["coffee"])


def drawn(mask, style_masks, content, styles):
    names = [f"style{number}.png" for number in range(len(styles))]
    return drawn_regions(mask, style_masks, content, styles, ["content.png", *names])


def test_white_takes_the_style_and_black_keeps_the_content(small, china, tmp_path, weights):
    mask = painted(tmp_path / "mask.png", china.size, WHITE, BLACK)

    record = style_files(small["china"], small["ihc"], output=tmp_path / "a.png", settings=QUICK, mask=mask)

    result = read_picture(tmp_path / "a.png").rgb
    apart = np.abs(result - china.rgb).mean((0, 2))
    assert apart[:44].mean() > 0.03
    assert apart[52:].max() < 0.01
    assert record["arguments"]["mask"] == str(mask)
    assert f"--mask {mask}" in (tmp_path / "a.html").read_text()


def test_each_colour_takes_the_pixels_of_its_colour_in_the_style_mask(china, coffee, tmp_path):
    mask = painted(tmp_path / "mask.png", china.size, RED, BLUE)
    made = []
    for name, colours in (("straight", (RED, BLUE)), ("crossed", (BLUE, RED))):
        style_mask = painted(tmp_path / f"{name}.png", coffee.size, *colours)
        masks = drawn(mask, [style_mask], china, [coffee])
        left, right = masks.content[10, 10], masks.content[10, 90]
        ends = masks.styles[0][10, [10, 90]].tolist()
        assert ends == ([left, right] if name == "straight" else [right, left])
        made.append(stylize(china, [coffee], QUICK, network=thin("vgg16"), masks=masks).picture.rgb)

    assert sorted(masks.names) == ["#0000ff", "#ff0000"]
    assert np.abs(made[0] - made[1]).mean() > 0.01


def test_regions_work_in_tiles_too(china, coffee, tmp_path):
    masks = colour_regions(3, china, [coffee], ["coffee.png"])
    made = []
    costs = Costs(pixel=1000, pixel_checkpointed=1000, halo=0, copies=0, targets=0, fixed=0)
    for limit in (64 * 64 * 1000, 10**9):
        settings = replace(QUICK, size=140, optimizer="adam")
        planner = Planner(limit, costs)
        one = stylize(china, [coffee], settings, network=thin("vgg16"), masks=masks, planner=planner)
        made.append(one.picture.rgb)

    assert np.abs(made[0] - made[1]).max() < 1 / 255


def test_as_many_styles_as_colours_take_one_each_light_to_dark(china, coffee, tmp_path):
    mask = painted(tmp_path / "mask.png", china.size, (120, 120, 120), WHITE, BLACK)

    masks = drawn(mask, [], china, [coffee, coffee])

    assert [int(masks.content[10, x]) for x in (10, 50, 90)] == [1, 0, NOWHERE]
    assert [int(one.max()) for one in masks.styles] == [0, 1]


def test_blurred_edges_and_jpeg_make_no_regions(china, tmp_path):
    """A mask scaled with smoothing and saved as JPEG still has the colours that were drawn."""
    big = painted(tmp_path / "big.png", (960, 640), RED, BLUE, WHITE)
    with Image.open(big) as image:
        image.resize(china.size, Image.Resampling.BICUBIC).save(tmp_path / "mask.jpg", quality=85)

    masks = drawn(tmp_path / "mask.jpg", [tmp_path / "mask.jpg"], china, [china])

    assert len(masks.names) == 3
    assert sorted(np.unique(masks.content)) == [0, 1, 2]


def test_colour_regions_pair_dark_with_dark(china, coffee):
    masks = colour_regions(3, china, [coffee], ["coffee.png"])

    assert len(masks.names) == 3
    for labels, picture in ((masks.content, china), (masks.styles[0], coffee)):
        light = [picture.rgb[labels == one].mean() for one in range(3)]
        assert light == sorted(light)


def test_a_drawing_on_white_paper_has_as_many_regions_as_were_asked_for(china):
    """Most pixels are of one colour, so that k-means begins with the same centre many times."""
    paper = np.ones((90, 90, 3), np.float32)
    for number, grey in enumerate((0.0, 0.3, 0.6)):
        paper[10:20, 30 * number : 30 * number + 10] = grey

    masks = colour_regions(4, china, [Picture(paper)], ["paper.png"])

    assert np.unique(masks.styles[0]).tolist() == [0, 1, 2, 3]


def test_more_regions_than_a_style_has_colours_are_refused(china, coffee):
    ink = Picture(np.indices((64, 64)).sum(0)[..., None].repeat(3, -1).astype(np.float32) // 32 % 2)

    with pytest.raises(BadInputError, match=r"only 2 colours in ink\.png.* Choose --regions 2"):
        colour_regions(3, china, [ink], ["ink.png"])
    assert len(colour_regions(3, china, [ink, coffee], ["ink.png", "coffee.png"]).names) == 3


@pytest.mark.parametrize("loss", ["gram", "moments", "wasserstein"])
def test_a_region_that_a_layer_does_not_see_in_the_style_pulls_nowhere(loss, china, photos):
    """A dot of a few pixels is too small for deep layers, which rated against nothing: a loss of 1e10."""
    coffee = read_picture(photos["coffee"])
    labels = np.zeros(coffee.rgb.shape[:2], np.uint8)
    labels[200:202, 300:302] = 1
    halves = np.zeros(china.rgb.shape[:2], np.uint8)
    halves[:, 48:] = 1
    masks = Masks(halves, (labels,), ("#000000", "#ffffff"))
    settings = replace(QUICK, style_loss=loss, iterations=8, size=64)

    made = stylize(china, [coffee], settings, network=thin("vgg16"), masks=masks)

    assert made.metrics["style"] < 3
    assert made.metrics["style"] < 0.9 * made.metrics["style_of_content"]


@pytest.mark.parametrize(
    ("how", "says"),
    [
        (lambda t, size: ["--mask", painted(t / "m.png", (50, 50), WHITE)], "50 x 50 pixels"),
        (lambda t, size: ["--mask", painted(t / "m.png", size, BLACK)], "all black"),
        (
            lambda t, size: ["--mask", painted(t / "m.png", size, RED, BLUE, WHITE), "--regions", 3],
            "--regions",
        ),
        (lambda t, size: ["--style-mask", painted(t / "m.png", size, RED)], "needs a --mask"),
        (lambda t, size: ["--regions", 1], "--regions 1"),
        (lambda t, size: ["--mask", "nowhere.png"], "nowhere.png does not exist"),
        (lambda t, size: ["--keep-colors", "--colors", "histogram"], "--keep-colors means"),
        (
            lambda t, size: [
                *("--mask", painted(t / "m.png", size, RED, BLUE)),
                *("--style-mask", painted(t / "s.png", (96, 64), RED)),
            ],
            "no pixels of the region #0000ff",
        ),
    ],
)
def test_masks_that_cannot_be_meant_are_refused(how, says, small, china, program, tmp_path):
    given = ["style", small["china"], small["coffee"], "-o", tmp_path / "new" / "a.png"]

    line = one_line(program(*given, *how(tmp_path, china.size)), status=2)

    assert says in line
    assert not (tmp_path / "new").exists()


def test_two_regions_need_two_styles_or_style_masks(china, coffee, tmp_path):
    mask = painted(tmp_path / "mask.png", china.size, RED, BLUE, WHITE)

    with pytest.raises(BadInputError, match=r"3 regions beside black .* for 2 styles"):
        drawn(mask, [], china, [coffee, coffee])


def test_colours_given_beforehand_are_those_of_the_content(china, coffee):
    by_rank, by_moments = matched_by_histogram(coffee, china).rgb, matched_by_moments(coffee, china).rgb
    wanted = china.rgb.reshape(-1, 3)

    for one in (by_rank, by_moments):
        # By moments some colours are cut off at 0 and 1, which moves the mean.
        assert np.abs(one.reshape(-1, 3).mean(0) - wanted.mean(0)).max() < 0.05
        assert not np.allclose(one, coffee.rgb, atol=0.05)
    levels = np.linspace(0.05, 0.95, 10)
    ranked = np.quantile(by_rank.reshape(-1, 3), levels, axis=0)
    assert np.abs(ranked - np.quantile(wanted, levels, axis=0)).max() < 0.02


def test_moments_move_colours_as_little_as_can_be():
    """Between pictures that differ by a shift and a stretch of one channel, the map is just that."""
    random = np.random.default_rng(0)
    style = random.normal(0.5, 0.05, (80, 80, 3)).astype(np.float32)
    content = (style - 0.5) * [1, 2, 1] + [0.4, 0.5, 0.6]

    moved = matched_by_moments(Picture(style), Picture(content.astype(np.float32))).rgb

    assert np.abs(moved - content).max() < 1e-3


@pytest.mark.parametrize("colors", ["luminance", "histogram", "wasserstein"])
def test_the_result_has_the_colours_of_the_content(colors, china, coffee):
    def saturation(colours):
        made = stylize(china, [coffee], replace(QUICK, iterations=30, colors=colours), network=thin("vgg16"))
        return np.abs(made.picture.rgb.mean((0, 1)) - china.rgb.mean((0, 1))).max()

    assert saturation(colors) < 0.6 * saturation("style")


@pytest.mark.parametrize(
    "changed",
    [
        {"style_loss": "moments"},
        {"style_loss": "wasserstein"},
        {"pooling": "l2"},
        {"pooling": "average"},
        {"padding": "zeros"},
    ],
)
def test_every_recipe_reaches_the_style_in_its_own_way(changed, china, coffee):
    made = stylize(china, [coffee], replace(QUICK, iterations=20, **changed), network=thin("vgg16"))
    plain = stylize(china, [coffee], replace(QUICK, iterations=20), network=thin("vgg16"))

    assert made.metrics["style"] < 0.5 * made.metrics["style_of_content"]
    assert np.abs(made.picture.rgb - plain.picture.rgb).mean() > 1e-3
