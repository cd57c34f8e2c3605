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

    Hosts of one operator count requests together, so they share their pace; those with the same rule are one
    host under several names, and share all.
    """

    def __init__(self, rules: Mapping[str, HostRule]) -> None:
        self._rules = rules
        self._known: dict[str, Host] = {}
        self._operators: dict[str, Pace] = {}
        self._alike: dict[HostRule, Host] = {}
        self._lock = threading.Lock()

    def of(self, url: str) -> Host:
        """The host of ``url``; its rule is looked up by host and port, then by host."""
        parts = urlsplit(url)
        with self._lock:
            known = self._known.get(parts.netloc)
            if known is None:
                rule = self._rules.get(parts.netloc) or self._rules.get(parts.hostname or "") or HostRule()
                known = self._known[parts.netloc] = self._host(rule)
            return known

    def _host(self, rule: HostRule) -> Host:
        if not rule.operator:
            return Host(rule, Pace(rule.rates), Flow(rule.bytes_per_second))
        if rule not in self._alike:
            pace = self._operators.setdefault(rule.operator, Pace(rule.rates))
            self._alike[rule] = Host(rule, pace, Flow(rule.bytes_per_second))
        return self._alike[rule]
