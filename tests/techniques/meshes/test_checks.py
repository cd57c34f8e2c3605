"""The page that names a test or a benchmark for each promise names what exists."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs/meshes-checks.md").read_text(encoding="utf-8")
_TESTS = re.compile(r"`((?:\w+/)*test_\w+\.py)::(test_\w+)`")
_BENCHMARKS = re.compile(r"`benchmarks\.(\w+)`")


def rows(heading):
    table = PAGE.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    lines = [line for line in table.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def test_every_named_test_and_benchmark_exists():
    named = _TESTS.findall(PAGE)
    assert len(named) > 60
    for path, name in named:
        tree = ast.parse((ROOT / "tests/techniques" / path).read_text(encoding="utf-8"))
        functions = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
        assert name in functions, f"{path} has no {name}"
    for name in _BENCHMARKS.findall(PAGE):
        assert (ROOT / "benchmarks" / f"{name}.py").is_file(), name


def test_every_row_names_one():
    for heading, least in (("What there is", 20), ("Bad input", 12)):
        found = rows(heading)
        assert len(found) >= least
        for cells in found:
            assert len(cells) == 3, cells
            assert _TESTS.search(cells[-1]) or _BENCHMARKS.search(cells[-1]), cells
