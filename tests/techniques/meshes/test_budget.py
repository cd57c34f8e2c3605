"""The memory of work on a mesh: said before it begins, refused if it cannot fit, named if it runs out."""

import json

import pytest
import torch
from PIL import Image

from techniques.cli import run as deepdesign
from techniques.device import choose_device
from techniques.errors import BadInputError, WorkFailedError
from techniques.meshes import budget
from techniques.meshes.budget import Budget, Costs
from techniques.meshes.obj_write import write_obj
from techniques.meshes.shapes import icosphere
from techniques.raster.backend import TorchRasteriser

COSTS = Costs(pixel=1000, triangle=100, texel=10, fixed=1 << 20)


def planned(**amounts):
    given = {"pixels": 0, "triangles": 0, "texels": 0, **amounts}
    return Budget.of(COSTS, choose_device("cpu", "float32"), **given, advice="Take fewer --views.")


def test_every_part_of_the_work_counts(monkeypatch):
    monkeypatch.setattr(budget, "limit_for", lambda *_: 1 << 30)
    assert planned().estimate == 1 << 20
    assert planned(pixels=5, triangles=4, texels=3).estimate == (1 << 20) + 5000 + 400 + 30
    assert str(planned(pixels=200_000)) == "Memory: about 191 MB of 1.0 GB."
    assert planned(pixels=200_000).record() == {"limit_mb": 1024, "estimate_mb": 191}


def test_work_that_will_not_fit_is_refused_before_it_begins(monkeypatch):
    monkeypatch.setattr(budget, "limit_for", lambda *_: 100 << 20)
    with pytest.raises(BadInputError, match=r"about 191 MB of memory, and there are 100 MB. Take fewer --v"):
        planned(pixels=200_000)


@pytest.mark.parametrize("error", [MemoryError(), RuntimeError("DefaultCPUAllocator: can't allocate memory")])
def test_memory_that_runs_out_is_one_line_with_what_to_do(error):
    with pytest.raises(WorkFailedError, match=r"^Memory ran out.*Take fewer --views\.$"), planned().kept():
        raise error


def test_other_errors_are_left_alone():
    with pytest.raises(RuntimeError, match="a bug"), planned().kept():
        raise RuntimeError("a bug")


@pytest.fixture
def command(tmp_path, capsys):
    """A short mesh-fit, run as a program is: the line it ends with and its exit status."""
    write_obj(tmp_path / "ball.obj", icosphere(2))
    Image.new("L", (32, 32), 255).save(tmp_path / "guide.png")
    Image.new("L", (16, 20), 0).save(tmp_path / "shape.png")
    with Image.open(tmp_path / "guide.png") as guide, Image.open(tmp_path / "shape.png") as shape:
        guide.paste(shape, (8, 6))
        guide.save(tmp_path / "guide.png")
    words = ["mesh-fit", "ball.obj", "guide.png", "--size", "32", "--iterations", "4", "--no-turntable"]

    def run():
        status = deepdesign([*words, "-o", "out.obj"])
        return status, capsys.readouterr().err

    return run


def test_a_command_says_its_plan_and_keeps_it(command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    status, said = command()
    record = json.loads((tmp_path / "out.run.json").read_text())
    assert status == 0
    assert "Memory: about " in said
    assert record["memory"]["estimate_mb"] < record["memory"]["limit_mb"]


def test_a_command_without_room_is_refused_and_one_that_runs_out_fails(command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(budget, "limit_for", lambda *_: 1 << 20)
    status, said = command()
    assert status == 2
    assert "Choose a smaller --size" in said.splitlines()[-1]
    monkeypatch.undo()
    monkeypatch.chdir(tmp_path)

    def gone(*_, **__):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")

    monkeypatch.setattr(TorchRasteriser, "antialias", gone)
    status, said = command()
    assert status == 1
    assert "Memory ran out" in said.splitlines()[-1]
    assert "Traceback" not in said
