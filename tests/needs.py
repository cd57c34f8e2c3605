"""What a test needs from its machine: missing means skipped by name, or failed where no skip is allowed."""

import importlib.util
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest


def _has_docker() -> bool:
    if not shutil.which("docker"):
        return False
    asked = subprocess.run(["docker", "version"], capture_output=True, timeout=30, check=False)
    return asked.returncode == 0


def _has_cuda() -> bool:
    import torch

    return torch.cuda.is_available()


def _has_nvdiffrast() -> bool:
    return _has_cuda() and importlib.util.find_spec("nvdiffrast") is not None


def _may_mount() -> bool:
    asked = subprocess.run(["unshare", "--mount", "true"], capture_output=True, timeout=30, check=False)
    return os.geteuid() == 0 and asked.returncode == 0


def python_310() -> str | None:
    """A Python 3.10, the oldest that the copy of the bootstrap in storage has to run on."""
    candidates = [
        shutil.which("python3.10"),
        *map(str, Path.home().glob(".pyenv/versions/3.10.*/bin/python3.10")),
    ]
    for path in candidates:
        if path and subprocess.run([path, "--version"], capture_output=True, check=False).returncode == 0:
            return path
    return None


_PROGRAMS = {  # and the Debian packages that have them
    "bindfs": "bindfs, fuse3",
    "cc": "gcc, libc6-dev",
    "chromium": "chromium",
    "docker-registry": "docker-registry",
    "shellcheck": "shellcheck",
    "ssh-keygen": "openssh-client",
    "sshd": "openssh-server",
    "unzip": "unzip",
    "zip": "zip",
}
_CHECKS: dict[str, tuple[Callable[[], bool], str]] = {
    "docker": (_has_docker, "no Docker engine answers (`docker version`)"),
    "python3.10": (lambda: python_310() is not None, "no Python 3.10 (`uv python install 3.10`)"),
    "mounts": (_may_mount, "nothing can be mounted here (that takes root)"),
    "cuda": (_has_cuda, "no CUDA device"),
    "nvdiffrast": (_has_nvdiffrast, "no CUDA device, or nvdiffrast is not installed"),
    "nvdiffrast-source": (
        lambda: bool(os.environ.get("DEEPDESIGN_NVDIFFRAST")),
        "nvdiffrast's source is on no package registry (DEEPDESIGN_NVDIFFRAST=CHECKOUT)",
    ),
    **{
        program: (
            lambda program=program: shutil.which(program) is not None,
            f"no {program} (Debian: {package})",
        )
        for program, package in _PROGRAMS.items()
    },
}
# No continuous-integration machine has a card or a checkout of nvdiffrast, and Debian no longer has that
# Python: these may be missing there too.
_OPTIONAL_EVERYWHERE = {"cuda", "nvdiffrast", "nvdiffrast-source", "python3.10"}


def need(what: str) -> None:
    """Skip the calling test unless this machine has ``what``; with ``DEEPDESIGN_NO_SKIP=1`` fail instead."""
    check, reason = _CHECKS[what]
    if check():
        return
    if os.environ.get("DEEPDESIGN_NO_SKIP") == "1" and what not in _OPTIONAL_EVERYWHERE:
        pytest.fail(f"nothing may be skipped here, but: {reason}")
    pytest.skip(reason)
