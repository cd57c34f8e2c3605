"""Time as something that is handed in, so that waiting an hour is testable in a moment."""

import time
from typing import Protocol


class Clock(Protocol):
    """The three things that a polite client asks of time."""

    def time(self) -> float:
        """Seconds since 1970, as dates in HTTP headers count."""
        ...

    def monotonic(self) -> float:
        """Seconds that never jump, whatever happens to the date."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait."""
        ...


class SystemClock:
    """The machine's own."""

    def time(self) -> float:
        """Seconds since 1970."""
        return time.time()

    def monotonic(self) -> float:
        """Seconds since some moment."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)
