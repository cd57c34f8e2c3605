"""The Docker engine: reached through the SDK, with one plain sentence when it is not there."""

import errno
import shutil
import subprocess
from typing import TYPE_CHECKING

from images import causes
from images.errors import ImagesError

if TYPE_CHECKING:
    from docker import DockerClient


def connect() -> "DockerClient":
    """A client of the engine that the environment names (``DOCKER_HOST``), tried with a ping.

    Raises ImagesError when the SDK is not installed or no engine answers.
    """
    try:
        import docker
    except ImportError:
        raise ImagesError(
            'the Docker SDK is not installed; install it with: pip install "deepdesign[images]"'
        ) from None
    try:
        client = docker.from_env(timeout=120)
        client.ping()
    except (docker.errors.DockerException, OSError) as error:
        raise ImagesError(
            "no Docker engine answers; start Docker (or name its address in DOCKER_HOST) and try again "
            f"({_innermost(error)})"
        ) from error
    return client


def require_buildx() -> None:
    """The SDK speaks only the old builder, so BuildKit is asked through the client's plugin.

    https://github.com/docker/docker-py/issues/2230. Raises ImagesError when client or plugin is missing.
    """
    if not shutil.which("docker"):
        raise ImagesError("the docker command, which speaks to BuildKit, is missing; install docker-cli")
    asked = subprocess.run(
        ["docker", "buildx", "version"], stdin=subprocess.DEVNULL, capture_output=True, check=False
    )
    if asked.returncode:
        raise ImagesError("the docker command has no buildx plugin; install docker-buildx")


def explain(error: Exception) -> str:
    """An engine's (or any unexpected) error in one line."""
    said = str(getattr(error, "explanation", None) or error or type(error).__name__)
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        # This program's own files, not the engine's.
        return f"the disk is full where {error.filename or 'the output'} goes; TMPDIR may name another one"
    said = causes.of_a_build(said) or said
    if "port is already allocated" in said or "address already in use" in said:
        said = "the port is taken; name another one with --port"
    return " ".join(said.split())


def _innermost(error: BaseException) -> str:
    while error.__cause__ or error.__context__:
        error = error.__cause__ or error.__context__ or error
    return str(error)
