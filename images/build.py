"""Building one image: what is asked of BuildKit is decided first, as a plain value, and then run."""

import os
import subprocess
import sys
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from images import causes
from images.base import Found
from images.errors import ImagesError, UsageError
from images.lock import locks_hash
from images.matrix import Choice
from images.nvdiffrast import Source
from images.project import Project
from images.weights import Gathered

# Proxies are the machine's business: BuildKit knows these names and keeps them out of the image's history.
_PROXIES = ("http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")


@dataclass(frozen=True)
class BuildRequest:
    """Everything that makes a build what it is."""

    choice: Choice
    project: Project
    base: Found
    tags: tuple[str, ...]
    nvdiffrast: Source | None = None  # must be there for a choice that has it
    weights: Gathered | None = None
    ca: Path | None = None  # PEM bundle, seen by steps that download and in no layer
    no_cache: bool = False


def default_tag(choice: Choice, project: Project) -> str:
    """``deepdesign:VERSION-VARIANT-FLAVOUR``, with ``-free`` at its end for an image without nvdiffrast."""
    return f"deepdesign:{project.version}-{choice.name}"


def labels(request: BuildRequest) -> dict[str, str]:
    """What the image says about itself, by the OCI's names and, where there are none, by ours."""
    choice, project = request.choice, request.project
    variant = choice.variant
    published = request.base.source == "registry"
    rasteriser = choice.nvdiffrast
    return {
        "org.opencontainers.image.title": f"deepdesign {choice.name}",
        "org.opencontainers.image.description": f"{choice.flavour.summary} ({variant.summary})",
        "org.opencontainers.image.version": project.version,
        "org.opencontainers.image.revision": project.revision,
        **({"org.opencontainers.image.created": _date(project.epoch)} if project.epoch is not None else {}),
        "org.opencontainers.image.licenses": " AND ".join(sorted(set(choice.licences.values()))),
        "org.opencontainers.image.base.name": choice.base.image,
        # A base that was made here is not the published one, and must not pass for it.
        **({"org.opencontainers.image.base.digest": choice.base.digest} if published else {}),
        "deepdesign.base.source": request.base.source,
        "deepdesign.variant": variant.name,
        "deepdesign.flavour": choice.flavour.name,
        "deepdesign.cuda": variant.cuda,
        "deepdesign.torch": variant.torch,
        "deepdesign.torchvision": variant.torchvision,
        "deepdesign.python": choice.base.python,
        "deepdesign.architectures": " ".join(variant.architectures),
        "deepdesign.least-driver": str(variant.least_driver),
        "deepdesign.nvdiffrast": f"{rasteriser.version} non-commercial" if rasteriser else "none",
        **({"deepdesign.nvdiffrast.source": request.nvdiffrast.origin} if request.nvdiffrast else {}),
        "deepdesign.weights": " ".join(request.weights.names) if request.weights else "",
        "deepdesign.lock": locks_hash(choice, project.root / "images/locks"),
    }


def _date(epoch: int) -> str:
    return datetime.fromtimestamp(epoch, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def arguments(request: BuildRequest, environment: Mapping[str, str]) -> dict[str, str]:
    """What the Dockerfile's ARG lines are given."""
    return {
        "BASE": request.base.reference,
        "VARIANT": request.choice.variant.name,
        "FLAVOUR": request.choice.flavour.name,
        "STAGE": request.choice.flavour.stage,
        "NVDIFFRAST": "with" if request.choice.nvdiffrast else "without",
        "COMPILER": request.choice.variant.compiler,
        "TORCH_CUDA_ARCH_LIST": compute_capabilities(request.choice.variant.architectures),
        "WEIGHTS": " ".join(request.weights.names) if request.weights else "",
        "REVISION": request.project.revision,
        **{name: environment[name] for name in _PROXIES if environment.get(name)},
    }


def compute_capabilities(architectures: Sequence[str]) -> str:
    """``sm_75 sm_120`` as torch's compiler wants it: ``7.5;12.0+PTX``, newer cards by the last one's PTX."""
    numbers = (name.removeprefix("sm_") for name in architectures)
    return ";".join(f"{number[:-1]}.{number[-1]}" for number in numbers) + "+PTX"


def command(request: BuildRequest, environment: Mapping[str, str]) -> list[str]:
    """The ``docker buildx build`` line for ``request``."""
    root = request.project.root
    line = ["docker", "buildx", "build"]
    # The engine's own builder finds a base that was made locally; others ask a registry.
    line += ["--builder", "default", "--load", "--progress", "plain"]
    line += ["--file", str(root / "images/Dockerfile"), "--target", request.choice.flavour.stage]
    line += [
        part for pair in arguments(request, environment).items() for part in ("--build-arg", "=".join(pair))
    ]
    line += [part for pair in labels(request).items() for part in ("--label", "=".join(pair))]
    line += [part for tag in request.tags for part in ("--tag", tag)]
    if request.nvdiffrast:
        line += ["--build-context", f"nvdiffrast-source={request.nvdiffrast.context}"]
    if request.weights:
        line += ["--build-context", f"weights-source={request.weights.folder}"]
    if request.ca:
        line += ["--secret", f"id=ca,src={request.ca}"]
    if request.no_cache:
        line.append("--no-cache")
    return [*line, str(root)]


def check_ca(path: Path) -> Path:
    """The absolute path of a PEM bundle.

    Raises UsageError when there is none: BuildKit would say so only after minutes, and not plainly.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UsageError(f"--ca: {path} cannot be read ({error.strerror}); name a PEM file") from error
    if b"-----BEGIN CERTIFICATE-----" not in content:
        raise UsageError(f"--ca: {path} holds no certificate in PEM form")
    return path.resolve()


def run(request: BuildRequest, *, quiet: bool = False) -> None:
    """Build, with BuildKit's progress on standard error.

    Raises ImagesError with the cause in one line; KeyboardInterrupt ends BuildKit's process first.
    """
    line = command(request, os.environ)
    # buildx hands it on to the stages that ask for it, and to the image's own date.
    epoch = request.project.epoch
    environment = os.environ | ({} if epoch is None else {"SOURCE_DATE_EPOCH": str(epoch)})
    tail: deque[str] = deque(maxlen=60)
    with subprocess.Popen(
        line,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as process:
        try:
            for text in process.stdout or ():
                tail.append(text.rstrip())
                if not quiet:
                    sys.stderr.write(text)
        except BaseException:
            process.terminate()
            raise
    if process.returncode:
        raise ImagesError(f"{request.tags[0]} was not built: {explain(tail)}")


def explain(lines: Sequence[str]) -> str:
    """The reason of a failed build in one line, from the last lines that BuildKit printed."""
    if meaning := causes.of_a_build("\n".join(lines)):
        return meaning
    said = [line for line in lines if line.startswith("ERROR")]
    return said[-1].removeprefix("ERROR: ") if said else (lines[-1] if lines else "BuildKit said nothing")
