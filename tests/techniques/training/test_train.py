"""`deepdesign train`, from a folder of pictures to a classifier that others can use."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from techniques import cli
from techniques.classifiers.classifier import from_folder
from techniques.errors import BadInputError, InterruptedRunError, WorkFailedError
from techniques.pictures import read_picture
from techniques.training.run import train_folder
from techniques.training.settings import TrainSettings
from tests.needs import need
from tests.techniques.conftest import PROGRAM, one_line
from tests.techniques.training.conftest import noise, save

SMALL = {"arch": "mobilenet_v3_small", "weights": "none", "size": 32, "batch_size": 4, "judge": "none"}
FLAGS = "--arch mobilenet_v3_small --weights none --size 32 --batch-size 4 --judge none".split()  # noqa: SIM905


@pytest.fixture(scope="session")
def tinted(tmp_path_factory) -> Path:
    """Three classes that differ in colour: reddish, greenish, bluish blobs; ten pictures each."""
    root = tmp_path_factory.mktemp("tinted") / "set"
    for label, name in enumerate(("blue", "green", "red")):
        tint = [(0.1, 0.2, 1.0), (0.2, 1.0, 0.1), (1.0, 0.1, 0.2)][label]
        for number in range(10):
            save(noise(1000 * label + number, tint=tint), root / name / f"{number}.png")
    return root


@pytest.fixture(scope="session")
def trained(tinted, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("weights") / "tinted"
    train_folder(tinted, output=folder, settings=TrainSettings(**SMALL, epochs=2))
    return folder


class Listener:
    """A progress that remembers what was said, and calls ``then`` when a sentence begins with ``at``."""

    def __init__(self, at="", then=lambda: None):
        self.said, self._at, self._then = [], at, then

    def say(self, text):
        self.said.append(text)
        if self._at and text.startswith(self._at):
            self._then()

    def advance(self, what, done, total, facts):
        pass

    def end(self):
        pass


# What Python runs first in every process: an error in the second one only, in the middle of the work.
_ONE_FAILS = """
import os
if os.environ.get("RANK") == "1":
    from techniques.errors import WorkFailedError
    from techniques.training import trainer

    def fails(self, *_):
        raise WorkFailedError("The card of process 1 fell off the bus.")

    trainer.Trainer._one_step = fails
"""


def tensors(folder):
    return load_file(folder / "weights.safetensors")


def same(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def test_one_command_makes_a_folder_that_classify_reads(program, tinted, tmp_path):
    finished = program("train", tinted, *FLAGS, "--epochs", 1, DEEPDESIGN_DATA=str(tmp_path / "data"))

    assert finished.returncode == 0, finished.stderr
    folder = tmp_path / "data" / "weights" / "set"
    assert finished.stdout.splitlines()[0] == str(folder / "weights.safetensors")
    assert f"tensorboard --logdir {folder / 'tensorboard'} --port 6006" in finished.stderr
    record = json.loads((folder / "run.json").read_text())
    for key in ("arguments", "seed", "device", "weights", "versions", "results", "metrics", "seconds"):
        assert key in record
    assert record["command"] == "train"
    assert all(Path(path).is_file() for path in record["results"])
    assert not (folder / ".deepdesign.checkpoint").exists()

    named = program("classify", tinted / "red" / "0.png", "--weights", folder, "--json")

    assert named.returncode == 0, named.stderr
    assert "blue" in named.stdout


def test_a_second_training_takes_a_folder_of_its_own(program, tinted, tmp_path, trained):
    first = tmp_path / "data" / "weights" / "set"
    shutil.copytree(trained, first)

    finished = program(
        "train", tinted, *FLAGS, "--epochs", 1, "--json", "--quiet", DEEPDESIGN_DATA=str(tmp_path / "data")
    )

    assert finished.returncode == 0, finished.stderr
    record = json.loads(finished.stdout.splitlines()[-1])
    assert record["results"][0] == str(first / "2" / "weights.safetensors")
    assert same(tensors(first), tensors(trained))


def test_what_lies_in_the_folder_already_stays(tinted, tmp_path):
    folder = tmp_path / "w"
    for name in ("record.yaml", "tensorboard/events.out.tfevents.1.mine"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("my own")
    settings = TrainSettings(**SMALL, epochs=1)

    with pytest.raises(BadInputError, match=r"record\.yaml is there, and is not of this result"):
        train_folder(tinted, output=folder, settings=settings)
    assert (folder / "record.yaml").read_text() == "my own"
    (folder / "record.yaml").unlink()
    for _ in range(2):
        train_folder(tinted, output=folder, settings=settings)

    assert (folder / "tensorboard" / "events.out.tfevents.1.mine").read_text() == "my own"
    assert len(list((folder / "tensorboard").iterdir())) == 2  # of the first training none are left


def test_the_figures_are_those_of_classifying_the_held_out_pictures(tinted, tmp_path):
    shutil.copytree(tinted, tmp_path / "set" / "train")
    for label, name in enumerate(("blue", "green", "red")):
        for number in range(4):
            save(noise(50 * label + number + 7, (90, 64)), tmp_path / "set" / "test" / name / f"{number}.jpg")

    record = train_folder(tmp_path / "set", output=tmp_path / "w", settings=TrainSettings(**SMALL, epochs=1))

    classifier = from_folder(tmp_path / "w")
    files = sorted((tmp_path / "set" / "test").rglob("*.jpg"))
    right = sum(
        classifier.classes[int(classifier.probabilities(read_picture(path)).argmax())] == path.parent.name
        for path in files
    )
    assert record["metrics"]["test_accuracy"] == right / len(files)


def test_the_same_seed_trains_the_same_weights_and_another_seed_others(tinted, trained, tmp_path):
    train_folder(tinted, output=tmp_path / "again", settings=TrainSettings(**SMALL, epochs=2))
    train_folder(tinted, output=tmp_path / "other", settings=TrainSettings(**SMALL, epochs=2, seed=1))

    assert same(tensors(tmp_path / "again"), tensors(trained))
    assert not same(tensors(tmp_path / "other"), tensors(trained))


def test_killed_at_any_moment_and_resumed_it_ends_with_the_same_bits(tinted, trained, tmp_path):
    folder = tmp_path / "killed"
    command = [PROGRAM, "train", tinted, *FLAGS, "--epochs", "2", "-o", folder]
    environment = {**os.environ, "OMP_NUM_THREADS": str(torch.get_num_threads())}
    # Behind each epoch's line a checkpoint is offered; the first is due a second after the start.
    running = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
    limit = time.monotonic() + 300
    while not (folder / ".deepdesign.checkpoint").exists() and running.poll() is None:
        assert time.monotonic() < limit
        time.sleep(0.01)
    running.send_signal(signal.SIGKILL)
    running.communicate()

    finished = subprocess.run(
        [*command, "--resume"], env=environment, capture_output=True, text=True, check=True, timeout=600
    )

    assert "Going on in epoch" in finished.stderr or "finished already" in finished.stderr
    assert same(tensors(folder), tensors(trained))


@pytest.mark.parametrize("step", [1, 5, 6, 8])
def test_interrupted_behind_any_step_and_resumed_it_ends_with_the_same_bits(
    tinted, trained, tmp_path, monkeypatch, step
):
    from techniques.training import run

    show = run._show

    def stop(pause, said):
        show(pause, said)
        if pause.done == step:
            os.kill(os.getpid(), signal.SIGTERM)

    settings = TrainSettings(**SMALL, epochs=2)
    monkeypatch.setattr(run, "_show", stop)
    with pytest.raises(InterruptedRunError, match=f"behind step {step} of 12"):
        train_folder(tinted, output=tmp_path / "w", settings=settings)
    monkeypatch.setattr(run, "_show", show)
    with pytest.raises(BadInputError, match="--batch-size was 4 in the interrupted run and is 5 now"):
        train_folder(
            tinted, output=tmp_path / "w", settings=TrainSettings(**{**SMALL, "batch_size": 5}, epochs=2),
            resume=True,
        )  # fmt: skip

    train_folder(tinted, output=tmp_path / "w", settings=settings, resume=True)

    assert same(tensors(tmp_path / "w"), tensors(trained))


def test_two_processes_train_what_one_does_at_the_same_batch(tinted, tmp_path):
    # From scratch: batch statistics, dropout and gradients are all shared.
    alone, two = tmp_path / "alone", tmp_path / "two"
    train_folder(tinted, output=alone, settings=TrainSettings(**SMALL, epochs=1, device="cpu"))
    finished = subprocess.run(
        [
            sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2",
            "--no-python", PROGRAM, "train", tinted, *FLAGS, "--epochs", "1", "-o", two, "--device", "cpu",
        ],
        env={**os.environ, "OMP_NUM_THREADS": "1"}, capture_output=True, text=True, timeout=600, check=False,
    )  # fmt: skip

    assert finished.returncode == 0, finished.stderr
    assert finished.stdout.count("weights.safetensors") == 1  # one process speaks for both
    records = [json.loads((folder / "run.json").read_text()) for folder in (alone, two)]
    assert [record["processes"] for record in records] == [1, 2]
    for figure in ("loss", "accuracy", "val_loss", "val_accuracy"):
        one, both = (record["losses"][0][figure] for record in records)
        assert both == pytest.approx(one, rel=1e-3), figure
    # Sums in another order differ in the last bits, which Adam's steps magnify: small beside what was learnt.
    one, both = tensors(alone), tensors(two)
    apart = sum(float((both[name].double() - one[name].double()).square().sum()) for name in one)
    size = sum(float(one[name].double().square().sum()) for name in one)
    assert (apart / size) ** 0.5 < 5e-3


def test_a_mistake_under_torchrun_is_said_once(tmp_path):
    finished = subprocess.run(
        [
            sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2",
            "--no-python", PROGRAM, "train", tmp_path / "nowhere", "--device", "cpu",
        ],
        capture_output=True, text=True, timeout=600, check=False,
    )  # fmt: skip

    assert finished.returncode != 0
    assert finished.stderr.count("nowhere does not exist") == 1


def test_an_error_of_one_process_ends_both_and_is_said_once(tinted, tmp_path):
    (tmp_path / "sitecustomize.py").write_text(_ONE_FAILS)
    finished = subprocess.run(
        [
            sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2",
            "--no-python", PROGRAM, "train", tinted, *FLAGS, "--epochs", "1", "-o", tmp_path / "w",
            "--device", "cpu",
        ],
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(tmp_path)},
        capture_output=True, text=True, timeout=600, check=False,
    )  # fmt: skip

    assert finished.returncode != 0
    said = [line for line in finished.stderr.splitlines() if line.startswith("Error: ")]
    assert said == ["Error: The card of process 1 fell off the bus."]
    assert not (tmp_path / "w" / "record.yaml").exists()


@pytest.mark.gpu
def test_on_a_gpu_it_learns_what_a_processor_learns(tinted, tmp_path):
    need("cuda")
    losses = []
    for device in ("cpu", "cuda"):
        settings = TrainSettings(**SMALL, epochs=2, device=device, precision="float32")
        record = train_folder(tinted, output=tmp_path / device, settings=settings)
        losses.append([epoch["loss"] for epoch in record["losses"]])
    assert losses[0] == pytest.approx(losses[1], rel=0.05)


def test_the_record_names_the_precision_that_was_used(plain, tmp_path):
    settings = TrainSettings(**SMALL, epochs=1, device="cpu", precision="bfloat16")

    record = train_folder(plain, output=tmp_path / "w", settings=settings)

    assert record["machine"].endswith("bfloat16")
    assert train_folder(plain, output=tmp_path / "w", settings=settings, resume=True) == record


def test_the_curves_are_there_for_tensorboard(trained):
    curves = EventAccumulator(str(trained / "tensorboard"))
    curves.Reload()

    record = json.loads((trained / "run.json").read_text())
    points = curves.Scalars("loss/held out")
    assert [point.step for point in points] == [6, 12]
    assert [point.value for point in points] == pytest.approx([e["val_loss"] for e in record["losses"]])


def test_the_last_layer_learns_first_and_the_others_keep_what_they_know(tinted, tmp_path, trained):
    settings = TrainSettings(
        epochs=1, size=32, batch_size=8, weights=str(trained), new_head=True, judge="none"
    )
    train_folder(tinted, output=tmp_path / "w", settings=settings)

    before, after = tensors(trained), tensors(tmp_path / "w")
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert changed == {"classifier.3.weight", "classifier.3.bias"}


def test_real_weights_tell_real_photographs_apart(photos, tmp_path):
    from PIL import Image

    for name in ("china", "chelsea", "coffee"):
        with Image.open(photos[name]) as photograph:
            for part, left in (("train", 0), ("test", photograph.width // 2)):
                for number in range(8):
                    x, y = left + 12 * number, 15 * number
                    patch = photograph.convert("RGB").crop((x, y, x + 112, y + 112))
                    save(patch, tmp_path / "set" / part / name / f"{number}.png")

    settings = TrainSettings(epochs=2, head_epochs=2, size=64, batch_size=6, learning_rate=0.01, judge="none")
    record = train_folder(tmp_path / "set", output=tmp_path / "w", settings=settings)

    assert record["weights"]["sha256"]
    assert record["metrics"]["test_accuracy"] >= 0.8


def test_a_dataset_that_changes_is_named_in_the_record(tinted, tmp_path):
    shutil.copytree(tinted, tmp_path / "set")

    def meddle():
        save(noise(5), tmp_path / "set" / "red" / "0.png")
        (tmp_path / "set" / "red" / "1.png").unlink()
        save(noise(6), tmp_path / "set" / "red" / "new.png")

    record = train_folder(
        tmp_path / "set",
        output=tmp_path / "w",
        settings=TrainSettings(**SMALL, epochs=1),
        progress=Listener("Epoch 1 of 1", meddle),
    )

    assert record["dataset"]["problems"] == {
        "changed": ["red/0.png"],
        "vanished": ["red/1.png"],
        "added": ["red/new.png"],
    }
    with pytest.raises(BadInputError, match="the dataset changed since the finished run"):
        train_folder(
            tmp_path / "set", output=tmp_path / "w", settings=TrainSettings(**SMALL, epochs=1), resume=True
        )


def test_one_picture_a_class_trains_and_claims_nothing(tmp_path):
    for name in ("a", "b"):
        save(noise(ord(name)), tmp_path / "set" / name / "1.png")

    record = train_folder(tmp_path / "set", output=tmp_path / "w", settings=TrainSettings(**SMALL, epochs=1))

    assert record["metrics"]["accuracy"] is None
    assert record["dataset"]["problems"] == {"few": ["a", "b"]}


def test_a_loss_that_is_no_number_stops_with_advice(tinted, tmp_path):
    settings = TrainSettings(**SMALL, epochs=5, learning_rate=1e30)

    with pytest.raises(
        WorkFailedError, match=r"not a number any more\. Start again with a lower --learning-rate"
    ):
        train_folder(tinted, output=tmp_path / "w", settings=settings)

    assert not (tmp_path / "w" / "record.yaml").exists()


def test_a_full_disk_stops_with_one_line(tinted, tmp_path):
    # A limit on the size of files is what a quota looks like to a program.
    finished = subprocess.run(
        ["bash", "-c", 'ulimit -f 2000; exec "$@"', "bash", PROGRAM, "train", tinted, *FLAGS, "--quiet",
         "--epochs", "1", "-o", tmp_path / "w"],
        capture_output=True, text=True, timeout=600, check=False,
    )  # fmt: skip

    assert "the disk is full" in one_line(finished, status=1)
    assert not (tmp_path / "w" / "record.yaml").exists()


def test_weights_of_other_classes_are_refused_unless_a_new_head_is_asked_for(plain, trained, tmp_path):
    settings = TrainSettings(epochs=1, size=32, weights=str(trained))

    with pytest.raises(
        BadInputError, match=r"knows other classes \(blue, green, red\) than .*\(brick, grass\)"
    ):
        train_folder(plain, output=tmp_path / "w", settings=settings)

    assert not (tmp_path / "w").exists()


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--arch", "resnet19"], "There is no architecture called 'resnet19'"),
        (["--arch", "squeezenet1_1"], "no trained weights for it. Say --weights none"),
        (["--weights", "mobilenet-v2", "--arch", "resnet18"], "is a mobilenet_v2, and --arch says resnet18"),
        (["--weights", "./nowhere"], "is not a folder"),
        (["--weights", "none", "--size", "16"], "16 x 16 pixels are too few for mobilenet_v2"),
        (["--epochs", "0"], "--epochs 0: give a whole number from 1 up"),
        (["--learning-rate", "nan"], "--learning-rate nan"),
        (["--validation", "0.9"], "--validation 0.9: give a share from 0 to 0.5"),
        (["-o", "{set}/out"], "is inside the dataset"),
        (["-o", "{set}/brick/0.png"], "is a file. Name a folder"),
    ],
)
def test_wrong_arguments_are_one_line_and_nothing_written(plain, tmp_path, capsys, flags, said):
    before = sorted(plain.rglob("*"))
    chosen = [flag.format(set=plain) for flag in flags]
    output = [] if "-o" in flags else ["-o", tmp_path / "w"]

    status = cli.run(["train", str(plain), *chosen, *map(str, output), "--quiet"])

    told = capsys.readouterr()
    assert (status, told.out, len(told.err.splitlines())) == (2, "", 1)
    assert said in told.err
    assert not (tmp_path / "w").exists()
    assert sorted(plain.rglob("*")) == before


@pytest.mark.parametrize("name", ["run_2Ddeepdream_training.sh", "run_2Dclassbaseddeepdream_training.sh"])
def test_the_courses_commands_hand_on_what_they_understood(tinted, tmp_path, name):
    # A program in deepdesign's place that only says what it was called with.
    scripts = tmp_path / "bin"
    scripts.mkdir()
    for script in (Path(__file__).parents[3] / "techniques" / "scripts").glob("run_2D*training.sh"):
        shutil.copy(script, scripts)
    (scripts / "deepdesign").write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    (scripts / "deepdesign").chmod(0o755)

    def call(*arguments):
        return subprocess.run(
            ["bash", scripts / name, *arguments], cwd=tmp_path, capture_output=True, text=True, check=False
        )

    long = call("/storage/my buildings", "25", "/storage/weights", "400", "600")
    assert long.stdout.splitlines() == [
        "train", "--epochs", "25", "-o", "/storage/weights", "--height", "400", "--width", "600",
        "--", "/storage/my buildings",
    ]  # fmt: skip
    assert "400 pixels high, 600 wide" in long.stderr
    assert call("set", "3", "weights").stdout.split() == "train --epochs 3 -o weights -- set".split()  # noqa: SIM905
    assert call("set", "3").returncode == 2
    assert "TRAIN_DIR EPOCHS WEIGHTS_DIR [HEIGHT WIDTH]" in call().stderr
