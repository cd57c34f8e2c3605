"""Names of an image in a repository: which never change, and which move on with the next release."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from images.errors import UsageError
from images.matrix import Choice

# The reference grammar of the OCI distribution specification, without a tag: [HOST[:PORT]/]PATH.
_REPOSITORY = re.compile(
    r"([a-zA-Z0-9.-]+(:\d+)?/)?[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*"
)


@dataclass(frozen=True)
class Tags:
    """Full names, ``REPOSITORY:TAG``."""

    immutable: tuple[str, ...]  # what a course pins: by version, and by date
    # What always means the newest. One alone: a registry changes one tag at once, and two never together.
    moving: str


def names(repository: str, choice: Choice, version: str, created: datetime | None) -> Tags:
    """Every tag of ``choice`` at ``version``; dated too when the time of its commit is known.

    ``0.1.0-cu130-notebook`` and ``20261121.2330-cu130-notebook`` never change, ``cu130-notebook`` moves. What
    is free of nvdiffrast ends in ``-free`` under every name.

    Raises UsageError when ``repository`` is no name of one.
    """
    if not _REPOSITORY.fullmatch(repository):
        raise UsageError(
            f"--repository: {repository!r} is no repository; it looks like example.org/deepdesign"
        )
    dates = [created.astimezone(UTC).strftime("%Y%m%d.%H%M")] if created else []
    immutable = tuple(f"{repository}:{prefix}-{choice.name}" for prefix in (version, *dates))
    return Tags(immutable, f"{repository}:{choice.name}")


def of(labels: Mapping[str, str], choice: Choice, repository: str) -> Tags:
    """The tags of a built image, from what its labels say. Raises UsageError for one without a version."""
    try:
        version = labels["org.opencontainers.image.version"]
    except KeyError as error:
        raise UsageError(f"the image does not say its version, it lacks the label {error}") from None
    stated = labels.get("org.opencontainers.image.created")
    created = datetime.fromisoformat(stated) if stated else None
    return names(repository, choice, version, created)
