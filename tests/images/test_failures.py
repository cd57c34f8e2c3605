"""What goes wrong outside of us: one line with what to do, the right exit status, and nothing left behind."""

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from images import engine, project
from images.container import MARK
from images.matrix import load
from tests.images.conftest import PROGRAM, serving
from tests.needs import need

in_docker = pytest.mark.usefixtures("nothing_is_left")

# bcrypt of "right", made with `htpasswd -B`.
HTPASSWD = "student:$2y$05$7cX7yK2uRZy1Yc3hG8bHFuTz0dVQ1JgC3f7nVvG0d8ZcO9R0sJm3e\n"


def run(*arguments: object, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [PROGRAM, *map(str, arguments)],
        env=env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def told(done: subprocess.CompletedProcess[str], status: int) -> str:
    """The one line of an error, after whatever progress there was."""
    lines = done.stderr.splitlines()
    assert done.returncode == status, done.stderr[-2000:]
    assert [line for line in lines if line.startswith("deepdesign-images: ")] == lines[-1:]
    assert "Traceback" not in done.stderr
    return lines[-1]


def ours() -> list[str]:
    """Containers, volumes and networks that this program made."""
    client, mine = engine.connect(), {"label": f"{MARK}=images"}
    found = [*client.containers.list(all=True, filters=mine), *client.volumes.list(filters=mine)]
    return [str(each.name) for each in [*found, *client.networks.list(filters=mine)]]


def builders() -> list[str]:
    """Processes that build one of these tests' images."""
    lines = (path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if _readable(path))
    return [line.decode() for line in lines if b"buildx" in line and b"deepdesign-failing" in line]


def _readable(path: Path) -> bool:
    with contextlib.suppress(OSError):
        return bool(path.read_bytes())
    return False


@pytest.fixture
def nothing_is_left() -> Iterator[None]:
    need("docker")
    yield
    assert not ours()
    assert not builders()
    assert not engine.connect().images.list(name="deepdesign-failing")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """What an image is made from, to be changed."""
    ignored = shutil.ignore_patterns(".git", ".venv", ".*_cache", "__pycache__", "outputs", "build", "dist")
    return Path(shutil.copytree(project.find().root, tmp_path / "checkout", ignore=ignored))


def build(source: Path, *options: object) -> subprocess.CompletedProcess[str]:
    wanted = ("--free", "--flavour", "runtime", "--tag", "deepdesign-failing:now", "--quiet")
    return run("build", *wanted, "--source", source, *options)


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


# The engine


@pytest.mark.parametrize("command", ["build", "test", "notebook", "tag", "push", "sbom", "diff"])
def test_without_an_engine_every_command_says_so(command, tmp_path):
    nowhere = {**os.environ, "DOCKER_HOST": f"unix://{tmp_path}/docker.sock"}
    assert "no Docker engine answers; start Docker" in told(run(command, env=nowhere), 1)


# The lock


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        ("pyproject.toml", '"click>=8.1"', '"click>=99"', "click>=99 is asked for and they hold 8"),
        ("pyproject.toml", '"click>=8.1"', '"click>=8.1", "leftpad"', "leftpad is asked for and is in none"),
        ("images/matrix.yaml", "torch: 2.14.1", "torch: 2.14.0", "torch==2.14.0 is asked for and they hold"),
    ],
)
def test_a_stale_lock_is_refused_before_anything_is_built(checkout, file, old, new, said, tmp_path):
    change(checkout / file, old, new)
    nowhere = {**os.environ, "DOCKER_HOST": f"unix://{tmp_path}/docker.sock"}
    line = told(run("build", "--source", checkout, env=nowhere), 2)
    assert said in line
    assert "deepdesign-images lock" in line


@pytest.mark.docker
@pytest.mark.xdist_group("docker")
@in_docker
def test_a_download_that_is_not_the_locked_one_is_refused(checkout, ca_bundle):
    lock = checkout / "images/locks/cu130-runtime.txt"
    hashes = re.compile(r"(click==\S+ \\\n)(    --hash=sha256:[0-9a-f]{64}(?: \\)?\n?)+")
    text, count = hashes.subn(rf"\g<1>    --hash=sha256:{'0' * 64}\n", lock.read_text())
    assert count == 1
    lock.write_text(text)
    assert "not the one in the lock file" in told(build(checkout, "--ca", ca_bundle), 1)


# The network


@pytest.fixture
def strange_ca(tmp_path: Path) -> tuple[Path, Path, str]:
    """A certificate that nobody trusts, its key, and the address on which engines insist on one."""
    need("docker")
    bridge = engine.connect().networks.get("bridge").attrs["IPAM"]["Config"][0]
    address = bridge["Gateway"]
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    subprocess.run(
        [
            *(
                "openssl",
                "req",
                "-x509",
                "-newkey",
                "rsa:2048",
                "-nodes",
                "-days",
                "2",
                "-subj",
                "/CN=nobody",
            ),
            *("-addext", f"subjectAltName=IP:{address}", "-keyout", key, "-out", certificate),
        ],
        check=True,
        capture_output=True,
    )
    return certificate, key, address


@pytest.mark.docker
@pytest.mark.xdist_group("docker")
@in_docker
def test_a_ca_that_did_not_sign_the_index_is_told(checkout, strange_ca):
    # Otherwise the step that downloads with it is in the cache.
    with (checkout / "requirements/uv.txt").open("a") as requirements:
        requirements.write(f"# {time.time_ns()}\n")
    line = told(build(checkout, "--ca", strange_ca[0]), 1)
    assert "certificates are not trusted; hand in your firm's CA with --ca FILE" in line


@pytest.mark.docker
@pytest.mark.xdist_group("docker")
@in_docker
def test_without_registry_and_packages_the_base_is_said_to_be_missing(checkout, ca_bundle):
    """In a network of its own that leads nowhere; the engine's socket is a file and still there."""
    need("mounts")
    change(checkout / "images/matrix.yaml", "debian:trixie-slim", "127.0.0.1:1/debian:trixie-slim")
    change(checkout / "images/matrix.yaml", "sha256:d7e1", "sha256:0000")
    environment = {name: value for name, value in os.environ.items() if name != "DEEPDESIGN_BASE_TAR"}
    line = ["unshare", "--net", PROGRAM, "build", "--free", "--source", checkout, "--ca", ca_bundle]
    done = subprocess.run(line, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert "debootstrap could not make trixie" in told(done, 1)
    assert "connection refused" in done.stderr


@pytest.fixture
def published(nothing_is_left) -> Iterator[str]:
    """A small image that says of itself what push asks for."""
    client, name = engine.connect(), "deepdesign-published:now"
    choice = load().choose(free=True)
    labels = {
        "deepdesign.variant": choice.variant.name,
        "deepdesign.flavour": choice.flavour.name,
        "deepdesign.nvdiffrast": "none",
        "org.opencontainers.image.version": "1.0.0",
        "org.opencontainers.image.revision": "0123abcd",
    }
    client.api.import_image_from_data(
        _empty_tar(), *name.split(":"), changes=[f"LABEL {key}={value}" for key, value in labels.items()]
    )
    yield name
    client.images.remove(client.images.get(name).id, force=True)


def _empty_tar() -> bytes:
    return bytes(10240)


@pytest.mark.docker
@pytest.mark.xdist_group("docker")
def test_a_registry_that_wants_a_login_is_told(published, tmp_path):
    passwords = tmp_path / "htpasswd"
    passwords.write_text(HTPASSWD)
    with serving(tmp_path, auth={"htpasswd": {"realm": "course", "path": str(passwords)}}) as registry:
        line = told(run("push", published, "--repository", f"{registry}/deepdesign"), 1)
    assert "log in first, with: docker login" in line


@pytest.mark.docker
@pytest.mark.xdist_group("docker")
def test_a_registry_that_is_not_there_is_told(published):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    line = told(run("push", published, "--repository", f"127.0.0.1:{port}/deepdesign"), 1)
    assert "it does not answer" in line
    assert "connection refused" in line


@pytest.mark.docker
@pytest.mark.xdist_group("docker")
def test_a_registry_with_a_strange_certificate_is_told(published, strange_ca, tmp_path):
    certificate, key, address = strange_ca
    files = {"certificate": str(certificate), "key": str(key)}
    with serving(tmp_path, host=address, tls=files) as registry:
        line = told(run("push", published, "--repository", f"{registry}/deepdesign"), 1)
    assert "its certificate is not trusted; give the engine your firm's CA" in line


# The disk


@pytest.mark.docker
@pytest.mark.xdist_group("docker")
@in_docker
def test_a_disk_that_fills_while_building_is_told(checkout, ca_bundle):
    """A real one: the layer of packages is written to a file system of 5 MB."""
    step = "    UV_COMPILE_BYTECODE=0 with-ca uv pip install --no-cache"
    small = "    --mount=type=tmpfs,target=/layer,size=5000000 \\\n"
    change(checkout / "images/Dockerfile", step, small + step)
    assert "the disk is full" in told(build(checkout, "--ca", ca_bundle), 1)


@pytest.mark.docker
@pytest.mark.xdist_group("docker")
@in_docker
def test_a_full_temporary_folder_is_told(checkout, ca_bundle, tmp_path):
    """Where networks are laid out for BuildKit."""
    need("mounts")
    script = 'mount -t tmpfs -o size=64k none "$TMPDIR"; exec "$@"'
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-euc", script, "--", PROGRAM, "build", "--free", "--ca", ca_bundle],
        env={**os.environ, "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    line = told(done, 1)
    assert "the disk is full where" in line
    assert "TMPDIR" in line


def test_a_full_disk_under_the_output_is_told():
    with Path("/dev/full").open("w") as full:
        done = subprocess.run([PROGRAM, "list"], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert "the disk is full where the output goes" in told(done, 1)


# The user


@pytest.mark.docker
@pytest.mark.xdist_group("docker")
@in_docker
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name)
def test_a_check_that_is_stopped_takes_its_containers_along(image, number):
    with subprocess.Popen(
        [PROGRAM, "test", image, "--check", "starts-without-storage"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # Whoever starts the tests in the background of a script has them ignore Ctrl-C, and all they start.
        preexec_fn=lambda: signal.signal(number, signal.SIG_DFL),
    ) as process:
        _until(ours, 60)
        process.send_signal(number)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 130, said
    assert said.splitlines()[-1] == "deepdesign-images: interrupted"


@pytest.mark.docker
@pytest.mark.xdist_group("docker")
@in_docker
def test_a_build_that_is_stopped_takes_buildkit_along(checkout, ca_bundle):
    # A step that waits, in place of one that happens to be long.
    change(checkout / "images/Dockerfile", "FROM venv AS torch\n", "FROM venv AS torch\nRUN sleep 300\n")
    line = [PROGRAM, "build", "--free", "--tag", "deepdesign-failing:now", "--source", checkout]
    with subprocess.Popen(
        [*line, "--ca", ca_bundle], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr
        for text in process.stderr:
            if "RUN sleep 300" in text:
                break
        process.send_signal(signal.SIGTERM)
        said = process.stderr.read()
        process.wait(timeout=60)
    assert process.returncode == 130, said
    _until(lambda: not _sleeping(), 30)


def _sleeping() -> bool:
    lines = (path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if _readable(path))
    return any(line == b"sleep\x00300\x00" for line in lines)


def _until(condition, limit: float) -> None:
    deadline = time.monotonic() + limit
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)
