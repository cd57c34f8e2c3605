"""Lock files: every package of an image with version and hashes, from the matrix and pyproject.toml."""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from images.errors import ImagesError, UsageError
from images.matrix import Choice, Variant

# The wheels that both the image (glibc of its Debian) and PyPI's oldest tag for torch agree on.
PLATFORM = "x86_64-unknown-linux-gnu"


def lock(choices: Sequence[Choice], source: Path, *, upgrade: bool = False) -> Iterator[Path]:
    """Resolve the lock files of ``choices`` anew under ``source/images/locks``; each as soon as it stands.

    Versions that stand in the files already are kept unless ``upgrade``. A light lock is resolved together
    with its CUDA layer's and then holds only what that one does not, so that the layers cannot disagree.
    """
    folder = source.resolve() / "images" / "locks"
    for choice in {choice.torch_lock: choice for choice in choices}.values():
        pair = [f"torch=={choice.variant.torch}", f"torchvision=={choice.variant.torchvision}"]
        _compile(choice, source, folder / choice.torch_lock, pair, upgrade=upgrade)
        yield folder / choice.torch_lock
        _compile(choice, source, folder / choice.build_lock, _build_tools(choice.variant), upgrade=upgrade)
        yield folder / choice.build_lock
    for choice in {choice.light_lock: choice for choice in choices}.values():
        torch = folder / choice.torch_lock
        others = [
            *(f"--no-emit-package={name}" for name in sorted(pinned(torch))),
            *(part for extra in choice.flavour.extras for part in ("--extra", extra)),
            *("--constraint", str(torch)),
            "pyproject.toml",
        ]
        output = folder / choice.light_lock
        _compile(choice, source, output, choice.flavour.requirements, others, upgrade=upgrade)
        yield output


def _build_tools(variant: Variant) -> list[str]:
    tools = ["ninja", "setuptools", "wheel"]
    if variant.compiler == "pypi":
        # nvcc, what it calls and what it includes; the rest of the toolkit comes with torch.
        parts = ("cuda-nvcc", "cuda-crt", "cuda-cccl", "cuda-runtime", "nvvm")
        tools += [f"nvidia-{part}=={variant.cuda}.*" for part in parts]
    return tools


def locks_hash(choice: Choice, folder: Path | None = None) -> str:
    """sha256 over the image's lock files in ``folder`` (default: this package's); equal, equal packages.

    Raises UsageError when a lock is missing.
    """
    digest = hashlib.sha256()
    for name in (choice.torch_lock, choice.light_lock):
        path = (folder or Path(__file__).parent / "locks") / name
        try:
            digest.update(path.read_bytes())
        except OSError as error:
            raise UsageError(
                f"the lock file images/locks/{name} is missing ({error.strerror}); "
                f"make it with: deepdesign-images lock --variant {choice.variant.name}"
            ) from error
    return f"sha256:{digest.hexdigest()}"


def locked(choice: Choice, folder: Path | None = None) -> dict[str, str]:
    """Names and versions of every package in the image: from its locks in ``folder`` (this package's), and
    what is compiled for it.
    """
    folder = folder or Path(__file__).parent / "locks"
    further = {"nvdiffrast": choice.nvdiffrast.version} if choice.nvdiffrast else {}
    return pinned(folder / choice.torch_lock) | pinned(folder / choice.light_lock) | further


def pinned(path: Path) -> dict[str, str]:
    """Package names (normalised as PyPI does) and versions that the lock file at ``path`` holds."""
    lines = path.read_text(encoding="utf-8").splitlines()
    pins = (line.split()[0].split("==", 1) for line in lines if "==" in line and line[0].isalnum())
    return {name: version.rstrip(";") for name, version in pins}


def _compile(
    choice: Choice,
    source: Path,
    output: Path,
    requirements: Sequence[str],
    more: Sequence[str] = (),
    *,
    upgrade: bool,
) -> None:
    output.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        named, left_out = Path(folder) / f"{choice.name}.in", Path(folder) / "without.in"
        named.write_text("".join(f"{requirement}\n" for requirement in requirements))
        left_out.write_text("".join(f"{name}\n" for name in choice.without))
        command = [
            _uv(),
            *("pip", "compile", "--quiet", "--no-config", "--no-annotate"),
            *("--python-version", choice.base.python, "--python-platform", PLATFORM),
            # A source archive would want a compiler, which the image has not got.
            *("--generate-hashes", "--only-binary", ":all:"),
            *("--excludes", str(left_out)),
            *(["--upgrade"] if upgrade else []),
            *more,
            str(named),
            *("--output-file", str(output)),
        ]
        environment = {
            "UV_CUSTOM_COMPILE_COMMAND": "deepdesign-images lock",
            # Firms re-sign TLS with a CA that the system's store knows.
            "UV_SYSTEM_CERTS": "1",
            **os.environ,
        }
        done = subprocess.run(
            command,
            cwd=source,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode:
        reason = " ".join(done.stderr.split()) or f"uv ended with status {done.returncode}"
        raise ImagesError(f"{output.name} could not be resolved, the old one stands: {reason}")


def _uv() -> str:
    beside = Path(sys.executable).with_name("uv")
    found = str(beside) if beside.exists() else shutil.which("uv")
    if not found:
        raise ImagesError("uv is missing, which resolves lock files; install it with: pip install uv")
    return found
