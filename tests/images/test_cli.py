"""`deepdesign-images` as a program: one plain line and the contract's exit status."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(sys.executable).with_name("deepdesign-images")


def program(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the real program with nothing in the environment but ``environment``."""
    return subprocess.run(
        [PROGRAM, *arguments],
        env={"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def refused(done: subprocess.CompletedProcess[str], status: int) -> str:
    assert done.returncode == status, done.stderr
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1, done.stderr
    return done.stderr


@pytest.fixture
def checkout(tmp_path) -> Path:
    """A folder with every name that an image is made from."""
    root = tmp_path / "checkout"
    for name in ("bootstrap", "techniques", "images/locks", "requirements"):
        (root / name).mkdir(parents=True)
    for name in ("README.md", "LICENSE", "prerun.sh", "requirements/uv.txt", "requirements/build.txt"):
        (root / name).touch()
    for name in ("pyproject.toml", "images/Dockerfile", "images/matrix.yaml"):
        (root / name).write_bytes(Path(name).read_bytes())
    for lock in Path("images/locks").iterdir():
        (root / "images/locks" / lock.name).write_bytes(lock.read_bytes())
    return root


def test_list_says_hardware_and_versions_of_every_image():
    done = program("list", "--json")
    assert done.returncode == 0
    images = [json.loads(line) for line in done.stdout.splitlines()]
    assert {"variant", "flavour", "cuda", "torch", "architectures", "least_driver", "tag"} <= images[0].keys()
    assert all(image["tag"] in program("list").stdout for image in images)


def test_list_says_which_image_runs_on_a_machine_and_why_the_others_do_not():
    done = program("list", "--gpu", "P5000", "--driver", "550", "--json")
    images = [json.loads(line) for line in done.stdout.splitlines()]
    assert {image["variant"] for image in images if image["fits"]} == {"cu126"}
    (why,) = {" ".join(image["obstacles"]) for image in images if not image["fits"]}
    assert "no kernels for sm_61" in why
    assert "needs NVIDIA driver 580 or later, not 550" in why


def test_a_driver_of_no_branch_runs_nothing():
    images = [json.loads(line) for line in program("list", "--driver", "0", "--json").stdout.splitlines()]
    assert not any(image["fits"] for image in images)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["list", "--gpu", "sm_5"], "compute capability"),
        (["list", "--gpu", ""], "compute capability"),
        (["build", "--variant", "cu90"], "choose one of"),
        (["build", "--flavour", "desktop"], "choose one of"),
        (["build", "--colour", "red"], "--colour"),
        (["brew"], "brew"),
        (["build", "--source", "/nonexistent"], "/nonexistent"),
        (["lock", "--variant", "cu90"], "choose one of"),
    ],
)
def test_wrong_arguments_are_told_in_one_line(arguments, told):
    assert told in refused(program(*arguments), 2)


def test_a_folder_that_is_no_checkout_names_what_it_lacks(checkout):
    (checkout / "prerun.sh").unlink()
    assert "prerun.sh" in refused(program("build", "--source", str(checkout)), 2)


@pytest.mark.parametrize("content", [None, b"", b"not a certificate"])
def test_a_ca_that_is_none_is_refused_before_the_engine_is_asked(checkout, tmp_path, content):
    bundle = tmp_path / "ca.pem"
    if content is not None:
        bundle.write_bytes(content)
    assert str(bundle) in refused(program("build", "--source", str(checkout), "--ca", str(bundle)), 2)


def test_a_missing_lock_names_the_command_that_makes_it(checkout):
    (checkout / "images/locks/cu130-torch.txt").unlink()
    assert "deepdesign-images lock" in refused(program("build", "--source", str(checkout)), 2)


def test_no_engine_is_told_in_one_line(checkout, tmp_path):
    nowhere = f"unix://{tmp_path}/docker.sock"
    assert "no Docker engine answers" in refused(
        program("build", "--source", str(checkout), DOCKER_HOST=nowhere), 1
    )
