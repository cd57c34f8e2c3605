"""The real system, counted, failing, or dying at a chosen call."""

import os
import signal
from collections.abc import Callable
from typing import Any

from bootstrap.system import RealSystem


class Watched:
    """Every call goes to the real system; ``before`` and ``after`` see its number, counted from 1."""

    def __init__(
        self,
        *,
        before: Callable[[int, str], None] = lambda number, name: None,
        after: Callable[[int, str], None] = lambda number, name: None,
    ) -> None:
        self.real = RealSystem()
        self.calls: list[str] = []
        self.before = before
        self.after = after

    def __getattr__(self, name: str) -> Any:
        real = getattr(self.real, name)

        def call(*arguments: Any) -> None:
            self.calls.append(name)
            self.before(len(self.calls), name)
            try:
                real(*arguments)
            finally:  # also a call that was refused is a point to die at
                self.after(len(self.calls), name)

        return call


def dying_after(last: int, by: signal.Signals = signal.SIGKILL) -> Watched:
    """Kill this process when its call number ``last`` is done."""

    def die(number: int, name: str) -> None:
        if number == last:
            os.kill(os.getpid(), by)

    return Watched(after=die)


def failing_at(chosen: int, number: int) -> Watched:
    """The call ``chosen`` fails with the error ``number``, as do all that follow on a broken disk."""

    def fail(count: int, name: str) -> None:
        if count == chosen:
            raise OSError(number, os.strerror(number), "/the/disk")

    return Watched(before=fail)
