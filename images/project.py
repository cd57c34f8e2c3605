"""The checkout that an image is built from: where it is, its version and its commit."""

import os
import subprocess
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from images.errors import UsageError

# What every command needs of a checkout, and what the Dockerfile copies beyond that.
_CHECKOUT = ("pyproject.toml", "images/matrix.yaml")
_SOURCES = (
    "README.md",
    "LICENSE",
    "prerun.sh",
    "bootstrap",
    "techniques",
    "images/Dockerfile",
    "requirements/uv.txt",
    "requirements/build.txt",
)


@dataclass(frozen=True)
class Project:
    """A checkout of this project."""

    root: Path
    version: str
    # The commit, with "-dirty" if the image would hold anything else than what it has; "unknown" outside git.
    revision: str
    # When the commit was made, in seconds since 1970: what a build bears as its date, so that two of the same
    # commit are equal (https://reproducible-builds.org/docs/source-date-epoch/). None outside git.
    epoch: int | None = None

    def require_sources(self) -> None:
        """Raises UsageError unless all that an image is made from is here: before the engine is asked."""
        _require(self.root, _SOURCES)


def find(folder: Path | None = None) -> Project:
    """The checkout at ``folder``, else the one that this package runs from.

    Raises UsageError when it is none.
    """
    root = (folder or Path(__file__).parent.parent).resolve()
    _require(root, _CHECKOUT, "" if folder else "; name a checkout of deepdesign with --source")
    try:
        version = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    except (OSError, tomllib.TOMLDecodeError, KeyError) as error:
        raise UsageError(f"{root / 'pyproject.toml'} states no version: {error}") from error
    return Project(root, str(version), _revision(root), _epoch(root))


def _require(root: Path, names: Iterable[str], hint: str = "") -> None:
    if missing := [name for name in names if not (root / name).exists()]:
        raise UsageError(f"{root} is no checkout of deepdesign, it lacks {', '.join(missing)}{hint}")


def _git(root: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(root), *arguments], capture_output=True, text=True, check=False
        )
    except OSError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def _revision(root: Path) -> str:
    commit = _git(root, "rev-parse", "HEAD")
    if not commit:
        return "unknown"
    changed = _git(root, "status", "--porcelain", "--untracked-files=no")
    # Also what git has been told to ignore: the engine has not.
    strange = _git(root, "status", "--porcelain", "--untracked-files=all", "--ignored", "--", *_sent(root))
    return commit if changed == strange == "" else f"{commit}-dirty"


def _sent(root: Path) -> list[str]:
    """What the engine is sent of a checkout, by the list that BuildKit goes by, as git names such files."""
    try:
        lines = (root / "images/Dockerfile.dockerignore").read_text(encoding="utf-8").split("\n")
    except OSError:
        return ["."]
    patterns = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    taken = [f":(top){line[1:]}" for line in patterns if line.startswith("!")]
    # The first says that nothing is sent but what follows.
    left = [f":(top,exclude,glob){line}" for line in patterns[1:] if not line.startswith("!")]
    return [*taken, *left, *(f"{line}/**" for line in left)]


def _epoch(root: Path) -> int | None:
    stated = os.environ.get("SOURCE_DATE_EPOCH") or _git(root, "log", "-1", "--format=%ct") or ""
    return int(stated) if stated.isascii() and stated.isdigit() else None
