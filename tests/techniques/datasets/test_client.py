"""The client against servers that misbehave."""

import email.utils
import errno
import gzip
import io
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from techniques.datasets.answers import same_origin
from techniques.datasets.client import Client, Limits
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
from techniques.datasets.guard import check_url, is_public
from techniques.datasets.pace import HostRule
from techniques.datasets.robots import Robots
from techniques.datasets.testkit.clock import VirtualClock
from techniques.datasets.testkit.server import Asked, Reply, Server
from techniques.errors import WorkFailedError

BODY = b"a picture's bytes" * 100


class Plain(Server):
    """Answers everything with the same body, after its faults."""

    def answer(self, asked: Asked) -> Reply:
        return Reply(200, BODY, content_type="image/jpeg")


@pytest.fixture
def server(clock: VirtualClock) -> Iterator[Plain]:
    with Plain(clock) as running:
        yield running


def client_on(clock: VirtualClock, **changes: object) -> Client:
    return Client(contact="me@example.edu", allow_private=True, clock=clock, **changes)  # type: ignore[arg-type]


def fetch(client: Client, server: Server, **options: int) -> bytes:
    sink = io.BytesIO()
    client.download(f"{server.url}/a.jpg", sink, max_bytes=options.get("max_bytes", 1_000_000))
    return sink.getvalue()


def test_it_says_who_it_is_and_never_that_it_is_a_browser(server: Plain, clock: VirtualClock) -> None:
    fetch(client_on(clock), server)
    agent = server.asked[0].agent
    assert agent.startswith("deepdesign/")
    assert "(me@example.edu)" in agent
    assert "Mozilla" not in agent


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_server_in_trouble_is_asked_again_later(server: Plain, clock: VirtualClock, status: int) -> None:
    server.faults.extend([Reply(status), Reply(status)])
    begun = clock.time()
    assert fetch(client_on(clock), server) == BODY
    assert len(server.asked) == 3
    assert clock.time() > begun


def test_retry_after_in_seconds_is_waited_for(server: Plain, clock: VirtualClock) -> None:
    server.faults.append(Reply(429, headers={"Retry-After": "37"}))
    fetch(client_on(clock), server)
    assert server.asked[1].at - server.asked[0].at >= 37


def test_retry_after_as_a_date_is_waited_for(server: Plain, clock: VirtualClock) -> None:
    date = email.utils.formatdate(clock.time() + 50, usegmt=True)
    server.faults.append(Reply(503, headers={"Retry-After": date}))
    fetch(client_on(clock), server)
    assert server.asked[1].at - server.asked[0].at >= 50


def test_a_wait_of_hours_is_said_instead_of_slept(server: Plain, clock: VirtualClock) -> None:
    server.faults.append(Reply(429, headers={"Retry-After": "80000"}))
    with pytest.raises(RateLimitedError, match=r"22\.2 hours") as raised:
        fetch(client_on(clock), server)
    assert raised.value.retry_after == 80000
    assert len(server.asked) == 1


def test_retries_are_spread_at_random_but_repeatably(server: Plain, clock: VirtualClock) -> None:
    waits = []
    for seed in (1, 1, 2):
        server.faults.append(Reply(500))
        begun = clock.time()
        fetch(client_on(clock, seed=seed), server)
        waits.append(round(clock.time() - begun, 9))
    assert waits[0] == waits[1] != waits[2]


def test_it_gives_up_after_its_tries_and_then_leaves_the_host_alone(
    server: Plain, clock: VirtualClock
) -> None:
    client = client_on(clock, limits=Limits(tries=2, broken_host=3))
    server.faults.extend([Reply(500)] * 100)
    for _ in range(5):
        with pytest.raises(UnreachableError):
            fetch(client, server)
    assert len(server.asked) == 2 * 3


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (Reply(404), GoneError),
        (Reply(410), GoneError),
        (Reply(401, b"no"), BlockedError),
        (Reply(403, b"<html>Access denied</html>"), BlockedError),
        (Reply(451), BlockedError),
    ],
)
def test_a_refusal_is_not_asked_again(
    server: Plain, clock: VirtualClock, reply: Reply, error: type[SourceError]
) -> None:
    server.faults.append(reply)
    with pytest.raises(error):
        fetch(client_on(clock), server)
    assert len(server.asked) == 1


def test_a_body_that_breaks_off_is_fetched_again_from_the_start(server: Plain, clock: VirtualClock) -> None:
    server.faults.append(Reply(200, b"x" * 5000, cut=1000))
    assert fetch(client_on(clock), server) == BODY


def test_more_bytes_than_allowed_are_not_read(server: Plain, clock: VirtualClock) -> None:
    with pytest.raises(TooLargeError):
        fetch(client_on(clock), server, max_bytes=100)
    # Nor those that only come out of unpacking.
    server.faults.append(Reply(200, gzip.compress(bytes(5_000_000)), {"Content-Encoding": "gzip"}))
    with pytest.raises(TooLargeError):
        fetch(client_on(clock), server, max_bytes=1_000_000)


def test_redirects_are_followed_but_not_for_ever(server: Plain, clock: VirtualClock) -> None:
    server.faults.append(Reply(302, headers={"Location": "/b.jpg"}))
    assert fetch(client_on(clock), server) == BODY
    assert [asked.path for asked in server.asked] == ["/a.jpg", "/b.jpg"]
    server.faults.extend([Reply(301, headers={"Location": "/a.jpg"})] * 50)
    with pytest.raises(ForbiddenAddressError, match="without end"):
        fetch(client_on(clock), server)


@pytest.mark.parametrize(
    "location", ["file:///etc/passwd", "ftp://example.org/x", "http://user:pw@example.org/"]
)
def test_a_redirect_leads_to_no_other_scheme(server: Plain, clock: VirtualClock, location: str) -> None:
    server.faults.append(Reply(302, headers={"Location": location}))
    with pytest.raises(ForbiddenAddressError):
        fetch(client_on(clock), server)


def test_this_machine_is_not_asked_unless_allowed(server: Plain, clock: VirtualClock) -> None:
    guarded = Client(contact="me@example.edu", clock=clock)
    with pytest.raises(ForbiddenAddressError, match="private"):
        fetch(guarded, server)
    with pytest.raises(ForbiddenAddressError):
        guarded.download(f"http://localhost:{server.address.split(':')[1]}/", io.BytesIO(), max_bytes=10)
    assert server.asked == []


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0",
     "::1", "fe80::1", "fc00::1", "::ffff:127.0.0.1", "224.0.0.1"],
)  # fmt: skip
def test_private_addresses(address: str) -> None:
    assert not is_public(address)


def test_public_addresses_and_plain_urls_pass() -> None:
    assert is_public("8.8.8.8")
    assert is_public("2001:4860:4860::8888")
    check_url("https://example.org/a.jpg?x=1")


def test_a_host_that_wants_a_contact_is_not_asked_without_one(server: Plain, clock: VirtualClock) -> None:
    client = Client(allow_private=True, clock=clock, rules={server.address: HostRule(needs_contact=True)})
    with pytest.raises(ContactNeededError, match="--contact"):
        fetch(client, server)
    assert server.asked == []


def test_never_more_at_once_than_the_host_allows(clock: VirtualClock) -> None:
    gate = threading.Event()

    class Slow(Plain):
        def hold(self) -> None:
            if self.most_at_once >= 2:
                gate.set()
            gate.wait(5)

    with Slow(clock) as server:
        client = client_on(clock, rules={server.address: HostRule(rates=((1000, 1.0),), concurrency=2)})
        threads = [threading.Thread(target=fetch, args=(client, server)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(server.asked) == 8
        assert server.most_at_once == 2


def test_a_server_that_drips_is_left_after_its_time() -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    done = threading.Event()

    def drip() -> None:
        connection, _ = listener.accept()
        connection.recv(4096)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        try:
            while not done.wait(0.02):
                connection.sendall(b"x")
        except OSError:
            pass
        connection.close()

    thread = threading.Thread(target=drip)
    thread.start()
    client = Client(contact="me@example.edu", allow_private=True, limits=Limits(tries=1, read=0.2, whole=0.3))
    with pytest.raises(UnreachableError):
        client.download(f"http://127.0.0.1:{listener.getsockname()[1]}/", io.BytesIO(), max_bytes=10**6)
    done.set()
    thread.join()
    listener.close()


def test_a_full_disk_is_not_the_hosts_fault(server: Plain, clock: VirtualClock) -> None:
    class Full(io.BytesIO):
        def write(self, data: object) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(WorkFailedError, match="disk"):
        client_on(clock).download(f"{server.url}/a.jpg", Full(), max_bytes=10**6)
    assert len(server.asked) == 1


def test_nobody_there_is_said_plainly(clock: VirtualClock) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(UnreachableError, match=r"127\.0\.0\.1 does not answer"):
        client_on(clock).download(f"http://127.0.0.1:{port}/?key=s3cret", io.BytesIO(), max_bytes=10)


@pytest.mark.parametrize("body", [b"<html>", b"[1, 2]", b"", b"\xff\xfe"])
def test_what_is_not_the_expected_json_is_a_changed_page(
    server: Plain, clock: VirtualClock, body: bytes
) -> None:
    server.faults.append(Reply(200, body))
    with pytest.raises(PageChangedError):
        client_on(clock).get_json(f"{server.url}/api", {})


class Jumping(VirtualClock):
    """Its date is set an hour back or forth at every look; what never jumps does not."""

    def __init__(self, jump: float) -> None:
        super().__init__()
        self._jump, self._looks = jump, 0

    def time(self) -> float:
        self._looks += 1
        return super().time() + self._jump * self._looks

    def monotonic(self) -> float:
        return super().time()


@pytest.mark.parametrize("jump", [-3600.0, 3600.0])
def test_a_clock_that_jumps_changes_no_pace(jump: float) -> None:
    clock = Jumping(jump)
    with Plain(clock=VirtualClock()) as server:
        rule = HostRule(rates=((5, 60.0),), api=True)
        client = Client(allow_private=True, rules={server.address: rule}, clock=clock)
        for _ in range(16):
            client.fetch(server.url, max_bytes=10_000)
    # Three more allowances of five: three minutes, neither none nor hours.
    assert 180 <= clock.monotonic() - VirtualClock().monotonic() <= 190


@pytest.mark.parametrize(
    ("other", "same"),
    [
        ("https://api.example.org/v1/images/", True),
        ("http://api.example.org/v1/images/", False),
        ("https://api.example.org:8443/v1/images/", False),
        ("https://cdn.example.org/v1/images/", False),
    ],
)
def test_a_key_goes_to_no_other_host_and_over_no_open_line(other: str, same: bool) -> None:
    assert same_origin("https://api.example.org/v1/", other) is same


class Slow(Plain):
    """Does not answer before it is released."""

    def __init__(self) -> None:
        super().__init__()
        self.reached, self.released = threading.Event(), threading.Event()

    def hold(self) -> None:
        self.reached.set()
        self.released.wait(60)


def test_a_host_that_is_slow_to_say_its_rules_keeps_nobody_else_waiting() -> None:
    with Slow() as slow, Plain() as quick, ThreadPoolExecutor(1) as pool:
        robots = Robots(Client(allow_private=True))
        waiting = pool.submit(robots.check, f"{slow.url}/a.jpg")
        assert slow.reached.wait(60)
        robots.check(f"{quick.url}/a.jpg")
        assert not waiting.done()
        slow.released.set()
        waiting.result(60)
