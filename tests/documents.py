"""What a page of docs/ promises, for tests that hold it to that."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
NAMED = re.compile(r"`((?:\w+/)*test_\w+\.py)::(test_\w+)`")
MEASURED = re.compile(r"`python -m benchmarks\.(\w+)")


def page(name: str) -> str:
    """The text of ``docs/NAME``."""
    return (ROOT / "docs" / name).read_text(encoding="utf-8")


def rows(text: str, heading: str) -> list[list[str]]:
    """The cells of the table below ``heading``."""
    table = text.partition(f"## {heading}")[2].partition("\n## ")[0]
    lines = [line for line in table.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip("|"))] for line in lines[2:]]


def missing(text: str, folder: Path) -> list[str]:
    """The tests that ``text`` names and that are not there; paths are below ``folder`` or the repository."""
    found = []
    for path, name in NAMED.findall(text):
        file = next((one for one in (folder / path, ROOT / path) if one.exists()), None)
        if file is None:
            found.append(path)
            continue
        functions = {node.name for node in ast.walk(ast.parse(file.read_text())) if hasattr(node, "name")}
        found += [] if name in functions else [f"{path}::{name}"]
    return found
