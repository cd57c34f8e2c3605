"""Time that passes when somebody sleeps."""

import threading


class VirtualClock:
    """See `clock.Clock`: an hour's wait is over at once, for the client and the servers that share it."""

    def __init__(self, now: float = 1_790_000_000.0) -> None:
        self._now = now
        self._lock = threading.Lock()

    def time(self) -> float:
        """Seconds since 1970."""
        with self._lock:
            return self._now

    def monotonic(self) -> float:
        """The same: nobody sets this clock."""
        return self.time()

    def sleep(self, seconds: float) -> None:
        """Let ``seconds`` pass for everybody."""
        with self._lock:
            self._now += seconds
