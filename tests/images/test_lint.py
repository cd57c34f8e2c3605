"""Shell and Dockerfile as their own linters see them."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.needs import need

_OURS = [*Path("images").glob("*.sh"), *Path("images/builder").iterdir()]
SHELL = [".ci/engine", ".ci/run", *map(str, _OURS)]


@pytest.mark.parametrize("name", sorted(SHELL))
def test_shell_is_clean(name):
    need("shellcheck")
    checked = subprocess.run(["shellcheck", name], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout


def test_the_dockerfile_is_clean():
    hadolint = Path(sys.executable).with_name("hadolint")
    checked = subprocess.run(
        [hadolint, "--no-color", "images/Dockerfile"], capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stdout


def test_the_dockerfile_names_no_front_end():
    """A `# syntax=` line asks a registry before the first step, and there may be none."""
    assert "syntax=" not in Path("images/Dockerfile").read_text().splitlines()[0]
