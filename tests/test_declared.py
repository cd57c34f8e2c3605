"""What each package imports is declared for it: what only comes along with something else may stay away."""

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
# Used where they are there, and done without where not; each user of them says so.
OPTIONAL = {"techniques": {"nvdiffrast", "IPython"}, "bootstrap": set(), "images": set()}


def declared(package: str) -> set[str]:
    """The distributions that an installation of ``package`` asks for by name, in lower case."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    asked = project["dependencies"] + project["optional-dependencies"].get(package, [])
    return {re.match(r"[\w.-]+", line).group().lower().replace("_", "-") for line in asked}  # type: ignore[union-attr]


def imported(package: str) -> dict[str, str]:
    """Modules of others that ``package`` imports anywhere, and the file that does."""
    found = {}
    for path in sorted((ROOT / package).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
                names = [node.module]
            for name in names:
                found.setdefault(name.partition(".")[0], str(path.relative_to(ROOT)))
    ours = {"bootstrap", "techniques", "images", "__future__"}
    return {name: file for name, file in found.items() if name not in sys.stdlib_module_names | ours}


@pytest.mark.parametrize("package", ["bootstrap", "techniques", "images"])
def test_everything_that_is_imported_is_declared(package: str) -> None:
    known = packages_distributions()
    asked = declared(package)
    missing = {
        name: file
        for name, file in imported(package).items()
        if name not in OPTIONAL[package]
        and not {dist.lower().replace("_", "-") for dist in known.get(name, [name])} & asked
    }
    assert missing == {}


@pytest.mark.parametrize("package", ["bootstrap", "techniques", "images"])
def test_no_package_imports_another_one(package: str) -> None:
    others = {"bootstrap", "techniques", "images"} - {package}
    for path in sorted((ROOT / package).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            name = node.module or "" if isinstance(node, ast.ImportFrom) and not node.level else ""
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [name]
            assert not {one.partition(".")[0] for one in names} & others, path
