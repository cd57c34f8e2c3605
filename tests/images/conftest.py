"""The image under test, built once by the real program, and gone afterwards."""

import contextlib
import os
import secrets
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
import yaml

from images import engine
from images.matrix import load
from images.subject import Subject
from tests.needs import need

PROGRAM = Path(sys.executable).with_name("deepdesign-images")


@pytest.fixture(scope="session")
def secret() -> str:
    """A line in the CA bundle that every build of these tests is given.

    BuildKit's cache does not know secrets, so the line is always the same one: a layer that an earlier run
    made with it is found too.
    """
    return "deepdesign-test-secret-6f1c0a5e9b7d4c32"


@pytest.fixture(scope="session")
def ca_bundle(tmp_path_factory: pytest.TempPathFactory, secret: str) -> Path:
    """What this machine trusts, with ``secret`` as a comment in it."""
    trusted = os.environ.get("SSL_CERT_FILE") or ssl.get_default_verify_paths().cafile
    assert trusted, "this machine trusts no CA at all"
    bundle = tmp_path_factory.mktemp("ca") / "bundle.pem"
    bundle.write_text(f"# {secret}\n{Path(trusted).read_text()}")
    return bundle


@contextlib.contextmanager
def build(name: str, ca_bundle: Path, *options: str) -> Iterator[str]:
    """The image ``name``, built from this working tree by the real program; removed at the end.

    Free of nvdiffrast, whose source is on no package registry: that stage is built by hand from a checkout.
    """
    done = subprocess.run(
        [PROGRAM, "build", "--free", "--tag", name, "--ca", ca_bundle, *options],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    assert name in done.stdout
    try:
        yield name
    finally:
        engine.connect().images.remove(name, force=True)


@pytest.fixture(scope="session")
def image(ca_bundle: Path) -> Iterator[str]:
    """The default image's name."""
    need("docker")
    with build(f"deepdesign-test:{secrets.token_hex(6)}", ca_bundle) as name:
        yield name


@pytest.fixture(scope="session")
def subject(image: str, ca_bundle: Path) -> Subject:
    """The same, as checks take it."""
    return Subject(engine.connect(), image, load(), ca_bundle)


@pytest.fixture
def registry(tmp_path) -> Iterator[str]:
    """The address of a real registry on loopback, which engines speak to without TLS."""
    need("docker")
    need("docker-registry")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    settings = tmp_path / "registry.yml"
    storage = {"filesystem": {"rootdirectory": str(tmp_path / "registry")}}
    settings.write_text(yaml.safe_dump({"version": "0.1", "storage": storage, "http": {"addr": address}}))
    log = (tmp_path / "registry.log").open("w")
    with (
        log,
        subprocess.Popen(["docker-registry", "serve", settings], stdout=log, stderr=log) as server,
    ):
        try:
            _until_it_answers(f"http://{address}/v2/")
            yield address
        finally:
            server.terminate()


def _until_it_answers(url: str) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            requests.get(url, timeout=5).raise_for_status()
        except requests.RequestException:
            assert time.monotonic() < deadline, f"{url} does not answer"
            time.sleep(0.1)
        else:
            return
