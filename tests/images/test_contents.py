"""What a check makes of what the image says: here a shell says it, in place of a container."""

import subprocess
from pathlib import Path

import pytest

from images.checks import contents
from images.matrix import load
from images.subject import CheckError, Subject
from tests.bootstrap.homes import put

TRITON = "torch 2.14.1 requires triton, which is not installed."


class Shell(Subject):
    """Runs what a container would, with ``python`` replaced by what is said."""

    def output(self, *command: str, **options: object) -> str:
        done = subprocess.run(
            command, env={"PATH": f"{self.ca}:/bin"}, stdout=-1, stderr=-2, text=True, check=True
        )
        return done.stdout

    @property
    def choice(self):
        return load().choose()


@pytest.mark.parametrize(
    ("said", "status", "passes"),
    [
        ("No broken requirements found.", 0, True),
        (TRITON, 1, True),
        (f"{TRITON}\nnumpy 2.5 requires leftpad, which is not installed.", 1, False),
        (f"{TRITON}\nnumpy 2.5 has requirement click<2, but you have click 8.1.", 1, False),
        ("/opt/deepdesign/bin/python: No module named pip", 1, False),
        (f"{TRITON}\nTraceback (most recent call last):\nOSError", 1, False),
        ("", 1, False),
        ("", 0, False),
        ("sh: 1: python: not found", 127, False),
        ("Killed", 137, False),
    ],
)
def test_pip_must_have_looked_and_found_nothing_new(tmp_path: Path, said: str, status: int, passes: bool):
    put(tmp_path / "said", said and f"{said}\n")
    put(tmp_path / "python", f"#!/bin/sh\ncat {tmp_path}/said >&2; exit {status}\n", 0o755)
    subject = Shell(None, "", load(), tmp_path)
    if passes:
        contents.has_consistent_packages(subject)
    else:
        with pytest.raises(CheckError, match=f"status {status}"):
            contents.has_consistent_packages(subject)
