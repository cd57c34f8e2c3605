"""`deepdesign style`, end to end: the installed program, the real network, real photographs."""

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from techniques.cli import run
from techniques.errors import BadInputError
from techniques.runs import occupied, place_for
from techniques.style import StyleSettings, style_files
from techniques.textures import gram
from tests.techniques.conftest import PROGRAM, one_line
from tests.techniques.test_pictures import bomb

QUICK = StyleSettings(size=64, iterations=12, device="cpu")
STYLE_LAYERS = ["relu1_1", "relu2_1", "relu3_1"]


def pixels(path):
    with Image.open(path) as picture:
        return np.asarray(picture.convert("RGB"))


def files(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def distance(network):
    """How far a picture's textures are from a style's, both as they lie on disk."""

    def tensor(path, size):
        with Image.open(path) as picture:
            values = np.asarray(picture.convert("RGB").resize(size), dtype=np.float32) / 255
        return torch.from_numpy(values).permute(2, 0, 1).unsqueeze(0)

    def between(path, style):
        with Image.open(path) as picture:
            size = picture.size
        grams = [
            {layer: gram(values) for layer, values in network(tensor(p, size), STYLE_LAYERS).items()}
            for p in (style, path)
        ]
        apart = [(grams[0][layer] - grams[1][layer]).square().mean() for layer in STYLE_LAYERS]
        return float(
            sum(a / grams[0][layer].square().mean() for a, layer in zip(apart, STYLE_LAYERS, strict=True)) / 3
        )

    return between


def test_a_photograph_takes_on_the_style_and_keeps_its_forms(small, program, tmp_path, distance):
    result = tmp_path / "result.png"

    done = program(
        "style", small["china"], small["coffee"], "-o", result, "--size", 96, "--iterations", 40, "--json"
    )

    assert done.returncode == 0, done.stderr
    assert distance(result, small["coffee"]) < 0.3 * distance(small["china"], small["coffee"])
    grey = [np.asarray(Image.fromarray(pixels(p)).convert("L"), float) for p in (result, small["china"])]
    assert np.corrcoef(grey[0].ravel(), grey[1].ravel())[0, 1] > 0.6
    assert files(tmp_path) == ["result.html", "result.png", "result.run.json", "small", "work"]

    lines = [json.loads(line) for line in done.stdout.splitlines()]
    record = json.loads((tmp_path / "result.run.json").read_text())
    assert lines[-1] == record
    assert [line["done"] for line in lines if line.get("event") == "progress" and "loss" in line][-1] == 40
    assert record["command"] == "style"
    assert record["arguments"]["size"] == 96
    assert record["device"] in {"cpu", "cuda"}
    assert record["weights"]["name"] == "hed-vgg16"
    assert record["weights"]["sha256"].startswith("4502df9d0a88873911ea")
    assert record["results"][0] == str(result)
    assert record["seconds"] > 0
    assert {"deepdesign", "torch", "python"} <= set(record["versions"])
    assert record["metrics"]["style"] < 0.3 * record["metrics"]["style_of_content"]
    assert len(record["losses"]["total"]) == 40

    settings = StyleSettings(size=96, iterations=40)
    by_function = style_files(small["china"], small["coffee"], output=tmp_path / "b.png", settings=settings)
    assert np.array_equal(pixels(tmp_path / "b.png"), pixels(result))
    assert by_function["arguments"] | {"output": ""} == record["arguments"] | {"output": ""}


def test_quiet_says_nothing(small, tmp_path, capsys, weights):
    arguments = ["style", small["china"], small["coffee"], "-o", tmp_path / "a.jpg", "--quiet"]
    assert run([str(argument) for argument in [*arguments, "--size", 64, "--iterations", 2]]) == 0
    assert capsys.readouterr() == ("", "")


def test_the_report_is_one_page_that_needs_no_network(small, tmp_path, weights):
    style_files(small["china"], small["coffee"], small["ihc"], output=tmp_path / "out", settings=QUICK)

    assert files(tmp_path / "out") == ["report.html", "result.png", "run.json"]
    page = (tmp_path / "out" / "report.html").read_text()
    assert page.count("data:image/jpeg;base64,") == 4  # before, after and two styles
    assert "http" not in page.replace("http-equiv", "")
    assert "MIT, 2025 Mohammad Saad Nathani" in page
    assert "fine-tuned for edges" in page
    assert "--iterations 12" in page
    assert "<polyline" in page


def test_a_file_name_cannot_put_code_into_the_report(small, tmp_path, weights):
    nasty = small["china"].rename(tmp_path / "<script>alert(1)<b>")
    style_files(nasty, small["coffee"], output=tmp_path / "out", settings=QUICK)

    page = (tmp_path / "out" / "report.html").read_text()
    assert "&lt;script&gt;alert(1)" in page
    assert "<script>alert" not in page


def test_without_style_the_content_comes_back(small, tmp_path, weights):
    result = tmp_path / "same.png"
    settings = replace(QUICK, size=96, style_weight=0, iterations=8)
    style_files(small["china"], small["coffee"], output=result, settings=settings)

    difference = np.abs(pixels(result).astype(int) - pixels(small["china"]))
    assert difference.max() <= 2


def test_a_blend_leans_to_the_style_with_the_larger_share(small, tmp_path, distance, weights):
    results = {}
    for share in (0.0, 1.0):
        results[share] = tmp_path / f"{share}.png"
        settings = replace(QUICK, size=96, iterations=30, blend=(share, 1 - share))
        style_files(small["china"], small["coffee"], small["ihc"], output=results[share], settings=settings)

    assert distance(results[1.0], small["coffee"]) < 0.5 * distance(results[0.0], small["coffee"])
    assert distance(results[0.0], small["ihc"]) < 0.5 * distance(results[1.0], small["ihc"])


def test_kept_colors_are_the_content_s_and_light_and_dark_are_not(small, tmp_path, weights):
    result = tmp_path / "kept.png"
    settings = replace(QUICK, size=96, iterations=30, keep_colors=True)
    style_files(small["china"], small["coffee"], output=result, settings=settings)

    def planes(path):
        with Image.open(path) as picture:
            return np.asarray(picture.convert("YCbCr"), float)

    made, content = planes(result), planes(small["china"])
    inside = ((pixels(result) > 0) & (pixels(result) < 255)).all(-1)  # where nothing was cut off
    assert inside.mean() > 0.5
    assert np.abs(made - content)[inside][:, 1:].max() <= 2
    assert np.abs(made - content)[..., 0].mean() > 10


def test_a_smaller_style_scale_makes_another_picture(small, tmp_path, weights):
    for scale in (1.0, 0.4):
        settings = replace(QUICK, style_scale=scale)
        style_files(small["china"], small["ihc"], output=tmp_path / f"{scale}.png", settings=settings)

    difference = pixels(tmp_path / "1.0.png").astype(int) - pixels(tmp_path / "0.4.png")
    assert np.abs(difference).mean() > 1


def test_two_sides_crop_and_the_same_seed_gives_the_same_bytes(small, tmp_path, weights):
    settings = replace(QUICK, width=70, height=50, iterations=6, start="noise")
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        output = tmp_path / f"{name}.png"
        style_files(small["china"], small["coffee"], output=output, settings=replace(settings, seed=seed))

    with Image.open(tmp_path / "a.png") as picture:
        assert picture.size == (70, 50)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    assert (tmp_path / "a.png").read_bytes() != (tmp_path / "c.png").read_bytes()


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_run_that_was_stopped_goes_on_to_the_same_pixels(how, small, tmp_path, weights):
    whole, stopped = tmp_path / "whole.png", tmp_path / "stopped.png"
    settings = replace(QUICK, size=72, iterations=60)
    style_files(small["china"], small["coffee"], output=whole, settings=settings)

    command = [PROGRAM, "style", small["china"], small["coffee"], "-o", stopped, "--json"]
    command += ["--size", 72, "--iterations", 60, "--device", "cpu"]
    running = subprocess.Popen(
        list(map(str, command)), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    checkpoint = tmp_path / ".stopped.png.checkpoint"
    for line in running.stdout:
        event = json.loads(line)
        far = event.get("event") == "progress" and event["done"] >= 15
        if far and (how != signal.SIGKILL or checkpoint.exists()):
            running.send_signal(how)
            break
    _, errors = running.communicate(timeout=600)
    assert running.returncode == (-signal.SIGKILL if how == signal.SIGKILL else 130), errors
    assert len(errors.splitlines()) == (0 if how == signal.SIGKILL else 1)
    assert ("--resume goes on" in errors) == (how != signal.SIGKILL)
    assert checkpoint.exists()
    assert not stopped.exists()

    def again(chosen):
        return style_files(small["china"], small["coffee"], output=stopped, settings=chosen, resume=True)

    with pytest.raises(BadInputError, match="--iterations was 60"):
        again(replace(settings, iterations=61))
    record = again(settings)

    assert np.array_equal(pixels(stopped), pixels(whole))
    assert not checkpoint.exists()
    assert record["losses"] == json.loads((tmp_path / "whole.run.json").read_text())["losses"]

    written = stopped.stat().st_mtime_ns
    assert again(settings) == record
    assert stopped.stat().st_mtime_ns == written
    with pytest.raises(BadInputError, match="iterations 60, not 61"):
        again(replace(settings, iterations=61))


def test_a_damaged_checkpoint_is_refused_and_kept(small, tmp_path, weights):
    checkpoint = tmp_path / ".a.png.checkpoint"
    checkpoint.write_bytes(b"PK not really")

    with pytest.raises(BadInputError, match="damaged"):
        style_files(small["china"], small["coffee"], output=tmp_path / "a.png", settings=QUICK, resume=True)

    assert checkpoint.read_bytes() == b"PK not really"


def test_two_runs_cannot_write_to_one_place(small, program, tmp_path):
    command = ["style", small["china"], small["coffee"], "-o", tmp_path / "out"]
    with occupied(place_for(tmp_path / "out")):
        refused = program(*command)

    assert "another run" in one_line(refused, status=2)
    assert not (tmp_path / "out").exists()


def text(tmp_path, good):
    path = tmp_path / "text.jpg"
    path.write_text("not a picture")
    return [path, good]


def truncated(tmp_path, good):
    path = tmp_path / "half.png"
    path.write_bytes(good.read_bytes()[:3000])
    return [good, path]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (lambda t, g: ["missing.jpg", g], "missing.jpg does not exist"),
        (lambda t, g: [g, t], "is a folder"),
        (text, "text.jpg is not a picture"),
        (truncated, "half.png is damaged"),
        (lambda t, g: [bomb(t / "bomb.png"), g], "million pixels"),
        (lambda t, g: [g], "Missing argument 'STYLE...'"),
        (lambda t, g: [g, g, "--size", "0"], "--size 0"),
        (lambda t, g: [g, g, "--size", "-5"], "--size -5"),
        (lambda t, g: [g, g, "--size", "many"], "--size"),
        (lambda t, g: [g, g, "--width", "0"], "--width 0"),
        (lambda t, g: [g, g, "--style-weight", "nan"], "--style-weight nan"),
        (lambda t, g: [g, g, "--content-weight", "-1"], "--content-weight -1"),
        (lambda t, g: [g, g, "--content-weight", "0", "--style-weight", "0"], "both 0"),
        (lambda t, g: [g, g, "--iterations", "0"], "--iterations 0"),
        (lambda t, g: [g, g, "--blend", "1,2"], "2 shares for 1 style"),
        (lambda t, g: [g, g, "--blend", "much"], "--blend"),
        (lambda t, g: [g, g, "--style-scale", "0"], "--style-scale 0"),
        (lambda t, g: [g, g, "--seed", "-1"], "--seed"),
        (lambda t, g: [g, g, "--device", "tpu"], "--device"),
        (lambda t, g: [g, g, "--colour", "blue"], "--colour"),
        (lambda t, g: [g, g, "-o", g], "one of the inputs"),
        (lambda t, g: [g, g, "-o", t / "film.gif"], "not written as .gif"),
        (lambda t, g: [g, g, "--size", 20_000, "-o", t / "new.webp"], ".webp holds 16383 a side at most"),
        (lambda t, g: [g, g, "-o", t / "house.obj"], "not written as .obj"),
        (lambda t, g: [g, g, "-o", g / "below" / "a.png"], "cannot be written"),
        (lambda t, g: [g, g, "-o", "/proc/deepdesign/a.png"], "cannot be written"),
        (lambda t, g: [g, g, "--weights", "alexnet"], "no network called 'alexnet'"),
        (lambda t, g: [g, g, "--style-layers", "relu9_1"], "no layer relu9_1"),
        (lambda t, g: [g, g, "--weights", "vgg16", "--content-layers", "relu3_4"], "no layer relu3_4"),
    ],
)
def test_wrong_input_is_refused_in_one_line_and_leaves_nothing(arguments, says, small, program, tmp_path):
    given = arguments(tmp_path, small["china"])
    output = [] if "-o" in given else ["-o", tmp_path / "new" / "result.png"]
    before = sorted(tmp_path.rglob("*"))

    refused = program("style", *given, *output)

    line = one_line(refused, status=2)
    assert says in line
    assert line.startswith("Error: ")
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    "given",
    [
        ("style", "{long}", "{china}"),
        ("style", "{china}", "{china}", "-o", "{long}"),
        ("style", "{china}", "{china}", "-o", "{long}/a.png"),
        ("dream", "{long}", "--class", "fountain"),
        ("classify", "{long}"),
        ("classify", "{china}", "-o", "{long}"),
        ("train", "{long}"),
        ("train", "{folder}", "-o", "{long}"),
    ],
)
def test_a_name_that_no_disk_takes_is_refused_in_one_line(given, small, here):
    names = {"long": "x" * 300, "china": small["china"], "folder": small["china"].parent}

    assert "x" * 300 in one_line(here(*(word.format(**names) for word in given)), status=2)


def test_an_unknown_command_is_refused_in_one_line(program):
    assert "paint" in one_line(program("paint"), status=2)


def test_a_gpu_that_is_not_there_is_refused(small, tmp_path, capsys):
    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    arguments = ["style", small["china"], small["coffee"], "-o", tmp_path / "a.png", "--device", "cuda"]

    assert run([str(argument) for argument in arguments]) == 2
    assert "no CUDA device" in capsys.readouterr().err
    assert files(tmp_path) == ["small"]


def test_debug_shows_where(program):
    shown = program("style", "missing.jpg", "b.jpg", "--debug")
    assert shown.returncode == 2
    assert "Traceback" in shown.stderr


def test_help_does_not_load_pytorch():
    code = (
        "import sys; from techniques.cli import run; run(['style', '-h']); sys.exit('torch' in sys.modules)"
    )
    shown = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=600, check=False
    )

    assert shown.returncode == 0
    assert "--style-weight" in shown.stdout


def test_the_course_s_command_still_works(small, tmp_path, weights):
    result = tmp_path / "course.jpg"
    environment = {**os.environ, "PATH": f"{PROGRAM.parent}:{os.environ['PATH']}"}
    command = [
        "bash",
        "run_2Dneuralstyletransfer.sh",
        small["china"],
        small["coffee"],
        result,
        "48",
        "5.0",
        "1.0",
    ]

    done = subprocess.run(
        list(map(str, command)),
        cwd="/",
        env=environment,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    short = subprocess.run(command[:4], cwd="/", env=environment, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    assert "style weight     1.0" in done.stderr
    with Image.open(result) as picture:
        assert picture.width == 48
    record = json.loads((tmp_path / "course.run.json").read_text())
    assert (record["arguments"]["content_weight"], record["arguments"]["style_weight"]) == (5.0, 1.0)
    assert short.returncode == 2
    assert "Usage" in short.stderr
