"""Where we are is told by the environment; what is there, by the mounts."""

import json
from pathlib import Path

import pytest

from bootstrap.profiles import NAMES, PROFILES, choose
from tests.bootstrap.homes import Scratch, program, tree
from tests.bootstrap.machine import bare_machine

SEEN = [
    ("gradient", {"PAPERSPACE_NOTEBOOK_REPO_ID": "r1"}),
    ("gradient", {"PAPERSPACE_FQDN": "n1.example"}),
    ("gradient", {"PAPERSPACE_METRIC_WORKLOAD_ID": "w1"}),
    ("gradient", {"DEEPDESIGN_IMAGE": "cu130-notebook"}),
    ("runpod", {"RUNPOD_POD_ID": "p1", "DEEPDESIGN_IMAGE": "cu130-notebook"}),
    ("runpod", {"RUNPOD_ENDPOINT_ID": "e1"}),
    ("vast", {"VAST_CONTAINERLABEL": "C.1", "JUPYTER_TOKEN": "t"}),
    ("jupyterhub", {"JUPYTERHUB_API_TOKEN": "t"}),
    ("sagemaker", {"SAGEMAKER_SPACE_NAME": "s"}),
    ("plain", {}),
    ("plain", {"PAPERSPACE_FQDN": ""}),
    ("plain", {"WORKSPACE": "/workspace"}),
]


@pytest.mark.parametrize(("name", "environment"), SEEN)
def test_the_platform_is_told_by_its_environment(
    scratch: Scratch, name: str, environment: dict[str, str]
) -> None:
    assert choose("auto", environment).name == name
    done = program("plan", "--home", scratch.home, "--json", HOME=str(scratch.home), **environment)
    assert json.loads(done.stdout)["profile"] == name


def test_every_profile_is_recognised_by_some_environment() -> None:
    assert {name for name, _ in SEEN} == {profile.name for profile in PROFILES} == set(NAMES) - {"auto"}


@pytest.mark.parametrize("name", NAMES)
def test_a_profile_that_is_named_stands_before_what_is_seen(name: str) -> None:
    chosen = choose(name, {"RUNPOD_POD_ID": "p1"}).name
    assert chosen == ("runpod" if name == "auto" else name)


@pytest.mark.parametrize("name", ["jupyterhub", "sagemaker"])
def test_where_home_itself_persists_nothing_is_linked_and_commands_are_there(
    scratch: Scratch, name: str
) -> None:
    done = program("apply", "--home", scratch.home, "--profile", name)
    assert done.returncode == 0
    assert "persists by itself" in done.stdout
    assert not [path for path in scratch.home.iterdir() if path.is_symlink()]
    assert (scratch.local / "bin/deepdesign").exists()


@pytest.mark.parametrize(
    ("environment", "folder"),
    [
        ({"PAPERSPACE_FQDN": "x"}, "/storage"),
        ({"RUNPOD_POD_ID": "x"}, "/workspace or /runpod-volume"),
        ({"VAST_CONTAINERLABEL": "x", "WORKSPACE": "/srv/work"}, "/srv/work or /workspace"),
    ],
)
def test_a_folder_where_a_mount_should_be_keeps_nothing_and_that_is_said_once(
    scratch: Scratch, environment: dict[str, str], folder: str
) -> None:
    before = tree(scratch.home)
    told = program("apply", "--home", scratch.home, **environment)
    assert told.returncode == 0
    assert told.stdout.count("\n") == 1
    assert told.stdout.startswith(f"Nothing will persist this time: no storage is mounted at {folder}.")
    assert tree(scratch.home) == before


@pytest.mark.parametrize(
    ("environment", "point"),
    [
        ({"PAPERSPACE_FQDN": "x"}, "/storage"),
        ({"RUNPOD_POD_ID": "x"}, "/workspace"),
        ({"RUNPOD_ENDPOINT_ID": "x"}, "/runpod-volume"),
        ({"VAST_CONTAINERLABEL": "x"}, "/workspace"),
    ],
)
def test_a_mount_at_the_platforms_place_is_used(
    tmp_path: Path, environment: dict[str, str], point: str
) -> None:
    machine = bare_machine(tmp_path)
    done = machine.run_at(point, "mount -t tmpfs none $POINT && deepdesign-bootstrap apply", **environment)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"persists in {point}/cfg" in done.stdout
    assert str((machine.home / ".ssh").readlink()) == f"{point}/cfg/.ssh"
    told = machine.run('. home/.deepdesign/env.sh; echo "$DEEPDESIGN_STORAGE"', DEEPDESIGN_STORAGE="")
    assert told.stdout == f"{point}\n"
