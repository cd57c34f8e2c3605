"""What hosts ask of robots: in robots.txt (RFC 9309), and of each picture in its X-Robots-Tag."""

import io
import threading
from contextlib import suppress
from urllib.parse import urlsplit
from urllib.robotparser import RobotFileParser

from techniques.datasets.client import Client
from techniques.datasets.errors import BlockedError, GoneError, TooLargeError

_AGENT = "deepdesign"
_LONGEST = 500 * 1024  # RFC 9309, 2.5
_NO_AI = {"noai", "noimageai"}


def forbids_training(tag: str) -> bool:
    """Whether an X-Robots-Tag header asks not to train on what it comes with."""
    return any(word.strip().lower() in _NO_AI for word in tag.replace(":", ",").split(","))


class Robots:
    """Remembers each host's answer for the run."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._known: dict[str, RobotFileParser] = {}
        self._lock = threading.Lock()
        self._reading: dict[str, threading.Lock] = {}

    def check(self, url: str) -> None:
        """Raises `BlockedError` if the host asks robots to stay away from ``url``.

        No robots.txt means yes; a host that does not answer means not now (RFC 9309, 2.3.1.4), as an
        `errors.UnreachableError`.
        """
        if self._client.rule_for(url).api:
            return
        parts = urlsplit(url)
        root = f"{parts.scheme}://{parts.netloc}"
        with self._lock:
            reading = self._reading.setdefault(root, threading.Lock())
        with reading:  # of this host alone: one that drips keeps nobody waiting but its own
            if root not in self._known:
                self._known[root] = self._read(f"{root}/robots.txt")
            allowed = self._known[root].can_fetch(_AGENT, url)
        if not allowed:
            raise BlockedError(f"{parts.hostname} asks robots to stay away from it (robots.txt)", 0)

    def _read(self, url: str) -> RobotFileParser:
        rules = RobotFileParser()
        body = io.BytesIO()
        # "Unavailable" (any 4xx) means that there are no rules.
        with suppress(GoneError, BlockedError, TooLargeError):
            self._client.download(url, body, max_bytes=_LONGEST)
        rules.parse(body.getvalue().decode("utf-8", "replace").splitlines())
        return rules
