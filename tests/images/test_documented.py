"""The page that says what the images are held to names tests and checks that exist, and every check."""

import ast
import re
from pathlib import Path

import pytest

from images.checks import EVERY_IMAGE, NOTEBOOKS

PAGE = Path("docs/images-checks.md").read_text()
TESTS = re.findall(r"`(test_\w+\.py)::(test_\w+)`", PAGE)
CHECKS = set(re.findall(r"`([a-z]+(?:-[a-z]+)+)`", PAGE))
# The nine points, without the list of what is measured.
HEADINGS = ["The matrix", "One Dockerfile", "Locks, tags, manifests", "nvdiffrast", "Networks"]
HEADINGS += ["It explains itself", "It proves itself", "It publishes", "It fails well"]


@pytest.mark.parametrize("file", sorted({file for file, _ in TESTS}))
def test_every_named_test_exists(file):
    there = {getattr(node, "name", "") for node in ast.parse(Path(__file__).with_name(file).read_text()).body}
    assert {name for other, name in TESTS if other == file} <= there


def test_every_check_has_a_row_and_no_row_names_another():
    assert {*EVERY_IMAGE, *NOTEBOOKS} == CHECKS


@pytest.mark.parametrize("heading", HEADINGS)
def test_every_row_names_what_shows_it(heading):
    rows = [
        line
        for line in PAGE.partition(f"## {heading}\n")[2].partition("\n## ")[0].splitlines()
        if line.startswith("| ") and not line.startswith("| what")
    ]
    assert rows
    for row in rows:
        assert re.search(r"`(test_\w+\.py::test_\w+|[a-z]+(-[a-z]+)+)`", row.split("|")[2]), row
