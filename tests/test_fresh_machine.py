"""What the README promises, on a Debian that has python3, git and make and never saw this project."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest
from docker.models.images import Image

from images.base import provide
from images.engine import connect
from images.matrix import load
from tests.needs import need

pytestmark = [pytest.mark.docker, pytest.mark.xdist_group("docker")]

ROOT = Path(__file__).parent.parent
FRESH = """
FROM {base}
RUN apt-get update -q=2 \\
 && apt-get install -q=2 -y --no-install-recommends ca-certificates git make python3 python3-venv >/dev/null
"""


@pytest.fixture(scope="module")
def engine() -> docker.DockerClient:
    need("docker")
    return connect()


@pytest.fixture(scope="module")
def fresh(engine: docker.DockerClient, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Image]:
    """A Debian with what the README asks for, and nothing else."""
    context = tmp_path_factory.mktemp("fresh")
    base = provide(engine, load().base, print)
    (context / "Dockerfile").write_text(FRESH.format(base=base.reference))
    image, _ = engine.images.build(path=str(context), rm=True)
    yield image
    engine.images.remove(str(image.id), force=True)


def test_the_copy_in_storage_brings_things_back_in_an_image_that_is_not_ours(
    engine: docker.DockerClient, fresh: Image, tmp_path: Path
) -> None:
    storage = tmp_path / "storage"
    (storage / "cfg").mkdir(parents=True)
    (storage / "pre-run.sh").write_text("export COURSE=arch\n")
    (storage / "cfg/bootstrap.yaml").write_text("commands: {greet: echo hello}\n")
    here = [sys.executable, "-I", "-m", "bootstrap", "install", "--storage", str(storage)]
    subprocess.run([*here, "--home", str(tmp_path)], check=True, capture_output=True)
    # The hook names the storage by its path, so a container must see it there.
    mounts = {str(storage): {"bind": str(storage), "mode": "rw"}}

    def notebook(script: str) -> str:
        command = ["sh", "-euc", f". {storage}/pre-run.sh; {script}"]
        said = engine.containers.run(fresh, command, volumes=mounts, network_disabled=True, remove=True)
        return str(said.decode())

    first = "umask 000; echo key >~/.ssh/id_x; greet first $COURSE; git config --global user.name Anna"
    assert notebook(first) == "hello first arch\n"
    second = "greet second; cat ~/.ssh/id_x; stat -Lc %a ~/.ssh/id_x; git config --global user.name"
    assert notebook(second) == "hello second\nkey\n600\nAnna\n"
    alone = "deepdesign-bootstrap uninstall >&2; find ~ -type l | wc -l; cat ~/.ssh/id_x"
    assert notebook(alone) == "0\nkey\n"
    assert (storage / "pre-run.sh").read_text() == "export COURSE=arch\n"
    assert (storage / "cfg/.ssh/id_x").read_text() == "key\n"


def test_make_demo_works_from_a_clone_in_an_empty_folder(
    engine: docker.DockerClient, fresh: Image, tmp_path: Path
) -> None:
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "--quiet", "--no-hardlinks", str(ROOT), str(clone)], check=True)
    mounts = {str(tmp_path): {"bind": "/home/student", "mode": "rw"}}
    environment = {"HOME": "/home/student"}
    # A network that re-signs TLS says so in this variable; the fresh machine's system store knows that CA.
    if ca := os.environ.get("SSL_CERT_FILE"):
        mounts[ca] = {"bind": "/etc/ssl/certs/ca-certificates.crt", "mode": "ro"}

    command = ["make", "demo", "DEMO=--size 160 --iterations 4"]
    container = engine.containers.create(
        fresh, command, working_dir="/home/student/clone", volumes=mounts, environment=environment
    )
    try:
        container.start()
        status = container.wait(timeout=600)["StatusCode"]
        said = container.logs().decode(errors="replace")
    finally:
        container.remove(force=True, v=True)

    assert status == 0, said[-3000:]
    made = clone / "outputs" / "demo"
    assert (made / "temple.png").stat().st_size > 10_000
    assert (made / "temple.html").exists()
    assert (made / "temple.run.json").exists()
    # The link in the home names the path that the storage has inside the container.
    assert (made / "home-of-machine-2" / ".ssh").is_symlink()
    key = made / "storage" / "cfg" / ".ssh" / "id_ed25519"
    assert key.stat().st_mode & 0o777 == 0o600
    assert "hello from the studio" in said
    for name in ("temple.png", "temple.html", "side-by-side.jpg"):
        assert name in said
    shutil.rmtree(clone)
