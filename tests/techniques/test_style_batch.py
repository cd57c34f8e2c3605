"""Presets, previews, sweeps, folders and sequences: many pictures, one record, one sheet."""

import json
import os
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from techniques.errors import BadInputError, WorkFailedError
from techniques.pictures import read_picture, save_picture
from techniques.progress import Quiet
from techniques.sizes import result_size
from techniques.style import StyleSettings, stylize
from techniques.style.batch import plan_folder, plan_sweep, run_batch
from techniques.style.job import plan_job
from techniques.style.presets import PRESETS, preset, preview_of
from tests.techniques.conftest import PROGRAM, one_line, thin

QUICK = StyleSettings(size=64, iterations=12, device="cpu")


def files(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def thin_network(monkeypatch):
    """Batches make many pictures: here with a network that is quick and has the same layers."""
    monkeypatch.setattr("techniques.style.run.load_network", lambda weights: thin("vgg16"))


def test_presets_lean_where_they_say():
    subtle, balanced, bold = (preset(name) for name in PRESETS)

    assert balanced == StyleSettings()
    leaning = [one.style_weight / one.content_weight for one in (subtle, balanced, bold)]
    assert leaning == sorted(leaning)
    assert preset("bold", style_weight=7).style_weight == 7
    with pytest.raises(BadInputError, match="subtle, balanced, bold"):
        preset("wild")


def test_a_bolder_preset_makes_a_bolder_picture(small):
    content, style = read_picture(small["china"]), read_picture(small["coffee"])

    made = [
        stylize(content, [style], preset(name, size=64, iterations=30, device="cpu"), network=thin("vgg16"))
        for name in PRESETS
    ]

    for name, order in (("content", 1), ("style", -1)):
        distances = [one.metrics[name] for one in made]
        assert distances == sorted(distances)[::order]


def test_a_preview_is_small_and_otherwise_the_same():
    wanted = StyleSettings(size=2048, style_weight=2, seed=3)

    assert preview_of(wanted, (600, 400)) == replace(wanted, size=224, iterations=40)
    shaped = preview_of(replace(wanted, width=1000, height=500), (600, 400))
    assert (shaped.width, shaped.height) == (224, 112)
    assert preview_of(QUICK, (600, 400)) == QUICK


@pytest.mark.parametrize("content", [(4000, 500), (401, 3999), (1000, 33), (1001, 50)])
def test_a_preview_of_a_panorama_is_no_lower_than_can_be_painted(content):
    for wanted in (StyleSettings(size=4096), StyleSettings(width=2000), StyleSettings(height=1000)):
        small = preview_of(wanted, content)

        size = result_size(content, size=small.size, width=small.width, height=small.height)
        assert min(size) == 32 or max(size) == 224


def test_flags_come_before_the_preset_and_a_preview_says_so(small, program, tmp_path):
    given = ["style", small["china"], small["coffee"], "-o", tmp_path / "a.png", "--iterations", 1]

    done = program(*given, "--preset", "bold", "--content-weight", 9, "--size", 64, "--preview")

    assert done.returncode == 0, done.stderr
    assert "A preview: 64 px at most, 1 steps." in done.stderr
    arguments = json.loads((tmp_path / "a.run.json").read_text())["arguments"]
    assert (arguments["style_weight"], arguments["content_weight"]) == (PRESETS["bold"]["style_weight"], 9)
    assert "--style-weight 3.0" in (tmp_path / "a.html").read_text()


def test_a_sweep_ends_in_a_contact_sheet(small, tmp_path, weights, thin_network):
    batch = plan_sweep(
        small["china"], [small["coffee"]], "0,1,3", output=tmp_path / "out", settings=QUICK, resume=False
    )

    record = run_batch(batch, Quiet())

    names = ["style-weight-0", "style-weight-1", "style-weight-3"]
    assert {f"{name}.png" for name in names} < set(files(tmp_path / "out"))
    assert record == json.loads((tmp_path / "out" / "run.json").read_text())
    assert record["results"][0] == str(tmp_path / "out" / "contact-sheet.png")
    assert [Path(path).name for path in record["results"][2:]] == [f"{name}.png" for name in names]
    assert record["metrics"]["pictures"] == 3
    assert len(set(record["metrics"]["style"])) == 3
    with Image.open(tmp_path / "out" / "contact-sheet.png") as sheet:
        assert sheet.width > 2 * 360
        assert len(sheet.convert("RGB").getcolors(10**6)) > 100
    page = (tmp_path / "out" / "report.html").read_text()
    assert "Style against content" in page
    assert "style-weight 3" in page

    before = (tmp_path / "out" / f"{names[0]}.png").stat().st_mtime_ns
    again = plan_sweep(
        small["china"], [small["coffee"]], "0,1,3", output=tmp_path / "out", settings=QUICK, resume=True
    )
    assert run_batch(again, Quiet())["results"] == record["results"]
    assert (tmp_path / "out" / f"{names[0]}.png").stat().st_mtime_ns == before


def test_a_batch_that_was_interrupted_keeps_its_folder(small, tmp_path, weights, thin_network, monkeypatch):
    monkeypatch.setenv("DEEPDESIGN_OUTPUT", str(tmp_path / "out"))
    (tmp_path / "out").mkdir()
    earlier = tmp_path / "out" / "run.json"
    earlier.write_text(json.dumps({"results": [str(tmp_path / "out" / "result.png")]}))

    class Stopping(Quiet):
        def say(self, text):
            if text.startswith("2 of 2"):
                raise KeyboardInterrupt

    def batch(*, resume=False):
        settings = replace(QUICK, iterations=2)
        return plan_sweep(
            small["china"], [small["coffee"]], "0,1", output=None, settings=settings, resume=resume
        )

    with pytest.raises(KeyboardInterrupt):
        run_batch(batch(), Stopping())

    assert batch().place.result.parent == tmp_path / "out" / "3"
    before = (tmp_path / "out" / "2" / "style-weight-0.png").stat().st_mtime_ns
    record = run_batch(batch(resume=True), Quiet())
    assert record["results"][0] == str(tmp_path / "out" / "2" / "contact-sheet.png")
    assert (tmp_path / "out" / "2" / "style-weight-0.png").stat().st_mtime_ns == before
    assert "result.png" in earlier.read_text()
    assert not list((tmp_path / "out" / "2").glob(".*"))


def test_a_folder_is_made_in_the_order_of_counting(small, tmp_path, weights, thin_network):
    folder = tmp_path / "frames"
    folder.mkdir()
    for number in (10, 9):
        shutil.copy(small["china"], folder / f"frame{number}.png")
    shutil.copy(small["ihc"], folder / "frame9.tif.png")
    (folder / "notes.txt").write_text("no picture")

    batch = plan_folder(
        folder, [small["coffee"]], output=tmp_path / "sheet.png", settings=QUICK, resume=False
    )
    record = run_batch(batch, Quiet())

    made = [Path(path).name for path in record["results"][2:]]
    assert made == ["frame9.png", "frame9.tif.png", "frame10.png"]
    assert {*made, "frame9.run.json", "frame10.html"} < set(files(tmp_path / "sheet"))
    assert (tmp_path / "sheet.png").exists()
    assert (tmp_path / "sheet.run.json").exists()


def test_frames_of_a_sequence_begin_with_the_one_before_and_flicker_less(
    small, tmp_path, weights, thin_network
):
    """The same frame twice, with a little noise: what changes between the results is flicker."""
    folder = tmp_path / "frames"
    folder.mkdir()
    frame = read_picture(small["china"])
    random = np.random.default_rng(1)
    for number in (1, 2):
        noisy = (frame.rgb + random.normal(0, 0.02, frame.rgb.shape)).clip(0, 1).astype(np.float32)
        save_picture(folder / f"{number}.png", replace(frame, rgb=noisy))

    flicker = {}
    for sequence in (False, True):
        batch = plan_folder(
            folder,
            [small["ihc"]],
            output=tmp_path / f"{sequence}",
            settings=replace(QUICK, start="noise", iterations=20),
            resume=False,
            sequence=sequence,
        )
        # Another seed for each frame is what another frame's content does: another way down.
        items = tuple(
            replace(item, settings=replace(item.settings, seed=number))
            for number, item in enumerate(batch.items)
        )
        run_batch(replace(batch, items=items), Quiet())
        one, other = (read_picture(item.output).rgb for item in items)
        flicker[sequence] = np.abs(one - other).mean()

    assert flicker[True] < 0.7 * flicker[False]


def test_finished_pictures_of_other_inputs_are_not_taken_for_these(small, tmp_path, weights, thin_network):
    folder = tmp_path / "frames"
    folder.mkdir()
    for number in (1, 2):
        shutil.copy(small["china"], folder / f"{number}.png")

    def make(*, sequence, resume):
        batch = plan_folder(
            folder,
            [small["ihc"]],
            output=tmp_path / "film",
            settings=replace(QUICK, iterations=2),
            resume=resume,
            sequence=sequence,
        )
        return run_batch(batch, Quiet())

    make(sequence=False, resume=False)
    with pytest.raises(BadInputError, match=r"the frame before changed since the finished run at .*2\.png"):
        make(sequence=True, resume=True)
    shutil.copy(small["coffee"], folder / "1.png")
    with pytest.raises(BadInputError, match=r"the content changed since the finished run at .*1\.png"):
        make(sequence=False, resume=True)


@pytest.mark.parametrize(
    ("how", "says"),
    [
        (lambda t, g: [g, g, "--sweep", "1"], "two or more"),
        (lambda t, g: [g, g, "--sweep", "1,1"], "two or more"),
        (lambda t, g: [g, g, "--sweep", "size=1,2"], "cannot be swept"),
        (lambda t, g: [g, g, "--sweep", "-1,2"], "--style-weight -1"),
        (lambda t, g: [g, g, "--sequence"], "not a folder of frames"),
        (lambda t, g: [t / "work", g], "holds no pictures"),
        (lambda t, g: [g.parent, g, "--sweep", "1,2"], "Name a picture"),
        (lambda t, g: [g.parent, g, "-o", g.parent], "the folder of the content pictures"),
    ],
)
def test_batches_that_cannot_be_meant_are_refused(how, says, small, program, tmp_path):
    given = how(tmp_path, small["china"])
    output = [] if "-o" in given else ["-o", tmp_path / "new"]
    before = sorted(tmp_path.rglob("*"))

    assert says in one_line(program("style", *given, *output), status=2)
    assert sorted(tmp_path.rglob("*")) == before


def test_one_damaged_picture_in_a_folder_is_refused_before_the_work(small, tmp_path):
    (small["china"].parent / "zz.png").write_bytes(b"no picture")

    with pytest.raises(BadInputError, match=r"zz\.png"):
        plan_folder(
            small["china"].parent, [small["coffee"]], output=tmp_path / "o", settings=QUICK, resume=False
        )
    assert not (tmp_path / "o").exists()


def test_pictures_that_nobody_named_replace_no_one_else_s(small, tmp_path):
    (tmp_path / "mine").mkdir()
    own = tmp_path / "mine" / "coffee.png"
    own.write_bytes(b"my own")

    with pytest.raises(BadInputError, match=r"coffee\.png is there, and is not of this result"):
        plan_folder(small["china"].parent, [small["ihc"]], output=own.parent, settings=QUICK, resume=False)
    own.rename(own.with_name("style-weight-1.png"))
    with pytest.raises(BadInputError, match=r"style-weight-1\.png is there"):
        plan_sweep(small["china"], [small["ihc"]], "0,1", output=own.parent, settings=QUICK, resume=False)

    assert files(own.parent) == ["style-weight-1.png"]


def test_a_preview_of_the_work_replaces_no_one_else_s_picture(small, tmp_path):
    own = small["china"].rename(tmp_path / "a.preview.jpg")

    def plan(content):
        plan_job(content, [small["ihc"]], output=tmp_path / "a.png", settings=QUICK, resume=False)

    with pytest.raises(BadInputError, match="is read by this run and would be lost"):
        plan(own)
    with pytest.raises(BadInputError, match="is there, and is not of this result"):
        plan(small["coffee"])
    (tmp_path / ".a.png.checkpoint").touch()  # of a run that was killed, and left it
    plan(small["coffee"])


SCRIPTS = Path(__file__).parents[2] / "techniques" / "scripts"


def course(name, *arguments):
    """Run the course's command called ``name``, as it lies in the repository."""
    environment = {**os.environ, "PATH": f"{PROGRAM.parent}:{os.environ['PATH']}"}
    command = ["bash", SCRIPTS / f"run_2Dneuralstyletransfer_{name}.sh", *arguments]
    return subprocess.run(
        list(map(str, command)), env=environment, capture_output=True, text=True, timeout=600, check=False
    )


def test_the_course_s_command_with_a_mask(small, tmp_path, weights):
    mask = tmp_path / "mask.png"
    Image.new("RGB", read_picture(small["china"]).size, "white").save(mask)

    done = course("withmask", small["china"], small["coffee"], mask, tmp_path / "out", 48, 0.2, 1.0, 5)

    assert done.returncode == 0, done.stderr
    assert "style weight     0.2" in done.stderr
    arguments = json.loads((tmp_path / "out" / "run.json").read_text())["arguments"]
    assert (arguments["mask"], arguments["width"], arguments["iterations"]) == (str(mask), 48, 1)
    assert (arguments["style_weight"], arguments["content_weight"]) == (0.2, 1.0)


def test_the_course_s_commands_for_a_folder_and_without_a_mask(small, tmp_path, weights):
    folder = tmp_path / "frames"
    folder.mkdir()
    shutil.copy(small["china"], folder / "one.png")

    done = course("nomask_contentfolder", folder, small["coffee"], tmp_path / "out", 48, 0.2, 1.0, 5)
    refused = course("nomask", small["china"], small["coffee"], tmp_path / "a.png", 48, 0.2, 1.0, "many")

    assert done.returncode == 0, done.stderr
    assert {"one.png", "contact-sheet.png", "run.json"} < set(files(tmp_path / "out"))
    assert refused.returncode == 2
    assert "whole number, not 'many'" in refused.stderr
    assert course("nomask", small["china"]).returncode == 2


def test_a_run_that_diverges_keeps_the_last_good_picture(small, tmp_path, weights, thin_network, monkeypatch):
    from techniques.style import style_files, transfer

    rated = []

    def rate(*arguments, **options):
        rated.append(rate_truly(*arguments, **options))
        terms = rated[-1]
        return replace(terms, total=terms.total * float("nan")) if len(rated) == 5 else terms

    rate_truly = transfer.rate
    monkeypatch.setattr("techniques.style.transfer.rate", rate)

    (tmp_path / "a.last-good.png").write_bytes(b"of an earlier run")

    with pytest.raises(WorkFailedError, match=r"Step 5 .* last good picture is .*a\.last-good-2\.png"):
        style_files(small["china"], small["coffee"], output=tmp_path / "a.png", settings=QUICK)

    assert read_picture(tmp_path / "a.last-good-2.png").size == (64, 43)
    assert (tmp_path / "a.last-good.png").read_bytes() == b"of an earlier run"
    assert not (tmp_path / "a.png").exists()


def test_a_picture_of_the_work_is_there_while_it_goes_on(small, tmp_path, weights, thin_network, monkeypatch):
    from techniques.style import style_files

    monkeypatch.setattr("techniques.style.preview._FIRST", 0)
    seen = []

    class Watching(Quiet):
        def advance(self, what, done, total, facts):
            seen.append((tmp_path / "a.preview.jpg").exists())

    style_files(
        small["china"], small["coffee"], output=tmp_path / "a.png", settings=QUICK, progress=Watching()
    )

    assert seen[-1]
    assert files(tmp_path) == ["a.html", "a.png", "a.run.json", "small"]
