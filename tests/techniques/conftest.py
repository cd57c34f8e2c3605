"""The installed program, the real network, and small versions of real photographs."""

import os
import subprocess
import sysconfig
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from PIL import Image

PROGRAM = Path(sysconfig.get_path("scripts")) / "deepdesign"

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def weights():
    """The network that `--weights auto` takes; the one thing that a test may fetch from outside."""
    from techniques.networks import NETWORKS
    from techniques.weights import obtain

    return obtain("auto", networks=tuple(NETWORKS), announce=print, report=lambda *_: None)


@pytest.fixture(scope="session")
def network(weights):
    from techniques.networks import load_network

    return load_network(weights)


@pytest.fixture
def small(photos, tmp_path) -> Mapping[str, Path]:
    """The real photographs, 96 px on the longer side, as PNG."""
    folder = tmp_path / "small"
    folder.mkdir()
    found = {}
    for name in ("china", "coffee", "ihc"):
        found[name] = folder / f"{name}.png"
        with Image.open(photos[name]) as picture:
            small = picture.convert("RGB")
            small.thumbnail((96, 96), Image.Resampling.LANCZOS)
            small.save(found[name])
    return found


@pytest.fixture
def program(tmp_path) -> Run:
    """Run the installed `deepdesign` as a person would, in an empty folder."""
    folder = tmp_path / "work"
    folder.mkdir()

    def run(*arguments: object, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [PROGRAM, *map(str, arguments)],
            cwd=folder,
            env={**os.environ, **variables},
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )

    return run


def thin(topology):
    """The layers of a VGG network with an eighth of its channels and random weights: reach and strides are
    those of the real one, for a fiftieth of the work.
    """
    import torch
    from torchvision.models.vgg import cfgs, make_layers

    from techniques.networks import NETWORKS, FeatureNetwork
    from techniques.weights import InputConvention

    random = torch.Generator().manual_seed(0)
    layers = make_layers([one if one == "M" else one // 8 for one in cfgs[NETWORKS[topology]]])
    for layer in layers:
        if isinstance(layer, torch.nn.Conv2d):
            torch.nn.init.kaiming_normal_(layer.weight, generator=random)
            torch.nn.init.normal_(layer.bias, std=0.1, generator=random)
    return FeatureNetwork(layers, InputConvention("RGB", 1, (0.5, 0.5, 0.5), (0.2, 0.2, 0.2)))


@pytest.fixture
def here(tmp_path, monkeypatch, capsys) -> Run:
    """The same without a process of its own: for the many cases that differ in a word or two."""
    from techniques.cli import run

    folder = tmp_path / "work"
    folder.mkdir(exist_ok=True)

    def call(*arguments: object, **variables: str) -> subprocess.CompletedProcess[str]:
        given = list(map(str, arguments))
        capsys.readouterr()
        with monkeypatch.context() as patched:
            patched.chdir(folder)
            for name, value in variables.items():
                patched.setenv(name, value)
            status = run(given)
        said = capsys.readouterr()
        return subprocess.CompletedProcess(given, status, said.out, said.err)

    return call


def one_line(finished: subprocess.CompletedProcess[str], *, status: int) -> str:
    """The single line on standard error of a program that was refused, after checking that it was one."""
    assert finished.returncode == status, finished.stderr
    lines = finished.stderr.splitlines()
    assert len(lines) == 1, finished.stderr
    assert finished.stdout == ""
    return lines[0]
