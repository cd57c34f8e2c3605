"""The variant for older cards: built for real, and every promise kept that needs no Jupyter."""

import os
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from images import engine
from images.checks import EVERY_IMAGE
from images.matrix import load
from images.subject import Subject
from tests.images.conftest import build
from tests.images.test_info import stub
from tests.needs import need

pytestmark = [pytest.mark.docker, pytest.mark.xdist_group("docker")]


@pytest.fixture(scope="module")
def pascal(ca_bundle: Path) -> Iterator[Subject]:
    need("docker")
    with build(
        f"deepdesign-test:{secrets.token_hex(6)}", ca_bundle, "--variant=cu126", "--flavour=runtime"
    ) as name:
        yield Subject(engine.connect(), name, load(), ca_bundle)


@pytest.mark.parametrize("name", EVERY_IMAGE)
def test_the_image_for_pascal_keeps_its_promise(name, pascal):
    EVERY_IMAGE[name](pascal)


@pytest.mark.parametrize(
    ("version", "card", "runs"), [(12000, (6, 1), True), (13000, (9, 0), True), (13000, (12, 0), False)]
)
def test_it_asks_the_driver_library_that_the_runtime_mounts(pascal, tmp_path, version, card, runs):
    """CUDA 12.0 with a P5000, as the platform had it last; a card that is too new for this torch."""
    stub(tmp_path, version, capability=card)
    mounted = {str(tmp_path): {"bind": "/usr/local/nvidia/lib64", "mode": "ro"}}
    said = pascal.output("sh", "-c", "deepdesign-image-info --check; echo status $?", volumes=mounted)
    assert said.endswith(f"status {0 if runs else 1}\n")
    assert ("runs this image" if runs else "Take cu130-runtime-free") in said


def test_a_runtime_image_has_no_jupyter(pascal):
    assert "absent" in pascal.output("sh", "-c", "command -v jupyter || echo absent")


@pytest.mark.parametrize("variant", load().variants)
def test_nvdiffrast_is_compiled_for_the_cards_of_its_variant(variant, ca_bundle):
    """By hand, where a checkout is at hand: imports, licence text, operations, and kernels for every card."""
    need("docker")
    need("nvdiffrast-source")
    options = ("--variant", variant, "--flavour=runtime", "--nvdiffrast", os.environ["DEEPDESIGN_NVDIFFRAST"])
    with build(f"deepdesign-test:{secrets.token_hex(6)}", ca_bundle, *options) as name:
        subject = Subject(engine.connect(), name, load(), ca_bundle)
        for check in ("labels-state-its-row", "is-free-of-what-its-tag-says", "states-every-licence"):
            EVERY_IMAGE[check](subject)
        assert subject.labels["deepdesign.nvdiffrast"] == "0.4.0 non-commercial"
