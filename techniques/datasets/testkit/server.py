"""The room that all the servers share: a thread, a log of what was asked, limits, and faults on demand."""

import json
import socket
import struct
import sys
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

from techniques.datasets.clock import Clock, SystemClock

_CHUNK = 1000


@dataclass(frozen=True)
class Asked:
    """One request: when (on the server's clock), for what, by whom."""

    at: float
    path: str
    query: dict[str, str]
    agent: str
    headers: dict[str, str] = field(default_factory=dict)
    """By lower-case name."""
    form: dict[str, str] | None = None
    """What was posted; None for a GET."""


@dataclass(frozen=True)
class Reply:
    """One answer. ``cut`` sends only so many bytes of the body and breaks off, ``reset`` before the first.

    ``chunked`` sends the body in pieces without saying how long it is, ``drip`` a byte in so many seconds.
    """

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str = "application/json"
    cut: int | None = None
    reset: bool = False
    chunked: bool = False
    drip: float = 0.0


class Window:
    """Counts as the services do: requests in the last ``seconds``, refused ones left out."""

    def __init__(self, count: int, seconds: float) -> None:
        self.count, self.seconds = count, seconds
        self._moments: deque[float] = deque()

    def left(self, now: float) -> int:
        """How many more requests are allowed at ``now``."""
        while self._moments and self._moments[0] <= now - self.seconds:
            self._moments.popleft()
        return self.count - len(self._moments)

    def take(self, now: float) -> float | None:
        """Count a request; or say in how many seconds there is room for it."""
        if self.left(now) <= 0:
            return self._moments[0] + self.seconds - now
        self._moments.append(now)
        return None


class _Listener(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        # A client that goes away in the middle is what half of the tests are about.
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class Server:
    """A server on loopback; subclasses answer. Enter it to start it."""

    def __init__(self, clock: Clock | None = None, *, host: str = "127.0.0.1") -> None:
        self.clock, self._host = clock or SystemClock(), host
        self.asked: list[Asked] = []
        self.refused: list[str] = []
        """Names of the rules that requests broke."""
        self.faults: deque[Reply | None] = deque()
        """Answers to give first, one a request; None leaves that request alone."""
        self.most_at_once = 0
        self.lock = threading.Lock()
        self._now = 0

    @property
    def address(self) -> str:
        """Host and port."""
        return f"{self._host}:{self._server.server_address[1]}"

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://{self.address}"

    def answer(self, asked: Asked) -> Reply:
        """What the service says; called with the lock held."""
        raise NotImplementedError

    def hold(self) -> None:
        """Called before answering, without the lock: a place for tests to wait."""

    def __enter__(self) -> Self:
        self._server = _Listener((self._host, 0), _handler(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def respond(
        self,
        path: str,
        agent: str,
        headers: dict[str, str] | None = None,
        form: dict[str, str] | None = None,
    ) -> Reply:
        """Log the request, count who is here at once, and answer."""
        parts = urlsplit(path)
        query = {name: values[-1] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
        with self.lock:
            self._now += 1
            self.most_at_once = max(self.most_at_once, self._now)
        try:
            self.hold()
            with self.lock:
                asked = Asked(self.clock.time(), parts.path, query, agent, headers or {}, form)
                self.asked.append(asked)
                fault = self.faults.popleft() if self.faults else None
                return fault or self.answer(asked)
        finally:
            with self.lock:
                self._now -= 1

    def refuse(self, rule: str, reply: Reply) -> Reply:
        """Note which rule was broken, and answer so."""
        self.refused.append(rule)
        return reply


def as_json(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> Reply:
    """A JSON answer."""
    return Reply(status, json.dumps(value).encode(), headers or {})


def _handler(server: Server) -> Callable[..., BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # Head and body leave as two writes; with Nagle's algorithm the second waits for the first's receipt.
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length", "0"))
            posted = parse_qs(self.rfile.read(length).decode("utf-8", "replace"), keep_blank_values=True)
            self._answer({name: values[-1] for name, values in posted.items()})

        def do_GET(self) -> None:
            self._answer(None)

        def _answer(self, form: dict[str, str] | None) -> None:
            reply = server.respond(
                self.path,
                self.headers.get("User-Agent", ""),
                {name.lower(): value for name, value in self.headers.items()},
                form,
            )
            if reply.reset:
                # Zero seconds of lingering: the kernel sends a reset instead of an orderly end.
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.close_connection = True
                return
            self.send_response(reply.status)
            headers = {
                "Content-Type": reply.content_type,
                "Content-Length": str(len(reply.body)),
                **reply.headers,
            }
            if reply.chunked:
                headers["Transfer-Encoding"] = "chunked"
                del headers["Content-Length"]
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            if reply.cut is not None:
                self.wfile.write(reply.body[: reply.cut])
                self.close_connection = True
                return
            if reply.drip:
                for number in range(len(reply.body)):
                    server.clock.sleep(reply.drip)
                    self.wfile.write(reply.body[number : number + 1])
                return
            if reply.chunked:
                for start in range(0, len(reply.body), _CHUNK):
                    piece = reply.body[start : start + _CHUNK]
                    self.wfile.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
                self.wfile.write(b"0\r\n\r\n")
                return
            self.wfile.write(reply.body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
            """Keep quiet: `asked` is the log."""

    return Handler
