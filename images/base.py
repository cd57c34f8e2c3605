"""The Debian under every image: pulled by digest, or made from its packages where no registry answers."""

import os
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING

from images.errors import ImagesError, UsageError
from images.matrix import Base

if TYPE_CHECKING:
    from docker import DockerClient

# A root file system as `debootstrap --variant=minbase` leaves it, for machines that have one already.
TAR_VARIABLE = "DEEPDESIGN_BASE_TAR"

# What the published slim image leaves out too; licences stay.
_DROPPED = (
    "usr/share/doc/*",
    "usr/share/info/*",
    "usr/share/man/*",
    "usr/share/groff/*",
    "usr/share/locale/*",
    "usr/share/lintian/*",
    "var/cache/*/*",
    "var/lib/apt/lists/*",
    "var/log/*",
    "debootstrap/*",
    "etc/machine-id",
    "etc/hostname",
    "etc/resolv.conf",
)
_KEPT = ("usr/share/doc/*/copyright", "usr/share/locale/locale.alias")


@dataclass(frozen=True)
class Found:
    """A base that the engine has now."""

    reference: str  # what FROM names
    source: str  # "registry" or "debian-packages"


def provide(client: "DockerClient", base: Base, say: Callable[[str], None]) -> Found:
    """Have ``base`` in the engine, and say how it came there.

    Raises ImagesError when it can neither be pulled nor made.
    """
    refused = _pull(client, base, say)
    if refused is None:
        return Found(base.reference, "registry")
    # The published digest is in the name, so that a newer matrix row makes its base anew.
    name = f"deepdesign-base:{base.suite}-{base.digest.removeprefix('sha256:')[:12]}"
    say(f"no registry gives {base.image} ({refused}); the base is made from Debian's packages instead")
    if not client.images.list(name=name):
        _make(client, base, name, say)
    return Found(name, "debian-packages")


def _pull(client: "DockerClient", base: Base, say: Callable[[str], None]) -> str | None:
    """None when the engine has the base under its digest, else why it does not."""
    from docker.errors import APIError, ImageNotFound

    try:
        client.images.get(base.reference)
    except ImageNotFound:
        say(f"pulling {base.reference}")
    else:
        return None
    try:
        client.images.pull(base.reference)
    except APIError as error:
        return str(error.explanation or error)
    return None


def _make(client: "DockerClient", base: Base, name: str, say: Callable[[str], None]) -> None:
    with tempfile.TemporaryDirectory(prefix="deepdesign-base.") as folder:
        given = os.environ.get(TAR_VARIABLE)
        full = Path(given) if given else _debootstrap(base, Path(folder), say)
        slim_tar = Path(folder) / "slim.tar"
        try:
            slim(full, slim_tar)
        except (OSError, tarfile.TarError) as error:
            raise UsageError(f"the base {full} cannot be read as a tar archive: {error}") from error
        with slim_tar.open("rb") as stream:
            repository, _, tag = name.partition(":")
            client.api.import_image_from_data(
                stream, repository=repository, tag=tag, changes=['CMD ["bash"]']
            )


def _debootstrap(base: Base, folder: Path, say: Callable[[str], None]) -> Path:
    if not shutil.which("debootstrap"):
        raise ImagesError(
            "no registry gives the base image and debootstrap, which makes it from packages, is missing; "
            "install debootstrap or log in to a registry"
        )
    if os.geteuid() != 0:
        raise ImagesError("no registry gives the base image, and making it with debootstrap needs root")
    root, packed = folder / "root", folder / "full.tar"
    say("debootstrap: about half a minute")
    done = subprocess.run(
        ["debootstrap", "--variant=minbase", base.suite, str(root)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        last = (done.stdout + done.stderr).strip().splitlines()[-1:]
        raise ImagesError(f"debootstrap could not make {base.suite}: {' '.join(last)}")
    subprocess.run(["tar", "-C", str(root), "-cf", str(packed), "."], check=True, stdin=subprocess.DEVNULL)
    return packed


def slim(full: Path, target: Path) -> None:
    """Copy the tar archive ``full`` to ``target`` without documentation, caches and this machine's names."""
    with tarfile.open(full) as source, tarfile.open(target, "w") as result:
        for member in source:
            path = member.name.removeprefix("./")
            if _is_dropped(path) and not (member.isdir() and path.startswith("var/")):
                continue
            result.addfile(member, source.extractfile(member) if member.isreg() else None)


def _is_dropped(path: str) -> bool:
    if any(fnmatch(path, pattern) for pattern in _KEPT):
        return False
    return any(fnmatch(path, pattern) for pattern in _DROPPED)
