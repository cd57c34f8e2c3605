"""The hosts that are asked: each one's rule, its pace and flow, and whether it still answers."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from techniques.datasets.pace import Flow, HostRule, Pace

__all__ = ["Host", "Hosts"]


@dataclass
class Host:
    """One host; ``room`` holds as many at once as it allows, ``failures`` counts those in a row."""

    rule: HostRule
    pace: Pace
    flow: Flow
    room: threading.BoundedSemaphore = field(init=False)
    failures: int = 0

    def __post_init__(self) -> None:
        self.room = threading.BoundedSemaphore(self.rule.concurrency)


class Hosts:
    """All hosts of a run, by name and port. Thread-safe.

    Hosts of one operator that count requests together share their pace.
    """

    def __init__(self, rules: Mapping[str, HostRule]) -> None:
        self._rules = rules
        self._known: dict[str, Host] = {}
        self._operators: dict[str, Pace] = {}
        self._lock = threading.Lock()

    def of(self, url: str) -> Host:
        """The host of ``url``; its rule is looked up by host and port, then by host."""
        parts = urlsplit(url)
        with self._lock:
            known = self._known.get(parts.netloc)
            if known is None:
                rule = self._rules.get(parts.netloc) or self._rules.get(parts.hostname or "") or HostRule()
                pace = Pace(rule.rates)
                if rule.operator:
                    pace = self._operators.setdefault(rule.operator, pace)
                known = self._known[parts.netloc] = Host(rule, pace, Flow(rule.bytes_per_second))
            return known
