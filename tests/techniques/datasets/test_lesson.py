"""The README's lesson, offline: a class list becomes a trained classifier and a dream, with credits."""

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from techniques.datasets.testkit.commons import FakeCommons
from techniques.datasets.testkit.corpus import Work
from techniques.datasets.testkit.files import FakeFiles
from techniques.datasets.testkit.openverse import FakeOpenverse
from tests.techniques.conftest import Run

README = Path(__file__).parents[3] / "README.md"
# What a test changes of the commands that students type: smaller, and from the servers here.
SMALLER = {
    "collect": ["--per-class", "10", "--keep-near", "--allow-private"],
    "train": ["--epochs", "1", "--size", "64", "--weights", "none", "--arch", "mobilenet_v2"],
    "dream": ["--width", "64", "--height", "64", "--iterations", "2", "--judges", "none"],
}  # fmt: skip


@pytest.fixture
def endpoints(works: list[Work]) -> Iterator[list[str]]:
    many = [Work(**{**vars(work), "creator": f"Photographer {work.number}"}) for work in works]
    with (
        FakeFiles(many) as files,
        FakeOpenverse(many, files.url) as openverse,
        FakeCommons(many, files.url) as commons,
    ):
        yield ["--endpoint", f"openverse={openverse.endpoint}", "--endpoint", f"commons={commons.endpoint}"]
        assert openverse.refused == commons.refused == files.refused == []


def _lesson() -> list[list[str]]:
    text = README.read_text()
    block = re.search(r"```sh\n(deepdesign collect .*?)```", text, re.DOTALL)
    assert block is not None
    return [shlex.split(line, comments=True)[1:] for line in block.group(1).splitlines() if line]


@pytest.mark.xdist_group("weights")
def test_a_class_list_becomes_a_trained_network_and_a_dream(
    here: Run, endpoints: list[str], photos: dict[str, Path], tmp_path: Path
) -> None:
    folder = tmp_path / "work"
    (folder / "classes.txt").write_text("gothic\ndome\n")
    (folder / "photo.jpg").write_bytes(photos["china"].read_bytes())
    commands = _lesson()
    assert [command[0] for command in commands] == ["collect", "dataset", "train", "dream", "dataset"]
    for command in commands:
        extra = SMALLER.get(command[0], []) + (endpoints if command[0] == "collect" else [])
        # The last of an option that is given twice counts.
        finished = here(*command, *extra)
        assert finished.returncode == 0, f"{command}: {finished.stderr}"
    assert json.loads((folder / "dream.run.json").read_text())["command"] == "dream"
    assert "gothic" in finished.stdout or "pictures" in finished.stdout
