"""What a check is given: an image in an engine, and the way to start it that cleans up behind itself."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from images import container
from images.errors import ImagesError, UsageError
from images.matrix import Choice, Matrix
from images.platforms import GRADIENT, Platform

if TYPE_CHECKING:
    from docker import DockerClient


class CheckError(ImagesError):
    """The image does not do what it promises."""


def ensure(condition: object, otherwise: str) -> None:
    """Raise CheckError(``otherwise``) unless ``condition`` holds, also under ``python -O``."""
    if not condition:
        raise CheckError(otherwise)


@dataclass(frozen=True)
class Subject:
    """An image under test."""

    client: "DockerClient"
    image: str
    matrix: Matrix
    ca: Path | None = None  # what containers that download must trust

    @cached_property
    def config(self) -> dict[str, Any]:
        """The image's configuration as the engine has it. Raises UsageError when there is no such image."""
        from docker.errors import ImageNotFound

        try:
            return dict(self.client.images.get(self.image).attrs["Config"])
        except ImageNotFound:
            raise UsageError(
                f"the engine has no image {self.image}; build it with: deepdesign-images build"
            ) from None

    @property
    def labels(self) -> dict[str, str]:
        """The image's labels."""
        return dict(self.config.get("Labels") or {})

    @property
    def choice(self) -> Choice:
        """The matrix row that the image says it was made from. Raises UsageError for another's image."""
        try:
            return self.matrix.choose(
                self.labels["deepdesign.variant"],
                self.labels["deepdesign.flavour"],
                free=self.labels["deepdesign.nvdiffrast"] == "none",
            )
        except KeyError as error:
            raise UsageError(
                f"{self.image} is no image of this project, it lacks the label {error}"
            ) from None

    def output(self, *command: str, **options: Any) -> str:
        """What ``command`` prints in a fresh container of this image, on either stream, without a network."""
        options = {"network_mode": "none", **options}
        with container.running(self.client, self.image, command, **options) as started:
            status = started.wait()
            ensure(status == 0, f"`{' '.join(command)}` ended with status {status}: {started.logs().strip()}")
            return started.logs()

    @contextlib.contextmanager
    def started(
        self, storage: str | None = None, platform: Platform = GRADIENT, **options: Any
    ) -> Iterator[container.Running]:
        """The image as ``platform`` starts it, with ``storage`` (a volume's name) in its place."""
        with container.started(self.client, self.image, platform, storage, **options) as running:
            yield running

    @contextlib.contextmanager
    def volume(self) -> Iterator[str]:
        """The name of an empty volume."""
        with container.volume(self.client) as made:
            yield str(made.name)

    def write(self, volume: str, files: dict[str, str | bytes], mode: int = 0o644) -> None:
        """Put ``files`` (path in the volume: content) into ``volume`` before anything is started on it."""
        with container.running(
            self.client, self.image, ["true"], volumes={volume: {"bind": "/v"}}
        ) as started:
            started.put("/v", files, mode)
