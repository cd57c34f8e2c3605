"""Publishing: first what never changes, then, in one step of the registry's, the tag that moves."""

import json
import re
import subprocess
from collections.abc import Callable
from typing import TYPE_CHECKING

from images.causes import of_a_registry
from images.errors import ImagesError
from images.tags import Tags

if TYPE_CHECKING:
    from docker import DockerClient

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
# How registries say that there is no such tag, as buildx hands it on.
_ABSENT = ("not found", "manifest unknown", "name unknown", "MANIFEST_UNKNOWN", "NAME_UNKNOWN")


def publish(
    client: "DockerClient", image: str, tags: Tags, say: Callable[[str], None], *, move: bool = True
) -> str:
    """Push ``image`` under its ``tags``, with ``move`` also the one that moves; returns what to pin,
    ``REPOSITORY@sha256:...``.

    What an earlier, broken push has left is completed. Raises ImagesError when the registry refuses, or has
    something else under a tag that never changes: the moving tag is then what it was.
    """
    digests = {_push_once(client, image, tag, say) for tag in tags.immutable}
    if len(digests) != 1:
        raise ImagesError(f"the registry gave one image several digests: {', '.join(sorted(digests))}")
    if move:
        digests.add(_push(client, image, tags.moving, say))
    return f"{_repository(tags.moving)}@{digests.pop()}"


def digest(reference: str) -> str | None:
    """What ``reference`` names in its registry; None when there is no such tag.

    Raises ImagesError when the registry cannot be asked.
    """
    done = _inspect(reference, "--format", "{{.Manifest.Digest}}")
    if done.returncode == 0 and (found := _DIGEST.search(done.stdout)):
        return found[0]
    said = (done.stderr.strip().splitlines() or [f"docker ended with status {done.returncode}"])[-1]
    if any(words in said for words in _ABSENT):
        return None
    raise ImagesError(f"the registry cannot be asked about {reference}: {of_a_registry(said)}")


def _push_once(client: "DockerClient", image: str, tag: str, say: Callable[[str], None]) -> str:
    there = digest(tag)
    if there is None:
        return _push(client, image, tag, say)
    # Engines name an image by the digest of its configuration, newer ones by its manifest's.
    if client.images.get(image).id not in (there, _configuration(f"{_repository(tag)}@{there}")):
        raise ImagesError(
            f"{tag} is published already and holds something else; what is published never changes, "
            "so raise the version in pyproject.toml"
        )
    say(f"{tag} is published already")
    return there


def _push(client: "DockerClient", image: str, tag: str, say: Callable[[str], None]) -> str:
    repository, _, name = tag.rpartition(":")
    client.images.get(image).tag(repository, name)
    say(f"pushing {tag}")
    found = None
    for line in client.images.push(repository, tag=name, stream=True, decode=True):
        if "error" in line:
            raise ImagesError(f"the registry refused {tag}: {of_a_registry(str(line['error']))}")
        found = line.get("aux", {}).get("Digest") or found
    if not found:
        raise ImagesError(f"the registry gave no digest for {tag}")
    return str(found)


def _configuration(reference: str) -> str | None:
    try:
        return str(json.loads(_inspect(reference, "--raw").stdout)["config"]["digest"])
    except (ValueError, KeyError):
        return None


def _inspect(reference: str, *how: str) -> "subprocess.CompletedProcess[str]":
    line = ["docker", "buildx", "imagetools", "inspect", *how, reference]
    return subprocess.run(line, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)


def _repository(tag: str) -> str:
    return tag.rpartition(":")[0]
