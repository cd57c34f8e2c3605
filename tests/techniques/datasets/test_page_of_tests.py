"""The page that names a test for each promise names tests that exist, and leaves no rule and no fault out."""

import ast
import re
from pathlib import Path

import pytest

from techniques.aerial.testkit.rules import RULES as TILE_RULES
from techniques.datasets.testkit.rules import RULES
from tests.techniques.aerial.test_faults import ENDS as TILE_ENDS
from tests.techniques.datasets.test_faults import ENDS

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs/datasets-checks.md").read_text()
_NAMED = re.compile(r"`([ADZT])/((?:\w+/)*test_\w+\.py)::(test_\w+)`")
_FOLDERS = {
    "A": "tests/techniques/aerial",
    "D": "tests/techniques/datasets",
    "Z": "tests/techniques/archives",
    "T": "tests/techniques",
}
_ERRORS = {
    "forbidden-address": "ForbiddenAddressError",
    "blocked": "BlockedError",
    "unreachable": "UnreachableError",
    "too-large": "TooLargeError",
}


def rows(heading: str) -> list[list[str]]:
    """The cells of the table below ``heading``."""
    table = PAGE.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    lines = [line for line in table.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def test_every_named_test_exists() -> None:
    named = _NAMED.findall(PAGE)
    assert len(named) > 120
    assert len(named) == PAGE.count("::test_")
    for folder, path, name in named:
        tree = ast.parse((ROOT / _FOLDERS[folder] / path).read_text())
        assert name in {node.name for node in ast.walk(tree) if hasattr(node, "name")}, (
            f"{path} has no {name}"
        )


@pytest.mark.parametrize(
    ("heading", "least"), [("The two lessons", 2), ("Features", 60), ("What breaks most in practice", 11)]
)
def test_every_row_has_one(heading: str, least: int) -> None:
    found = rows(heading)
    assert len(found) >= least
    assert all(_NAMED.search(cells[-1]) for cells in found)


def test_every_rule_has_one_and_cites_its_contract() -> None:
    found = rows("Rules of the services")
    known = RULES | TILE_RULES
    assert {cells[0] for cells in found} == known.keys()
    assert all(_NAMED.fullmatch(cells[-1]) for cells in found)
    assert all(rule.contract for rule in known.values())


def test_every_fault_stands_there_with_what_becomes_of_it() -> None:
    found = rows("Faults")
    assert {cells[0]: cells[1] for cells in found} == ENDS
    assert {cells[0]: _ERRORS.get(cells[2], cells[2]) for cells in found} == TILE_ENDS


def test_every_figure_has_its_file() -> None:
    for _, command, file in rows("Measured"):
        module = command.strip("`").split()[2].replace(".", "/")
        assert (ROOT / f"{module}.py").is_file()
        assert (ROOT / file.strip("`")).is_file()
