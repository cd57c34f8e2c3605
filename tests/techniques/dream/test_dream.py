"""Dreams from files to files, judged by networks that took no part."""

import io
import json
import signal
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from techniques import sheets
from techniques.cli import run
from techniques.dream import DreamSettings, dream_files, dreaming, sheet
from techniques.dream import run as dream_run
from techniques.dream.dreaming import octaves
from techniques.dream.sheet import file_names
from techniques.dream.views import Views
from techniques.errors import BadInputError
from techniques.pictures import read_picture
from techniques.progress import PlainLines
from tests.needs import need
from tests.techniques.conftest import PROGRAM
from tests.techniques.dream.conftest import untrained
from tests.techniques.test_pictures import crossed


def pixels(path):
    with Image.open(path) as picture:
        return np.asarray(picture.convert("RGB"))


def files(folder):
    return sorted(path.name for path in folder.iterdir())


def test_networks_that_took_no_part_see_the_fountain(photos, tmp_path):
    settings = DreamSettings(classes=("Fountain",), size=256, iterations=24, device="cpu")

    record = dream_files(photos["china"], output=tmp_path / "result.png", settings=settings)

    judges = record["metrics"]["judges"]
    assert {"mobilenet-v2", "efficientnet-lite2"} <= {one["network"] for one in judges}
    assert "efficientnet-lite0" not in {one["network"] for one in judges}
    assert all(one["before"] < 0.02 for one in judges)
    assert record["metrics"]["held_out_probability"] > 0.3
    assert record["metrics"]["held_out_probability"] == pytest.approx(
        sum(one["after"] for one in judges) / len(judges)
    )
    assert record["metrics"]["dreamers"][0]["network"] == "efficientnet-lite0"
    # The photograph is still there.
    with Image.open(photos["china"]) as photo:
        before = np.asarray(photo.convert("L").resize((256, 171), Image.Resampling.LANCZOS), float)
    after = np.asarray(Image.fromarray(pixels(tmp_path / "result.png")).convert("L"), float)
    assert np.corrcoef(before.ravel(), after.ravel())[0, 1] > 0.7

    assert record == json.loads((tmp_path / "result.run.json").read_text())
    assert files(tmp_path) == ["result.html", "result.png", "result.run.json"]
    assert record["weights"]["sha256"].startswith("57934424")
    page = (tmp_path / "result.html").read_text()
    assert "took no part" in page
    assert "china, dreaming of Fountain" in page
    assert "http" not in page.replace("http-equiv", "")


def test_the_goal_rises_and_the_same_seed_gives_the_same_pixels(small, quick, tmp_path):
    settings = replace(quick, iterations=8)
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        record = dream_files(
            small["china"], output=tmp_path / f"{name}.png", settings=replace(settings, seed=seed)
        )
        assert record["losses"]["goal"][-1] > record["losses"]["goal"][0] + 2

    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    assert (tmp_path / "a.png").read_bytes() != (tmp_path / "c.png").read_bytes()


def test_every_seed_that_may_be_given_can_be_dreamt_with(small, quick, tmp_path):
    for name, seed in (("a", 2**63 - 1), ("b", 2**63 - 2)):
        settings = replace(quick, size=64, iterations=2, seed=seed)
        dream_files(small["china"], output=tmp_path / f"{name}.png", settings=settings)

    assert (tmp_path / "a.png").read_bytes() != (tmp_path / "b.png").read_bytes()


def test_judges_see_the_colours_that_a_profile_means(small, quick, tmp_path, monkeypatch):
    with Image.open(small["china"]) as photo:
        photo.save(tmp_path / "tagged.png", icc_profile=crossed())
    shown = []
    monkeypatch.setattr(dream_run, "judge", lambda _who, _what, *both, **_: shown.extend(both) or [])

    dream_files(tmp_path / "tagged.png", output=tmp_path / "a.png", settings=replace(quick, iterations=1))

    before = read_picture(tmp_path / "tagged.png", convert=True).rgb
    assert np.abs(shown[0].rgb - before).mean() < 0.01
    assert np.abs(shown[1].rgb - before).mean() < 0.05


def test_a_negative_weight_makes_a_class_go_away(photos, quick, tmp_path):
    settings = replace(quick, classes=("espresso=-1",), size=160, iterations=10, judges="mobilenet-v2")
    told = io.StringIO()

    record = dream_files(
        photos["coffee"], output=tmp_path / "a.png", settings=settings, progress=PlainLines(told)
    )

    assert record["losses"]["goal"][-1] > record["losses"]["goal"][0] + 2
    assert record["metrics"]["judges"] == []  # nothing was to appear
    assert "nobody judges" not in told.getvalue()
    assert "took no part" not in (tmp_path / "a.html").read_text()


def test_two_sides_crop_and_a_mask_keeps_the_rest(photos, quick, tmp_path):
    mask = np.zeros((427, 640), np.uint8)  # of the photograph's own size
    mask[:, 427:] = 255
    Image.fromarray(mask).save(tmp_path / "mask.png")
    settings = replace(quick, width=90, height=60, strength="bold")

    dream_files(photos["china"], mask=tmp_path / "mask.png", output=tmp_path / "a.png", settings=settings)
    dream_files(
        photos["china"],
        output=tmp_path / "b.png",
        settings=replace(settings, iterations=1, strength="subtle"),
    )

    difference = np.abs(pixels(tmp_path / "a.png").astype(int) - pixels(tmp_path / "b.png"))
    assert difference.shape == (60, 90, 3)
    assert difference[:, :55].mean() < 1.5
    assert difference[:, 62:].mean() > 5 * difference[:, :55].mean()


def test_views_look_at_the_white_part_of_what_is_left_of_the_mask(small, quick, tmp_path, monkeypatch):
    mask = np.zeros((64, 96), np.uint8)
    mask[:, 48:64] = 255  # beginning in the middle, also of the square
    Image.fromarray(mask).save(tmp_path / "mask.png")
    regions = []
    monkeypatch.setattr(dreaming, "Views", lambda *given: regions.append(given[-1]) or Views(*given))
    settings = replace(quick, width=64, height=64, iterations=1)

    dream_files(small["china"], mask=tmp_path / "mask.png", output=tmp_path / "a.png", settings=settings)

    assert (regions[0].left, regions[0].right) == pytest.approx((0.5, 0.75), abs=0.02)


@pytest.mark.parametrize(
    "change",
    [
        {"classes": (), "layers": ("blocks.8",)},
        {"classes": (), "layers": ("blocks.8:5", "blocks.10:3:0.5,0.5=-1")},
        {"classes": (), "amplify": True},
        {"classes": ("castle=2", "fountain"), "weights": "efficientnet-lite0,mobilenet-v2"},
        {"octaves": 2},
        {"start": "noise"},
    ],
)
def test_every_kind_of_goal_is_reached(change, small, quick, tmp_path):
    # Always the same distance, so that the goals of the steps can be compared.
    settings = replace(quick, iterations=6, closest=1.0, turn=0.0, mirror=False, **change)
    record = dream_files(small["china"], output=tmp_path / "a.png", settings=settings)

    goal = record["losses"]["goal"]
    assert max(goal[3:]) > goal[0]
    assert pixels(tmp_path / "a.png").std() > 5
    if change.get("weights"):
        assert record["weights"]["others"][0]["name"] == "mobilenet-v2"


def test_noise_in_the_place_of_a_picture(quick, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    dream_files("noise", output=tmp_path / "a.png", settings=replace(quick, size=64, iterations=3))
    assert pixels(tmp_path / "a.png").shape == (64, 64, 3)


def test_a_typing_mistake_in_the_size_of_noise_is_refused_before_it_is_made(quick, tmp_path, monkeypatch):
    monkeypatch.setattr(np, "full", lambda shape, *_, **__: pytest.fail(f"{shape} was made"))

    with pytest.raises(BadInputError, match="40000 x 40000 pixels"):
        dream_files("noise", output=tmp_path / "a.png", settings=replace(quick, size=40_000))


def test_a_network_of_one_s_own_and_nobody_to_judge(folder, small, quick, tmp_path, capsys):
    arguments = ["dream", str(small["china"]), "--class", "GOTHIC", "--weights", str(folder)]
    arguments += ["--iterations", "5", "--size", "64", "-o", str(tmp_path / "out")]

    assert run(arguments) == 0

    record = json.loads((tmp_path / "out" / "run.json").read_text())
    assert record["metrics"]["held_out_probability"] is None
    assert record["metrics"]["dreamers"][0]["wanted"] == "gothic"
    assert record["losses"]["goal"][-1] > record["losses"]["goal"][0]
    assert "nobody judges" in capsys.readouterr().err
    assert "No network that took no part" in (tmp_path / "out" / "report.html").read_text()


def test_a_stronger_intent_changes_the_photograph_more(small, quick, tmp_path):
    with Image.open(small["china"]) as photo:
        before = np.asarray(photo.convert("RGB"), float)
    change = []
    for strength in ("subtle", "balanced", "bold"):
        path = tmp_path / f"{strength}.png"
        dream_files(small["china"], output=path, settings=replace(quick, iterations=8, strength=strength))
        change.append(np.abs(pixels(path) - before).mean())

    assert change[0] < change[1] < change[2]


def test_every_class_on_one_sheet(folder, small, quick, tmp_path, capsys):
    out = tmp_path / "run1.5"  # a folder, whatever stands behind the dot
    arguments = ["dream", str(small["china"]), "--class", "all", "--weights", str(folder), "--quiet"]
    arguments += ["--iterations", "2", "--size", "64", "-o", str(out)]

    assert run(arguments) == 0

    assert files(out) == ["classes", "report.html", "result.png", "run.json"]
    assert [name for name in files(out / "classes") if name.endswith(".png")] == [
        "baroque.png",
        "gothic.png",
        "mies.png",
    ]
    assert pixels(out / "result.png").shape[1] > 600
    written = (out / "classes" / "gothic.png").stat().st_mtime_ns
    # As if it had been killed while the sheet was made.
    (out / "run.json").unlink()
    (out / ".deepdesign.checkpoint").touch()
    assert run([*arguments, "--resume"]) == 0
    assert (out / "classes" / "gothic.png").stat().st_mtime_ns == written
    assert json.loads((out / "run.json").read_text())["metrics"]["classes"].keys() == {
        "baroque",
        "gothic",
        "../mies",
    }


def test_pictures_of_classes_replace_no_one_else_s(folder, small, tmp_path, capsys):
    own = tmp_path / "out" / "classes" / "mies.png"
    own.parent.mkdir(parents=True)
    own.write_bytes(b"my own")
    arguments = ["dream", str(small["china"]), "--class", "all", "--weights", str(folder), "--quiet"]

    assert run([*arguments, "--iterations", "1", "--size", "64", "-o", str(tmp_path / "out")]) == 2

    assert "mies.png is there, and is not of this result" in capsys.readouterr().err
    assert own.read_bytes() == b"my own"
    assert files(tmp_path / "out") == ["classes"]


def test_classes_with_names_that_are_nearly_the_same_keep_their_own_pictures(small, tmp_path):
    weights = untrained(tmp_path / "styles", ("neo_gothic", "neo-gothic", "mies"))
    arguments = ["dream", str(small["china"]), "--class", "all", "--weights", str(weights), "--quiet"]

    assert run([*arguments, "--iterations", "2", "--size", "64", "-o", str(tmp_path / "out")]) == 0

    record = json.loads((tmp_path / "out" / "run.json").read_text())
    made = record["results"][2:]
    assert [Path(path).name for path in made] == ["neo-gothic-0.png", "neo-gothic-1.png", "mies.png"]
    assert all(Path(path).is_file() for path in made)


def test_names_of_files_are_safe_and_all_different():
    assert file_names(["a b", "../x", "//"]) == ["a-b", "x", "class"]
    assert file_names(["A b", "a_b", "a-b-1", "a!b"]) == ["A-b-0", "a-b-1-1", "a-b-1", "a-b-3"]
    many = file_names(["x", "x?y", "x y", "x-y-1", "x y-1", "x-y-1-1", "é" * 200, "é" * 201])
    assert len({name.casefold() for name in many}) == len(many)


def test_what_is_not_on_the_sheet_is_named_on_the_page(folder, small, tmp_path, monkeypatch):
    monkeypatch.setattr(sheets, "_MOST", 2)
    read = []
    monkeypatch.setattr(sheet, "read_picture", lambda path: read.append(path.name) or read_picture(path))
    arguments = ["dream", str(small["china"]), "--class", "all", "--weights", str(folder), "--quiet"]

    assert run([*arguments, "--iterations", "1", "--size", "64", "-o", str(tmp_path / "out")]) == 0

    # The photograph and one class; the other pictures are not even read again.
    assert read == ["gothic.png", "result.png"]
    page = (tmp_path / "out" / "report.html").read_text()
    assert "The sheet shows 1 of the 3 classes." in page
    assert page.index("Not on the sheet") < page.index("baroque.png") < page.index("mies.png")
    assert "gothic.png" not in page


def test_a_run_that_was_killed_goes_on_to_the_same_pixels(small, quick, tmp_path):
    whole, stopped = tmp_path / "whole.png", tmp_path / "stopped.png"
    settings = replace(quick, iterations=40)
    dream_files(small["china"], output=whole, settings=settings)

    command = [PROGRAM, "dream", small["china"], "--class", "fountain", "-o", stopped, "--json", "--size", 96]
    command += ["--iterations", 40, "--views", 1, "--judges", "none", "--device", "cpu"]
    running = subprocess.Popen(
        list(map(str, command)), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    checkpoint = tmp_path / ".stopped.png.checkpoint"
    for line in running.stdout:
        event = json.loads(line)
        if "goal" in event and event["done"] >= 5 and checkpoint.exists():
            running.send_signal(signal.SIGKILL)
            break
    running.communicate(timeout=600)
    assert checkpoint.exists()
    assert not stopped.exists()

    with pytest.raises(BadInputError, match="--iterations was 40"):
        dream_files(small["china"], output=stopped, settings=replace(settings, iterations=41), resume=True)
    record = dream_files(small["china"], output=stopped, settings=settings, resume=True)

    assert np.array_equal(pixels(stopped), pixels(whole))
    assert record["losses"] == json.loads((tmp_path / "whole.run.json").read_text())["losses"]
    assert not checkpoint.exists()


def test_a_finished_dream_of_another_photograph_is_not_taken_for_this_one(small, quick, tmp_path):
    settings = replace(quick, size=64, iterations=1)
    record = dream_files(small["china"], output=tmp_path / "a.png", settings=settings)
    assert dream_files(small["china"], output=tmp_path / "a.png", settings=settings, resume=True) == record

    small["coffee"].replace(small["china"])
    with pytest.raises(BadInputError, match="the picture changed since the finished run"):
        dream_files(small["china"], output=tmp_path / "a.png", settings=settings, resume=True)


def test_octaves_double_until_the_size_is_reached():
    assert octaves((480, 320), None) == ((480, 320),)
    assert octaves((3000, 2000), None) == ((750, 500), (1500, 1000), (3000, 2000))
    assert octaves((480, 320), 3) == ((120, 80), (240, 160), (480, 320))
    assert octaves((64, 40), 8) == ((64, 40),)


def test_list_names_the_classes(folder, capsys):
    assert run(["dream", "--list", "--weights", str(folder)]) == 0
    assert capsys.readouterr().out.splitlines() == ["baroque", "gothic", "../mies"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["missing.jpg", "--class", "fountain"], "missing.jpg does not exist"),
        (["{text}", "--class", "fountain"], "not a picture"),
        (["{china}"], "name a class with --class"),
        ([], "Missing argument 'IMAGE'"),
        (["{china}", "--class", "fontain"], "nearest are: fountain"),
        (["{china}", "--class", "fountain=much"], "weight behind ="),
        (["{china}", "--layer", "blocks.99"], "no such layer"),
        (["{china}", "--layer", "blocks.9:99999"], "channels"),
        (["{china}", "--class", "fountain", "--weights", "alexnet"], "no network called 'alexnet'"),
        (["{china}", "--class", "fountain", "--weights", "hed-vgg16"], "hed-vgg16"),
        (["{china}", "--class", "gothic", "--weights", "no/such"], "not a folder"),
        (["{china}", "--class", "fountain", "--judges", "alexnet"], "no network called 'alexnet'"),
        (["{china}", "--class", "fountain", "--mask", "{black}"], "is white. White is where"),
        (["{china}", "--class", "fountain", "--mask", "{tiny}"], "is 8 x 8 pixels, and"),
        (
            ["{china}", "--class", "fountain", "--mask", "{edge}", "--width", "64", "--height", "64"],
            "behind cropping to 64 x 64 pixels",
        ),
        (["{china}", "--class", "fountain", "--iterations", "0"], "--iterations 0"),
        (["{china}", "--class", "fountain", "--strength", "huge"], "--strength"),
        (["{china}", "--class", "fountain", "--each", "--amplify"], "--amplify"),
        (["{china}", "--class", "fountain", "--each", "-o", "a.png"], "Name a folder"),
        (["{china}", "--class", "fountain", "-o", "{china}"], "one of the inputs"),
        (["{china}", "--class", "fountain", "-o", "house.obj"], "not written as .obj"),
        (
            ["{china}", "--class", "fountain", "--zoom", "2", "--size", "20000", "-o", "film.webp"],
            ".webp holds 16383 a side at most",
        ),
    ],
)
def test_wrong_input_is_refused_in_one_line_and_leaves_nothing(
    arguments, says, small, tmp_path, capsys, monkeypatch
):
    (tmp_path / "text.jpg").write_text("not a picture")
    Image.new("L", (8, 8)).save(tmp_path / "tiny.png")
    names = {"china": small["china"], "text": tmp_path / "text.jpg", "tiny": tmp_path / "tiny.png"}
    for name, cut in (("black", 0), ("edge", 8)):
        names[name] = tmp_path / f"{name}.png"
        mask = np.zeros((64, 96), np.uint8)
        mask[:, :cut] = 255
        Image.fromarray(mask).save(names[name])
    given = [word.format(**names) for word in arguments]
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    output = (
        []
        if "-o" in given
        else ["-o", str(tmp_path / "new" / "result.png" if "--each" not in given else tmp_path / "new")]
    )

    assert run(["dream", *given, "--quiet", *output]) == 2

    shown = capsys.readouterr()
    assert shown.out == ""
    assert len(shown.err.splitlines()) == 1
    assert says in shown.err
    assert sorted(tmp_path.rglob("*")) == before


def test_help_does_not_load_pytorch(program):
    code = (
        "import sys; from techniques.cli import run; run(['dream', '-h']); sys.exit('torch' in sys.modules)"
    )
    shown = subprocess.run(
        [PROGRAM.parent / "python", "-c", code], capture_output=True, text=True, check=False
    )

    assert shown.returncode == 0
    assert "--strength" in shown.stdout


@pytest.mark.gpu
def test_on_a_gpu_the_same_views_are_seen(small, quick, tmp_path):
    need("cuda")
    goals = []
    for device in ("cpu", "cuda"):
        record = dream_files(
            small["china"], output=tmp_path / f"{device}.png", settings=replace(quick, device=device)
        )
        goals.append(record["losses"]["goal"])
    assert goals[0] == pytest.approx(goals[1], rel=0.02, abs=0.05)
