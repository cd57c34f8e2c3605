"""Where nvdiffrast's source comes from: a checkout that is given, else its repository at the pinned commit.

It is on no package registry, and its licence allows no commercial use: tags free of it end in ``-free``.
"""

import subprocess
import tomllib
from dataclasses import dataclass
from pathlib import Path

from images.errors import ImagesError, UsageError

_ASK_SECONDS = 20


@dataclass(frozen=True)
class Pin:
    """The matrix's row: which nvdiffrast goes into the tags that have it."""

    version: str
    repository: str  # of git, as BuildKit takes it
    commit: str  # 40 hexadecimal digits
    licence: str  # SPDX identifier


@dataclass(frozen=True)
class Source:
    """What BuildKit is given as build context: a folder, or a repository at a commit."""

    context: str
    origin: str  # "folder" or "upstream", for the image's label


def given(folder: Path, pin: Pin) -> Source:
    """The checkout at ``folder``. Raises UsageError when it is none, or one of another version."""
    try:
        stated = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        version = stated["version"] if stated["name"] == "nvdiffrast" else None
    except (OSError, ValueError, KeyError):
        version = None
    if version is None or not (folder / "LICENSE.txt").is_file():
        raise UsageError(f"--nvdiffrast: {folder} is no checkout of nvdiffrast; clone {pin.repository}")
    if version != pin.version:
        raise UsageError(f"--nvdiffrast: {folder} holds version {version}, the matrix says {pin.version}")
    return Source(str(folder.resolve()), "folder")


def upstream(pin: Pin) -> Source:
    """The repository, once it answered. Raises ImagesError with what to do when it does not."""
    line = ["git", "ls-remote", "--exit-code", pin.repository, "HEAD"]
    try:
        asked = subprocess.run(line, capture_output=True, text=True, timeout=_ASK_SECONDS, check=False)
        said = "" if asked.returncode == 0 else (asked.stderr.strip().splitlines() or ["no answer"])[-1]
    except FileNotFoundError:
        said = "git is not installed"
    except subprocess.TimeoutExpired:
        said = f"no answer within {_ASK_SECONDS} s"
    if said:
        raise ImagesError(
            f"nvdiffrast's source cannot be had from {pin.repository} ({said}); "
            "name a checkout with --nvdiffrast DIR"
        )
    return Source(f"{pin.repository}#{pin.commit}", "upstream")
