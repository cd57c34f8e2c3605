"""How fast a host may be asked: requests in any stretch of so many seconds, and bytes a second."""

import math
import threading
from collections import deque
from dataclasses import dataclass

# Requests can overtake each other on the way: a stretch is held a little longer than the service says.
_MARGIN = 0.01


@dataclass(frozen=True)
class HostRule:
    """What a service asks of its clients."""

    rates: tuple[tuple[int, float], ...] = ((120, 60.0),)
    """Pairs of requests and seconds, all of which hold."""
    concurrency: int = 2
    needs_contact: bool = False
    api: bool = False
    """Named to us by the service itself, so robots.txt (which is for crawlers) is not asked."""
    operator: str = ""
    """Hosts with the same name here count requests together, and are one if all else is the same, too."""
    bytes_per_second: float = math.inf


class Pace:
    """Gives each request its moment.

    A token bucket of n lets 2n pass in one stretch (a full bucket, then its refill), and services that count
    a sliding window, as Django REST framework does, refuse the second half. So the last n moments are kept.
    """

    def __init__(self, rates: tuple[tuple[int, float], ...]) -> None:
        self._lock = threading.Lock()
        self._rates = rates
        self._moments: deque[float] = deque(maxlen=max(count for count, _ in rates))

    def change(self, rates: tuple[tuple[int, float], ...]) -> None:
        """Hold other rates from now on; what was asked before still counts."""
        with self._lock:
            self._rates = rates
            self._moments = deque(self._moments, maxlen=max(count for count, _ in rates))

    def reserve(self, now: float) -> float:
        """Seconds from ``now`` until the next request may leave; that moment is then taken."""
        with self._lock:
            moment = now
            for count, seconds in self._rates:
                if len(self._moments) >= count:
                    moment = max(moment, self._moments[-count] + seconds * (1 + _MARGIN))
            self._moments.append(moment)
            return moment - now


class Flow:
    """Gives each piece of bytes its moment, so that no more than so many a second are taken."""

    def __init__(self, bytes_per_second: float) -> None:
        self._lock = threading.Lock()
        self._rate = bytes_per_second
        self._free = 0.0

    def reserve(self, count: int, now: float) -> float:
        """Seconds to wait at ``now`` after ``count`` bytes have come."""
        with self._lock:
            self._free = max(now, self._free) + count / self._rate
            return self._free - now
