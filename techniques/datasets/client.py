"""One polite HTTP client: says who it is, keeps each host's pace, waits when told to, and stops at limits.

urllib3 underneath: it streams, follows nothing by itself, and lets the guard look at each connection's real
peer; retrying is ours, because a retry is a request that the pace must count.
"""

import json
import random
import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from importlib.metadata import version
from typing import Any, BinaryIO
from urllib.parse import urlencode, urljoin

import urllib3
from urllib3.exceptions import HTTPError
from urllib3.response import BaseHTTPResponse

from techniques.datasets.answers import (
    Answer,
    first_words,
    headers_of,
    host_name,
    retry_after,
    same_origin,
    span,
)
from techniques.datasets.clock import Clock, SystemClock
from techniques.datasets.errors import (
    BlockedError,
    ContactNeededError,
    ForbiddenAddressError,
    GoneError,
    PageChangedError,
    RateLimitedError,
    SourceError,
    TooLargeError,
    UnreachableError,
)
from techniques.datasets.guard import PUBLIC_POOLS, check_url
from techniques.datasets.hosts import Host, Hosts
from techniques.datasets.pace import HostRule
from techniques.errors import BadInputError, WorkFailedError

_REDIRECTS = {301, 302, 303, 307, 308}
_CHUNK = 1 << 16
_CONTACT = re.compile(r"[^\s()@]+@[^\s()@]+\.[^\s()@]+|https?://[^\s()]+")


@dataclass(frozen=True)
class Limits:
    """What one request may cost; seconds and bytes."""

    tries: int = 4
    redirects: int = 5
    longest_wait: float = 120.0
    connect: float = 10.0
    read: float = 20.0
    whole: float = 120.0
    json_bytes: int = 10_000_000
    broken_host: int = 8
    """Requests that may fail in a row before a host is left alone for the rest of the run."""


@dataclass
class Client:
    """Thread-safe; ``contact`` is an e-mail address or a page of the person who runs this."""

    contact: str = ""
    allow_private: bool = False
    rules: dict[str, HostRule] = field(default_factory=dict)
    """By host, or by host and port."""
    clock: Clock = field(default_factory=SystemClock)
    limits: Limits = field(default_factory=Limits)
    seed: int = 0

    def __post_init__(self) -> None:
        self._hosts = Hosts(self.rules)
        self._random = random.Random(self.seed)  # noqa: S311 - spreads retries, keeps no secret
        self._pools = urllib3.PoolManager(num_pools=32, maxsize=8)
        if not self.allow_private:
            self._pools.pool_classes_by_scheme = PUBLIC_POOLS
        self.stopped = threading.Event()

    @cached_property  # reading a package's version takes as long as a request
    def agent(self) -> str:
        """The User-Agent: the program, where it lives, who runs it. Never a browser's."""
        who = f" ({self.contact})" if self.contact else ""
        return f"deepdesign/{version('deepdesign')}{who} urllib3/{version('urllib3')}"

    def rule_for(self, url: str) -> HostRule:
        """What the host of ``url`` asks of its clients."""
        return self._hosts.of(url).rule

    def change_rates(self, url: str, rates: tuple[tuple[int, float], ...]) -> None:
        """Hold the rates that the host itself has told us."""
        self._hosts.of(url).pace.change(rates)

    def get_json(
        self, url: str, query: Mapping[str, str | int], headers: Mapping[str, str] | None = None
    ) -> tuple[dict[str, Any], Answer]:
        """The JSON object at ``url``; raises a kind of `SourceError`."""
        body = bytearray()
        full = f"{url}?{urlencode(query)}"
        answer = self._get(full, self.limits.json_bytes, body.clear, body.extend, headers)
        return _object(url, body), answer

    def post_form(self, url: str, form: Mapping[str, str]) -> dict[str, Any]:
        """The JSON object that answers ``form``; raises a kind of `SourceError`.

        Nothing that is sent appears in an error, and no redirect is followed: a form may carry a secret.
        """
        body = bytearray()
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        sent = urlencode(form).encode()
        self._get(url, self.limits.json_bytes, body.clear, body.extend, kind, form=sent)
        return _object(url, body)

    def download(self, url: str, sink: BinaryIO, *, max_bytes: int) -> Answer:
        """Write what lies at ``url`` to ``sink``; after a `SourceError` that holds rubbish."""

        def start() -> None:
            sink.seek(0)
            sink.truncate()

        return self._get(url, max_bytes, start, sink.write, {"Accept": "image/*"})

    def fetch(
        self, url: str, *, max_bytes: int, headers: Mapping[str, str] | None = None
    ) -> tuple[Answer, bytes]:
        """What lies at ``url``, in memory; raises a kind of `SourceError`.

        A 204 has no bytes, nor has a 304, which only comes to a conditional request.
        """
        body = bytearray()
        answer = self._get(url, max_bytes, body.clear, body.extend, headers)
        return answer, bytes(body)

    def _get(
        self,
        url: str,
        max_bytes: int,
        start: Callable[[], object],
        write: Callable[[bytes], object],
        headers: Mapping[str, str] | None,
        form: bytes | None = None,
    ) -> Answer:
        sent = {"User-Agent": self.agent, **(headers or {})}
        followed = 0
        tried = 0
        while True:
            check_url(url)
            host = self._hosts.of(url)
            self._admit(host, url)
            start()
            with host.room:
                self._wait(host.pace.reserve(self.clock.monotonic()))
                answer, location, wait, problem = self._once(url, sent, max_bytes, write, form)
            if answer is not None:
                host.failures = 0
                return answer
            if location:
                followed += 1
                if form is not None:
                    raise BlockedError(f"{host_name(url)} redirects what was meant for it alone", 302)
                if followed > self.limits.redirects:
                    raise ForbiddenAddressError("it redirects without end")
                following = urljoin(url, location)
                if not same_origin(url, following):
                    sent.pop("Authorization", None)  # a key is for the host that it was given for
                url = following
                continue
            tried += 1
            if wait is not None and wait > self.limits.longest_wait:
                raise RateLimitedError(
                    f"{host_name(url)} asks to wait {span(wait)}: its allowance is used up; "
                    "run the same command then",
                    wait,
                )
            if tried >= self.limits.tries:
                host.failures += 1
                raise problem
            # Full jitter (Brooker, "Exponential Backoff And Jitter", AWS 2015), on top of what was asked for.
            self._wait((wait or 0.0) + self._random.uniform(0, min(30.0, 0.5 * 2**tried)))

    def _once(
        self,
        url: str,
        headers: Mapping[str, str],
        max_bytes: int,
        write: Callable[[bytes], object],
        form: bytes | None,
    ) -> tuple[Answer | None, str, float | None, SourceError]:
        """One request: an answer, or where it redirects, or how long to wait and why."""
        name = host_name(url)
        timeout = urllib3.Timeout(connect=self.limits.connect, read=self.limits.read)
        try:
            response = self._pools.request(
                "GET" if form is None else "POST",
                url,
                body=form,
                headers=headers,
                redirect=False,
                retries=False,
                preload_content=False,
                timeout=timeout,
            )
        except (HTTPError, OSError, ValueError) as error:
            return None, "", None, UnreachableError(f"{name} does not answer ({type(error).__name__})")
        try:
            status = response.status
            if status in _REDIRECTS and response.headers.get("Location"):
                return None, response.headers["Location"], None, UnreachableError("")
            if status == 429 or status >= 500:
                wait = retry_after(response.headers.get("Retry-After"), self.clock.time())
                problem: SourceError = UnreachableError(f"{name} answers with status {status}")
                if status == 429:
                    problem = RateLimitedError(f"{name} keeps answering that it is asked too often", wait)
                return None, "", wait, problem
            if status in (404, 410):
                raise GoneError(f"{name} no longer has it (status {status})")
            if status == 304 and headers.keys() & {"If-None-Match", "If-Modified-Since"}:
                return Answer(url, status, headers_of(response), 0), "", None, UnreachableError("")
            if status not in (200, 204):
                raise BlockedError(f"{name} refuses with status {status}: {first_words(response)}", status)
            return self._read(url, response, max_bytes, write), "", None, UnreachableError("")
        except (HTTPError, OSError) as error:
            return None, "", None, UnreachableError(f"{name} broke off ({type(error).__name__})")
        finally:
            response.close()

    def _read(
        self, url: str, response: BaseHTTPResponse, max_bytes: int, write: Callable[[bytes], object]
    ) -> Answer:
        declared = response.headers.get("Content-Length", "")
        if declared.isdigit() and int(declared) > max_bytes:
            raise TooLargeError(f"it has {int(declared):,} bytes, more than {max_bytes:,}")
        size, begun, flow = 0, self.clock.monotonic(), self._hosts.of(url).flow
        # read1 gives what has come; the others wait for a whole chunk, which a slow drip never fills.
        while piece := response.read1(_CHUNK, decode_content=True):
            size += len(piece)
            if size > max_bytes:
                raise TooLargeError(f"it has more than {max_bytes:,} bytes")
            if self.clock.monotonic() - begun > self.limits.whole:
                raise UnreachableError(f"{host_name(url)} sends too slowly")
            self._wait(flow.reserve(len(piece), self.clock.monotonic()))
            try:
                write(piece)
            except OSError as error:
                # The disk's trouble, not the host's: asking again would not help.
                raise WorkFailedError(
                    f"The disk took no more ({error.strerror}). Free some space."
                ) from error
        return Answer(url, response.status, headers_of(response), size)

    def _admit(self, host: Host, url: str) -> None:
        if host.rule.needs_contact and not self.contact:
            raise ContactNeededError(
                f"{host_name(url)} wants to know who asks: give --contact you@your.school"
                " (it is sent to them)"
            )
        if host.failures >= self.limits.broken_host:
            raise UnreachableError(
                f"{host_name(url)} failed {host.failures} times in a row and is left alone"
            )

    def _wait(self, seconds: float) -> None:
        if self.stopped.is_set():
            raise UnreachableError("the run was stopped")
        if seconds > 0:
            self.clock.sleep(seconds)


def checked_contact(contact: str) -> str:
    """``contact`` as it may stand in a User-Agent.

    Raises:
        BadInputError: it is neither an e-mail address nor a web page.
    """
    if contact and not _CONTACT.fullmatch(contact):
        raise BadInputError("--contact must be an e-mail address or a web page, such as you@your.school.")
    return contact


def _object(url: str, body: bytearray) -> dict[str, Any]:
    try:
        parsed = json.loads(bytes(body))
    except ValueError as error:
        raise PageChangedError(f"{host_name(url)} answered with something that is not JSON") from error
    if not isinstance(parsed, dict):
        raise PageChangedError(f"{host_name(url)} answered with JSON of another shape")
    return parsed
