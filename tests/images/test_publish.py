"""Tags and their publishing, with a real registry on loopback."""

import http.client
import io
import re
import subprocess
import tarfile
import threading
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from images import engine, tags
from images.errors import ImagesError, UsageError
from images.matrix import load
from images.publish import digest, publish
from tests.images.conftest import PROGRAM
from tests.needs import need

CREATED = datetime(2026, 11, 21, 23, 30, tzinfo=UTC)


def test_versions_and_dates_never_change_and_the_rest_moves():
    found = tags.names("example.org/deepdesign", load().choose(), "1.2.3", CREATED)
    assert found.immutable == (
        "example.org/deepdesign:1.2.3-cu130-notebook",
        "example.org/deepdesign:20261121.2330-cu130-notebook",
    )
    assert found.moving == "example.org/deepdesign:cu130-notebook"


@pytest.mark.parametrize("choice", load().choices(), ids=lambda choice: choice.name)
def test_every_name_of_a_free_image_says_so_and_no_other_does(choice):
    found = tags.names("deepdesign", choice, "1.2.3", CREATED)
    every = (*found.immutable, found.moving)
    assert all(name.endswith("-free") is (choice.nvdiffrast is None) for name in every)


@pytest.mark.parametrize("repository", ["", "Example/X", "a b", "x:tag", "https://example.org/x", "x@y:0"])
def test_what_is_no_repository_is_refused(repository):
    with pytest.raises(UsageError, match="--repository"):
        tags.names(repository, load().choose(), "1.2.3", None)


@pytest.fixture
def tiny():
    """Makes images of one small file; they are gone afterwards."""
    need("docker")
    client, made = engine.connect(), []

    def make(content: bytes) -> str:
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w") as archive:
            member = tarfile.TarInfo("content")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
        name = f"deepdesign-tiny:{len(made)}"
        client.api.import_image_from_data(packed.getvalue(), *name.split(":"))
        made.append(client.images.get(name).id)
        return name

    yield make
    for image in made:
        client.images.remove(image, force=True)


def names(registry: str, version: str, created: datetime = CREATED) -> tags.Tags:
    return tags.names(f"{registry}/course/deepdesign", load().choose(), version, created)


def pulled(reference: str) -> str:
    """The id of what ``reference`` brings."""
    return engine.connect().images.pull(reference).id


@pytest.mark.docker
@pytest.mark.xdist_group("docker")
def test_what_was_pushed_is_pulled_by_its_digest(registry, tiny):
    client, image, said = engine.connect(), tiny(b"first"), []
    found = names(registry, "1.0.0")
    pinned = publish(client, image, found, said.append)
    named = [digest(tag) for tag in (*found.immutable, found.moving)]
    assert named == [pinned.partition("@")[2]] * 3
    assert pulled(pinned) == client.images.get(image).id

    # Again, nothing that never changes is pushed; something else under the same version is refused.
    said.clear()
    assert publish(client, image, found, said.append) == pinned
    assert [line for line in said if "pushing" in line] == [f"pushing {found.moving}"]
    with pytest.raises(ImagesError, match="raise the version"):
        publish(client, tiny(b"second"), found, said.append)
    assert [digest(tag) for tag in (*found.immutable, found.moving)] == named


@pytest.mark.docker
@pytest.mark.xdist_group("docker")
def test_without_move_the_moving_tag_stays(registry, tiny):
    client, found = engine.connect(), names(registry, "1.0.0")
    publish(client, tiny(b"first"), found, print, move=False)
    assert all(digest(tag) for tag in found.immutable)
    assert digest(found.moving) is None


class _Refusing(BaseHTTPRequestHandler):
    """A registry's front door that hands all on but what it is told to refuse."""

    protocol_version = "HTTP/1.1"

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def _hand_on(self) -> None:
        body = self._body()
        if self.command in ("PUT", "PATCH", "POST") and self.server.refuses.search(self.path):
            status, headers, answer = self.server.status, {}, b"out of order"
        else:
            behind = http.client.HTTPConnection(self.server.behind, timeout=30)
            # The Host stays as the client has it, so that the registry's redirects lead back here.
            wanted = {k: v for k, v in self.headers.items() if k.lower() != "transfer-encoding"}
            behind.request(self.command, self.path, body, wanted | {"Content-Length": str(len(body))})
            given = behind.getresponse()
            status, headers, answer = given.status, dict(given.getheaders()), given.read()
        self.send_response(status)
        for name, value in headers.items():
            if name.lower() not in ("content-length", "transfer-encoding", "connection", "date", "server"):
                self.send_header(name, value)
        length = (
            headers.get("Content-Length", str(len(answer))) if self.command == "HEAD" else str(len(answer))
        )
        self.send_header("Content-Length", length)
        self.end_headers()
        self.wfile.write(answer)

    do_GET = do_HEAD = do_PUT = do_POST = do_PATCH = _hand_on  # noqa: N815

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def door(registry):
    """The real registry behind a door that breaks down where a test wants it to."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Refusing) as server:
        server.behind, server.refuses, server.status = registry, re.compile("$^"), 503
        server.address = f"127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.mark.docker
@pytest.mark.xdist_group("docker")
@pytest.mark.parametrize(
    ("broken", "status", "arrived"),
    [
        pytest.param("/blobs/uploads/", 403, 0, id="layers"),
        pytest.param("/manifests/1.1.0-", 503, 0, id="version"),
        pytest.param("/manifests/20261122", 403, 1, id="date"),
        pytest.param("/manifests/cu130-notebook$", 503, 2, id="moving tag"),
    ],
)
def test_a_broken_push_leaves_the_moving_tag_and_is_completed_by_the_next(
    door, tiny, broken, status, arrived
):
    """Wherever it breaks: what a course follows names the old image until all of the new one is there."""
    client = engine.connect()
    first = publish(client, tiny(b"first"), names(door.address, "1.0.0"), print)
    second, later = tiny(b"second"), names(door.address, "1.1.0", CREATED + timedelta(days=1))
    door.refuses, door.status = re.compile(broken), status
    with pytest.raises(ImagesError, match="the registry refused") as told:
        publish(client, second, later, print)
    assert "\n" not in str(told.value)
    assert digest(later.moving) == first.partition("@")[2]
    there = [digest(tag) for tag in later.immutable]
    assert sum(found is not None for found in there) == arrived
    door.refuses = re.compile("$^")
    pinned = publish(client, second, later, print)
    assert {digest(tag) for tag in (*later.immutable, later.moving)} == {pinned.partition("@")[2]}
    assert pinned != first
    assert pulled(pinned) == client.images.get(second).id


@pytest.mark.docker
@pytest.mark.xdist_group("docker")
def test_a_registry_that_does_not_answer_is_told_in_one_line(tiny):
    found = names("127.0.0.1:1", "1.0.0")
    with pytest.raises(ImagesError, match="cannot be asked") as told:
        publish(engine.connect(), tiny(b"first"), found, print)
    assert "\n" not in str(told.value)


@pytest.mark.docker
@pytest.mark.xdist_group("docker")
def test_the_programs_tag_and_push(registry, image):
    """The built image through both commands. It is large, so it is tagged here and pushed by name only."""
    repository = f"{registry}/deepdesign"
    done = subprocess.run(
        [PROGRAM, "tag", image, "--repository", repository], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    client = engine.connect()
    try:
        assert all(client.images.get(line.split()[0]).id == client.images.get(image).id for line in lines)
        assert f"{repository}:cu130-notebook-free  (moves with the next release)" in lines
        revision = client.images.get(image).labels["org.opencontainers.image.revision"]
        if revision.endswith("-dirty"):
            refused = subprocess.run(
                [PROGRAM, "push", image, "--repository", repository],
                capture_output=True,
                text=True,
                check=False,
            )
            assert refused.returncode == 1
            assert "nobody can build again" in refused.stderr
    finally:
        for line in lines:
            client.images.remove(line.split()[0])
