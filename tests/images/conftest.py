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

    Free of nvdiffrast, whose source is on no package registry, unless ``options`` name a checkout.
    """
    free = () if "--nvdiffrast" in options else ("--free",)
    done = subprocess.run(
        [PROGRAM, "build", *free, "--tag", name, "--ca", ca_bundle, *options],
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
    with serving(tmp_path) as address:
        yield address


@contextlib.contextmanager
def serving(
    folder: Path,
    *,
    host: str = "127.0.0.1",
    tls: dict[str, str] | None = None,
    auth: dict[str, object] | None = None,
) -> Iterator[str]:
    """A real registry with its files in ``folder``; ``tls`` and ``auth`` as its configuration has them."""
    need("docker-registry")
    with socket.socket() as free:
        free.bind((host, 0))
        address = f"{host}:{free.getsockname()[1]}"
    settings = {
        "version": "0.1",
        "storage": {"filesystem": {"rootdirectory": str(folder / "registry")}},
        "http": {"addr": address} | ({"tls": tls} if tls else {}),
    } | ({"auth": auth} if auth else {})
    written = folder / "registry.yml"
    written.write_text(yaml.safe_dump(settings))
    log = (folder / "registry.log").open("w")
    with log, subprocess.Popen(["docker-registry", "serve", written], stdout=log, stderr=log) as server:
        try:
            _until_it_listens(host, int(address.rpartition(":")[2]))
            yield address
        finally:
            server.terminate()


def _until_it_listens(host: str, port: int) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            socket.create_connection((host, port), timeout=5).close()
        except OSError:
            assert time.monotonic() < deadline, f"{host}:{port} does not answer"
            time.sleep(0.1)
        else:
            return
