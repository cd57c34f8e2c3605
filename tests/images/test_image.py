"""The image in a real engine: every promise of `deepdesign-images test`, and what only a test can ask."""

import json
import os
import re
import shutil
import subprocess
from dataclasses import replace

import pytest

from images import build, container, project, releases
from images.base import provide
from images.checks import EVERY_IMAGE, NOTEBOOKS, checks
from images.checks.configuration import layers
from images.platforms import GRADIENT
from images.weights import gathered
from tests.images.conftest import PROGRAM
from tests.images.conftest import build as build_image
from tests.images.test_info import stub

pytestmark = [pytest.mark.docker, pytest.mark.xdist_group("docker")]


@pytest.mark.parametrize("name", [*EVERY_IMAGE, *NOTEBOOKS])
def test_the_image_keeps_its_promise(name, subject):
    checks(subject.choice.flavour)[name](subject)


def test_the_images_own_command_starts_jupyter(subject):
    """Where a platform's Command field is left empty and the image's is taken."""
    with container.started(subject.client, subject.image, GRADIENT, command=None) as running:
        assert running.jupyter().get("/api/status")["kernels"] == 0


def test_jupyter_refuses_those_without_the_token(subject):
    with subject.started() as running:
        jupyter = running.jupyter()
        assert not container.JupyterServer(jupyter.address, "wrong").answers()
        assert not container.JupyterServer(jupyter.address, "").answers()


@pytest.mark.parametrize(
    ("command", "is_a_start"),
    [
        ("jupyter lab --allow-root", True),
        ("PIP_DISABLE_PIP_VERSION_CHECK=1 jupyter lab", True),
        ("cd /notebooks; /opt/deepdesign/bin/jupyter-lab --port 6006", True),
        ("python -m jupyterlab", True),
        ("deepdesign style /storage/jupyter-photos/a.jpg b.jpg", False),
        ("cat /storage/notes-on-jupyter.txt", False),
        ("python train.py", False),
    ],
)
def test_hooks_run_for_a_jupyter_only(subject, command, is_a_start):
    with subject.volume() as storage:
        subject.write(storage, {"pre-run.sh": "export GREETING=hello\n"})
        # The shell says what it was given and ends before the command, which stands in its text.
        said = subject.output(
            "sh",
            "-c",
            f"echo seen:${{GREETING-nothing}}; exit\n{command}",
            volumes={storage: {"bind": "/storage"}},
        )
    assert f"seen:{'hello' if is_a_start else 'nothing'}" in said


def test_the_image_asks_the_driver_library_that_the_runtime_mounts(subject, tmp_path):
    mounted = {str(tmp_path): {"bind": "/usr/local/nvidia/lib64", "mode": "ro"}}
    stub(tmp_path, 13000)
    assert "runs this image" in subject.output("deepdesign-image-info", "--check", volumes=mounted)
    stub(tmp_path, 12040)
    told = subject.output("sh", "-c", "deepdesign-image-info --check; test $? = 1", volumes=mounted)
    assert "Take cu126-notebook" in told


def test_the_image_says_what_has_changed_since_the_last_version(subject, tmp_path):
    """The same image with the manifest of an older version beside it, as a release commits it."""
    assert "changes: this is the first version" in subject.output("deepdesign-image-info")
    choice = subject.choice
    older = releases.manifest(choice).replace("torch==2.14.1", "torch==2.14.0") + "dropped==1.0\n"
    (tmp_path / "0.0.9").mkdir()
    (tmp_path / "0.0.9" / f"{choice.name}.txt").write_text(older)
    package = f"/opt/deepdesign/lib/python{choice.base.python}/site-packages/images/releases"
    mounted = {str(tmp_path): {"bind": package, "mode": "ro"}}
    said = json.loads(subject.output("deepdesign-image-info", "--json", volumes=mounted))
    assert said["since"] == {"version": "0.0.9", "changes": ["dropped 1.0 is gone", "torch 2.14.0 -> 2.14.1"]}
    assert "since 0.0.9: dropped 1.0 is gone" in subject.output("deepdesign-image-info", volumes=mounted)


def test_a_secret_of_the_build_is_in_no_layer(subject, secret):
    """All layers and the whole history, byte by byte, as `docker save` gives them."""
    needle, seen, kept = secret.encode(), 0, b""
    for chunk in subject.client.images.get(subject.image).save(chunk_size=16 * 2**20):
        seen += len(chunk)
        assert needle not in kept + chunk
        kept = chunk[-len(needle) :]
    assert seen > 5e9, "the torch layer alone is larger than what was looked through"


def test_building_again_changes_nothing(subject, ca_bundle):
    again = f"{subject.image}-again"
    subprocess.run(
        [PROGRAM, "build", "--quiet", "--tag", again, "--ca", ca_bundle],
        check=True,
        capture_output=True,
        timeout=120,
    )
    try:
        assert subject.client.images.get(again).id == subject.client.images.get(subject.image).id
    finally:
        subject.client.images.remove(again)


def test_two_builds_of_one_commit_are_equal(subject, ca_bundle):
    """Every layer above torch, made anew from lock files and sources, comes out as the same bytes."""
    here = project.find()
    found, again = provide(subject.client, subject.choice.base, print), f"{subject.image}-again"
    with gathered(subject.matrix.weights, print) as networks:
        request = build.BuildRequest(subject.choice, here, found, (again,), weights=networks, ca=ca_bundle)
        line = build.command(request, os.environ)
        line[3:3] = ["--no-cache-filter", "light,weights,wheel,project"]
        done = subprocess.run(
            line,
            env=os.environ | {"SOURCE_DATE_EPOCH": str(here.epoch)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stderr[-4000:]
    try:
        one, other = (
            subject.client.images.get(name).attrs["RootFS"]["Layers"] for name in (subject.image, again)
        )
        assert one == other
    finally:
        subject.client.images.remove(again, force=True)


def test_an_edit_of_a_technique_changes_the_last_layer_alone(subject, ca_bundle, tmp_path):
    ignored = shutil.ignore_patterns(".git", ".venv", ".*_cache", "__pycache__", "outputs", "build", "dist")
    checkout = shutil.copytree(project.find().root, tmp_path / "checkout", ignore=ignored)
    with (checkout / "techniques/__init__.py").open("a") as module:
        module.write("# one line\n")
    with build_image(f"{subject.image}-edited", ca_bundle, "--quiet", "--source", checkout) as edited:
        before, after = (
            subject.client.images.get(name).attrs["RootFS"]["Layers"] for name in (subject.image, edited)
        )
    assert before[:-1] == after[:-1]
    assert before[-1] != after[-1]
    assert layers(subject)["techniques"] < 8e6


def test_a_course_puts_its_own_on_top_in_two_lines(subject, ca_bundle, tmp_path):
    """The Dockerfile that the page shows; behind a firm's CA its second line is the page's other one."""
    page = project.find().root.joinpath("docs/images.md").read_text()
    shown = re.search(r"^    FROM deepdesign:\S+\n    RUN pip (?P<install>.+)\n", page, re.MULTILINE)
    behind_ca = re.search(
        r"^    (?P<run>RUN --mount=type=secret,id=ca \S+ pip) (?P<install>.+)\n", page, re.MULTILINE
    )
    assert shown["install"] == behind_ca["install"]
    (tmp_path / "Dockerfile").write_text(f"FROM {subject.image}\n{behind_ca['run']} {shown['install']}\n")
    name = f"{subject.image}-course"
    line = ["docker", "buildx", "build", "--tag", name, "--secret", f"id=ca,src={ca_bundle}", tmp_path]
    done = subprocess.run(line, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    try:
        ours, theirs = (
            subject.client.images.get(each).attrs["RootFS"]["Layers"] for each in (subject.image, name)
        )
        assert theirs[:-1] == ours, "a course's class pulls all of our layers again"
        course = replace(subject, image=name)
        added = course.output("python", "-c", "import rhino3dm, torch; print(rhino3dm.__file__)")
        assert added.startswith("/opt/deepdesign/")
        checks(course.choice.flavour)["starts-without-storage"](course)
    finally:
        subject.client.images.remove(name, force=True)


def test_container_structure_test_is_content(subject):
    done = subprocess.run(
        [
            *(PROGRAM.with_name("container-structure-test"), "test", "--no-color"),
            *("--image", subject.image, "--config", "images/structure.yaml"),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Passes:      9" in done.stdout, done.stdout


def test_a_client_without_buildx_is_told_in_one_line(subject, ca_bundle, tmp_path):
    client = tmp_path / "docker"
    client.write_text("#!/bin/sh\nexit 1\n")
    client.chmod(0o755)
    done = subprocess.run(
        [PROGRAM, "build", "--quiet", "--ca", ca_bundle],
        env={**os.environ, "PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert "install docker-buildx" in done.stderr


def test_a_wrong_image_name_is_told_in_one_line(subject):
    for command in ("test", "notebook"):
        done = subprocess.run([PROGRAM, command, "nothing:here"], capture_output=True, text=True, check=False)
        assert done.returncode == 2
        assert len(done.stderr.splitlines()) == 1
        assert "deepdesign-images build" in done.stderr


def test_an_image_that_is_not_ours_is_refused(subject):
    foreign = provide(subject.client, subject.choice.base, print).reference
    done = subprocess.run([PROGRAM, "test", foreign], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "is no image of this project" in done.stderr
