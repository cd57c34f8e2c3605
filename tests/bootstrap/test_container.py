"""What is a container, and so what came with an image: elsewhere no policy may be passed by."""

import time
from pathlib import Path

import pytest

from bootstrap import container
from tests.bootstrap.homes import Scratch, put

DISK = "22 1 254:0 / / rw,relatime - ext4 /dev/vda rw\n"
LAYERS = "22 1 0:50 / / rw,relatime - overlay overlay rw,lowerdir=/a:/b\n"


@pytest.mark.parametrize(
    ("variables", "files"),
    [
        ({}, {".dockerenv": ""}),
        ({}, {"run/.containerenv": "engine=podman"}),
        ({"container": "oci"}, {}),
        ({"KUBERNETES_SERVICE_HOST": "10.0.0.1"}, {"proc/self/mountinfo": DISK}),  # a root on a disk: Kata
        ({}, {"proc/self/mountinfo": LAYERS, "proc/1/cgroup": "0::/\n"}),
        ({}, {"proc/1/cgroup": "4:memory:/kubepods/burstable/pod1/2\n", "proc/self/mountinfo": DISK}),
    ],
)
def test_every_engine_leaves_a_sign(tmp_path: Path, variables: dict[str, str], files: dict[str, str]) -> None:
    for name, text in files.items():
        put(tmp_path / name, text)
    assert container.is_container(variables, str(tmp_path))


@pytest.mark.parametrize("variables", [{}, {"container": "lxc"}, {"KUBERNETES_SERVICE_HOST": ""}])
@pytest.mark.parametrize("group", ["0::/init.scope\n", "9:name=systemd:/\n", "0::/\n"])
def test_a_machine_of_its_own_is_none(tmp_path: Path, variables: dict[str, str], group: str) -> None:
    put(tmp_path / "proc/self/mountinfo", DISK)
    put(tmp_path / "proc/1/cgroup", group)
    assert not container.is_container(variables, str(tmp_path))


def test_what_is_older_than_the_start_came_with_the_image(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(container, "is_container", lambda: True)
    assert 0 < container.started() < time.time()
    assert container.started("/proc") == 0  # a mount of its own: none of it came with the image
    monkeypatch.setattr(container, "is_container", lambda: False)
    assert container.started() == 0


@pytest.mark.parametrize("policy", ["home", "merge", "stop"])
def test_the_policy_counts_on_a_machine_that_was_started_again(
    scratch: Scratch, policy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = container._lines
    monkeypatch.setattr(container, "_DOCKERS", "/nowhere")
    # The machine started after all that home has was written.
    monkeypatch.setattr(
        container,
        "_lines",
        lambda path: iter(["btime 9000000000\n"]) if path == "/proc/stat" else lines(path),
    )
    monkeypatch.setattr(container, "is_container", lambda: False)
    scratch.settings(f"conflict: {policy}\n")
    put(scratch.cfg / ".gitconfig", "storage's")
    put(scratch.home / ".gitconfig", "home's")
    result = scratch.apply()
    assert result.status == (policy == "stop")
    assert (scratch.home / ".gitconfig").read_text() == "home's"
    assert (scratch.cfg / ".gitconfig").read_text() == ("storage's" if policy == "stop" else "home's")
