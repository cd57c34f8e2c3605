"""The variant for older cards: built for real, and every promise kept that needs no Jupyter."""

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from images import engine
from images.checks import EVERY_IMAGE
from images.matrix import load
from images.subject import Subject
from tests.images.conftest import build
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


def test_a_runtime_image_has_no_jupyter(pascal):
    assert "absent" in pascal.output("sh", "-c", "command -v jupyter || echo absent")
