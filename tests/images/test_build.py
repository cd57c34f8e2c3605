"""What a build asks of BuildKit, decided without an engine."""

import subprocess
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
import yaml

from images import build, nvdiffrast
from images.base import Found
from images.errors import ImagesError, UsageError
from images.lock import locks_hash
from images.matrix import load
from images.nvdiffrast import Source
from images.project import Project
from images.weights import Gathered, gathered

ROOT = Path.cwd()


@pytest.fixture
def request_():
    project = Project(ROOT, "1.2.3", "0123abcd")
    return build.BuildRequest(load().choose(), project, Found("base:made", "debian-packages"), ("a:1", "b:2"))


def options(line: list[str], flag: str) -> list[str]:
    return [value for name, value in pairwise(line) if name == flag]


def test_the_line_names_base_row_and_tags(request_):
    line = build.command(request_, {})
    assert options(line, "--build-arg") == [
        "BASE=base:made",
        "VARIANT=cu130",
        "FLAVOUR=notebook",
        "STAGE=notebook",
        "NVDIFFRAST=with",
        "COMPILER=pypi",
        "TORCH_CUDA_ARCH_LIST=7.5;8.0;8.6;9.0;10.0;12.0+PTX",
        "WEIGHTS=",
        "REVISION=0123abcd",
    ]
    assert options(line, "--tag") == ["a:1", "b:2"]
    assert line[-1] == str(ROOT)
    assert "--secret" not in line
    assert "--no-cache" not in line


def test_the_ca_is_a_secret_and_never_an_argument(request_):
    line = build.command(replace(request_, ca=Path("/firm/ca.pem")), {})
    assert options(line, "--secret") == ["id=ca,src=/firm/ca.pem"]
    assert not [
        value for value in options(line, "--build-arg") + options(line, "--label") if "/firm" in value
    ]


def test_what_is_in_of_the_networks_is_a_context_an_argument_and_a_label(request_):
    with_them = replace(request_, weights=Gathered(Path("/room"), ("mobilenet-v2", "vgg19")))
    line = build.command(with_them, {})
    assert options(line, "--build-context") == ["weights-source=/room"]
    assert "WEIGHTS=mobilenet-v2 vgg19" in options(line, "--build-arg")
    assert build.labels(with_them)["deepdesign.weights"] == "mobilenet-v2 vgg19"


def test_a_network_that_cannot_be_had_is_said_and_left_out():
    """A name that the registry does not have stands for one that cannot be reached."""
    said = []
    with gathered(["no-such-network"], said.append) as found:
        assert found.names == ()
        assert list(found.folder.iterdir()) == []
    assert len(said) == 1
    assert said[0].startswith("without no-such-network: ")
    assert not found.folder.exists()


@pytest.mark.parametrize("name", load().weights)
def test_every_network_of_an_image_is_one_that_the_techniques_know(name):
    known = yaml.safe_load(Path("techniques/weights/weights.yaml").read_text())
    assert known[name]["licence"]["stated"]


def test_nvdiffrast_comes_as_a_build_context_and_is_labelled_non_commercial(request_):
    with_it = replace(request_, nvdiffrast=Source("/clone", "folder"))
    assert options(build.command(with_it, {}), "--build-context") == ["nvdiffrast-source=/clone"]
    made = build.labels(with_it)
    assert (made["deepdesign.nvdiffrast"], made["deepdesign.nvdiffrast.source"]) == (
        "0.4.0 non-commercial",
        "folder",
    )
    assert "1-Way-Commercial" in made["org.opencontainers.image.licenses"]


def test_an_image_free_of_nvdiffrast_says_so_everywhere(request_):
    free = replace(request_, choice=load().choose(free=True))
    line = build.command(free, {})
    assert "NVDIFFRAST=without" in options(line, "--build-arg")
    assert "--build-context" not in line
    made = build.labels(free)
    assert made["deepdesign.nvdiffrast"] == "none"
    assert "Commercial" not in made["org.opencontainers.image.licenses"]
    assert build.default_tag(free.choice, free.project) == "deepdesign:1.2.3-cu130-notebook-free"


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({}, "is no checkout of nvdiffrast"),
        (
            {"pyproject.toml": '[project]\nname = "other"\nversion = "0.4.0"\n', "LICENSE.txt": ""},
            "no checkout",
        ),
        ({"pyproject.toml": '[project]\nname = "nvdiffrast"\nversion = "0.4.0"\n'}, "no checkout"),
        (
            {"pyproject.toml": '[project]\nname = "nvdiffrast"\nversion = "0.3.3"\n', "LICENSE.txt": ""},
            r"version 0\.3\.3, the matrix says 0\.4\.0",
        ),
    ],
)
def test_a_wrong_checkout_is_refused_before_anything_is_built(tmp_path, files, told):
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    with pytest.raises(UsageError, match=told):
        nvdiffrast.given(tmp_path, load().nvdiffrast)


def test_a_repository_is_asked_before_a_build_is_begun(tmp_path):
    """The pinned commit of a repository that answers; one sentence for one that does not."""
    pin = load().nvdiffrast
    subprocess.run(["git", "init", "--quiet", tmp_path], check=True)
    with pytest.raises(ImagesError, match="--nvdiffrast DIR"):
        nvdiffrast.upstream(replace(pin, repository=str(tmp_path)))
    author = ("-c", "user.name=t", "-c", "user.email=t@example.org")
    subprocess.run(
        ["git", "-C", tmp_path, *author, "commit", "--quiet", "--allow-empty", "-m", "x"], check=True
    )
    found = nvdiffrast.upstream(replace(pin, repository=str(tmp_path)))
    assert found == Source(f"{tmp_path}#{pin.commit}", "upstream")


def test_proxies_of_the_machine_reach_the_build(request_):
    line = build.command(request_, {"https_proxy": "http://proxy:3128", "TOKEN": "secret"})
    assert "https_proxy=http://proxy:3128" in options(line, "--build-arg")
    assert not any("secret" in part for part in line)


def test_labels_say_where_the_base_came_from(request_):
    made = build.labels(request_)
    assert made["deepdesign.base.source"] == "debian-packages"
    assert "org.opencontainers.image.base.digest" not in made
    pulled = build.labels(replace(request_, base=Found(request_.choice.base.reference, "registry")))
    assert pulled["org.opencontainers.image.base.digest"] == request_.choice.base.digest


def test_labels_state_version_commit_and_hardware(request_):
    made = build.labels(request_)
    assert made["org.opencontainers.image.version"] == "1.2.3"
    assert made["org.opencontainers.image.revision"] == "0123abcd"
    assert made["deepdesign.architectures"].split() == list(request_.choice.variant.architectures)
    assert made["deepdesign.least-driver"] == str(request_.choice.variant.least_driver)


def test_the_lock_hash_follows_every_byte(request_, tmp_path):
    locks = tmp_path / "images" / "locks"
    locks.mkdir(parents=True)
    for name in (request_.choice.torch_lock, request_.choice.light_lock):
        (locks / name).write_bytes((ROOT / "images/locks" / name).read_bytes())
    before = locks_hash(request_.choice, locks)
    assert before == locks_hash(request_.choice)
    with (locks / request_.choice.light_lock).open("a") as light:
        light.write("\n")
    assert locks_hash(request_.choice, locks) != before
    (locks / request_.choice.torch_lock).unlink()
    with pytest.raises(UsageError, match=r"cu130-torch\.txt is missing"):
        locks_hash(request_.choice, locks)


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("#9 3.1 OSError: [Errno 28] no space left on device", "the disk is full"),
        ("#9 3.1   cause: invalid peer certificate: UnknownIssuer", "--ca FILE"),
        ("ERROR: failed to solve: process did not complete", "failed to solve"),
    ],
)
def test_a_failed_build_is_explained_in_one_line(said, told):
    assert told in build.explain(["#9 something else", said])
