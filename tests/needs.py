"""What a test needs from its machine: missing means skipped by name, or failed where no skip is allowed."""

import os
import shutil
import subprocess
from collections.abc import Callable

import pytest


def _has_docker() -> bool:
    if not shutil.which("docker"):
        return False
    asked = subprocess.run(["docker", "version"], capture_output=True, timeout=30, check=False)
    return asked.returncode == 0


def _has_cuda() -> bool:
    import torch

    return torch.cuda.is_available()


_CHECKS: dict[str, tuple[Callable[[], bool], str]] = {
    "docker": (_has_docker, "no Docker engine answers (`docker version`)"),
    "cc": (lambda: shutil.which("cc") is not None, "no C compiler (Debian: gcc, libc6-dev)"),
    "shellcheck": (lambda: shutil.which("shellcheck") is not None, "no shellcheck (Debian: shellcheck)"),
    "sshd": (lambda: shutil.which("sshd") is not None, "no sshd (Debian: openssh-server)"),
    "root": (lambda: os.geteuid() == 0, "not root, so nothing can be mounted here"),
    "cuda": (_has_cuda, "no CUDA device"),
}
# No continuous-integration machine has a card, so this one may be missing there too.
_OPTIONAL_EVERYWHERE = {"cuda"}


def need(what: str) -> None:
    """Skip the calling test unless this machine has ``what``; with ``DEEPDESIGN_NO_SKIP=1`` fail instead."""
    check, reason = _CHECKS[what]
    if check():
        return
    if os.environ.get("DEEPDESIGN_NO_SKIP") == "1" and what not in _OPTIONAL_EVERYWHERE:
        pytest.fail(f"nothing may be skipped here, but there is {reason}")
    pytest.skip(reason)
