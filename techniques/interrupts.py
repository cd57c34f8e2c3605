"""Ctrl-C and SIGTERM: the first asks a run to stop after its step, the second stops at once."""

import signal
import threading
from types import FrameType, TracebackType
from typing import Any, Self

__all__ = ["Interrupts", "terminate_like_ctrl_c"]


class Interrupts:
    """While entered, the first SIGINT or SIGTERM sets ``requested`` instead of stopping the program.

    The handlers that were there are back for the second one, and on leaving. Outside the main thread signals
    cannot be caught, and nothing changes.
    """

    def __init__(self) -> None:
        self.requested = False
        self._previous: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._previous[number] = signal.signal(number, self._ask)
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._restore()

    def _ask(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002 - what signal() calls with
        self.requested = True
        self._restore()

    def _restore(self) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)
        self._previous = {}


def terminate_like_ctrl_c() -> None:
    """From now on SIGTERM, which a platform stops a job with, unwinds the program as Ctrl-C does."""

    def stop(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, stop)
