"""The page that names a test for each promise names tests that exist."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/bootstrap-checks.md").read_text()
_NAMED = re.compile(r"`((?:\w+/)*test_\w+\.py)::(test_\w+)`")


def rows(heading: str) -> list[list[str]]:
    """The cells of the table below ``heading``."""
    table = PAGE.partition(f"## {heading}")[2].partition("\n## ")[0]
    lines = [line for line in table.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip("|"))] for line in lines[2:]]


def test_every_named_test_exists() -> None:
    named = _NAMED.findall(PAGE)
    assert len(named) > 60
    for path, name in named:
        file = ROOT / path if "/" in path else Path(__file__).with_name(path)
        functions = {node.name for node in ast.walk(ast.parse(file.read_text())) if hasattr(node, "name")}
        assert name in functions, f"{path} has no {name}"


def test_all_thirty_four_failure_modes_have_one() -> None:
    found = rows("Thirty-four ways")
    assert [cells[0] for cells in found] == [str(number) for number in range(1, 35)]
    assert all(_NAMED.search(cells[-1]) for cells in found)


def test_every_feature_has_one() -> None:
    found = rows("Beside the others")
    assert len(found) == 27
    assert all(_NAMED.search(cells[-1]) for cells in found)
