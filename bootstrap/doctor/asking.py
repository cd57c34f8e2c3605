"""Asking other programs, and ending them when they take too long."""

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from typing import NamedTuple

#: Seconds that one program may take.
LIMIT = 8.0


class Answer(NamedTuple):
    """What a program said; ``status`` is None if it had to be ended."""

    status: int | None
    output: str
    errors: str


def ask(
    command: Sequence[str], environment: Mapping[str, str], *, given: str = "", limit: float = LIMIT
) -> Answer | None:
    """Run ``command`` to its end, or to the limit with everything that it started; ``None`` if there is no
    such program.
    """
    try:
        process = subprocess.Popen(
            command,
            env={**environment, "LC_ALL": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="backslashreplace",
            cwd="/",
            start_new_session=True,
        )
    except OSError:
        return None
    try:
        output, errors = process.communicate(given, timeout=limit)
        return Answer(process.returncode, output, errors)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        # What hangs on a dead disk does not even die: nobody waits for it.
        return Answer(None, "", "")
