"""The default image: seconds to build, bytes by layer and package, seconds from `docker run` to a JupyterLab.

Builds three times (nothing cached; everything cached; one line of a technique changed): ten minutes, 20 GB
of disk and a Docker engine.
"""

import json
import shutil
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, BinaryIO

from benchmarks.record import record
from images import engine, project
from images.container import started
from images.platforms import GRADIENT

TAG = "deepdesign-bench:now"
# As images/Dockerfile stacks them; BuildKit's own history names some after a step of another stage.
LAYERS = (
    "base",
    "Debian packages of every image",
    "working directory",
    "Debian packages of a notebook",
    "virtual environment",
    "torch and CUDA",
    "JupyterLab and the rest",
    "nvdiffrast (not in a free image)",
    "networks",
    "this project but for its techniques",
    "techniques",
)
PROGRAM = Path(sys.executable).with_name("deepdesign-images")


def build(source: Path, *options: str) -> float:
    """Seconds that a build takes; the base is in the engine already."""
    command = [PROGRAM, "build", "--free", "--quiet", "--tag", TAG, "--source", source, *options]
    begun = time.perf_counter()
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    return round(time.perf_counter() - begun, 1)


def copy_of_checkout(folder: Path) -> Path:
    """What an image is made from, and no more."""
    root = project.find().root
    ignored = shutil.ignore_patterns(".git", ".venv", ".*_cache", "__pycache__", "outputs", "build", "dist")
    return Path(shutil.copytree(root, folder / "checkout", ignore=ignored))


class Chunks:
    """The SDK's chunks of `docker save` as the file that tarfile wants."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self.chunks, self.rest = chunks, b""

    def read(self, size: int) -> bytes:
        while len(self.rest) < size and (chunk := next(self.chunks, b"")):
            self.rest += chunk
        read, self.rest = self.rest[:size], self.rest[size:]
        return read


def gzip_size(stream: BinaryIO) -> int:
    """Bytes after gzip at level 6, what a registry stores and a pull transfers."""
    packer, size = zlib.compressobj(6, wbits=31), 0
    while chunk := stream.read(4 * 2**20):
        size += len(packer.compress(chunk))
    return size + len(packer.flush())


def layers(image: Any, known: frozenset[str] = frozenset()) -> dict[str, dict[str, Any]]:
    """Layers that are not ``known``, lowest first: what each is, unpacked and compressed bytes."""
    sizes: dict[str, tuple[int, int]] = {}
    texts: dict[str, bytes] = {}
    with tarfile.open(fileobj=Chunks(image.save(chunk_size=4 * 2**20)), mode="r|") as archive:  # type: ignore[call-overload]
        for member in archive:
            stream = archive.extractfile(member)
            if stream is None or member.name in known:
                continue
            if member.size > 100_000:
                sizes[member.name] = (member.size, gzip_size(stream))
            else:
                # Small files are the lists of layers, or small layers themselves.
                texts[member.name] = stream.read()
    for name, content in texts.items():
        sizes.setdefault(name, (len(content), len(zlib.compress(content, 6, wbits=31))))
    manifest = json.loads(texts["manifest.json"])[0]
    return {
        name: {
            "layer": what,
            "bytes": sizes[name][0],
            "gzip_bytes": sizes[name][1],
        }
        for name, what in zip(manifest["Layers"], LAYERS, strict=True)
        if name not in known
    }


# Runs inside the image: each package's files, unpacked and after gzip, those of less than 5 MB together.
PACKAGES = """
import json, zlib
from importlib.metadata import distributions
sizes, rest = {}, [0, 0]
for distribution in distributions():
    packer, unpacked, packed = zlib.compressobj(6, wbits=31), 0, 0
    for file in map(distribution.locate_file, distribution.files or ()):
        if not file.is_file() or file.is_symlink():
            continue
        with file.open("rb") as stream:
            while chunk := stream.read(4 << 20):
                unpacked += len(chunk)
                packed += len(packer.compress(chunk))
    packed += len(packer.flush())
    if unpacked < 5e6:
        rest = [rest[0] + unpacked, rest[1] + packed]
    else:
        sizes[distribution.name] = {"bytes": unpacked, "gzip_bytes": packed}
sizes = dict(sorted(sizes.items(), key=lambda item: -item[1]["gzip_bytes"]))
print(json.dumps(sizes | {"all others": {"bytes": rest[0], "gzip_bytes": rest[1]}}))
"""


def packages(client: Any) -> dict[str, dict[str, int]]:
    """Bytes of every Python package, the largest first."""
    said = client.containers.run(TAG, ["python", "-c", PACKAGES], network_mode="none", remove=True)
    return dict(json.loads(said))


def seconds_to_jupyter(client: Any) -> float:
    """From `docker run` on an empty volume's first start to an answer of /api/status."""
    volume = client.volumes.create()
    begun = time.perf_counter()
    try:
        with started(client, TAG, GRADIENT, volume.name) as running:
            running.jupyter()
            return time.perf_counter() - begun
    finally:
        volume.remove(force=True)


def main() -> None:
    client = engine.connect()
    with tempfile.TemporaryDirectory() as folder:
        # A copy, so that nobody's edits change what is measured.
        source = copy_of_checkout(Path(folder))
        cold = build(source, "--no-cache")
        try:
            warm = build(source)
            with ThreadPoolExecutor() as pool:
                by_package = pool.submit(packages, client)
                before = layers(client.images.get(TAG))
            starts = [seconds_to_jupyter(client) for _ in range(5)]
            with (source / "techniques" / "__init__.py").open("a") as module:
                module.write("# one line\n")
            edited = build(source)
            changed = layers(client.images.get(TAG), frozenset(before))
        finally:
            client.images.remove(TAG, force=True)
    record(
        "image_build",
        {
            "seconds": {"cold": cold, "warm": warm, "one_line_of_a_technique": edited},
            "bytes": sum(layer["bytes"] for layer in before.values()),
            "gzip_bytes": sum(layer["gzip_bytes"] for layer in before.values()),
            "gzip_bytes_after_one_line_of_a_technique": sum(
                layer["gzip_bytes"] for layer in changed.values()
            ),
            "layers": list(before.values()),
            "packages": by_package.result(),
            "seconds_to_jupyter": {
                "median": round(statistics.median(starts), 2),
                "runs": [round(value, 2) for value in starts],
            },
        },
    )


if __name__ == "__main__":
    main()
