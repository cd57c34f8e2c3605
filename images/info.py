"""``deepdesign-image-info``: an image says what is in it, and whether this machine can run it."""

import json
import sys
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import click

from images import fit, releases
from images.driver import Driver, ask
from images.errors import ImagesError
from images.lock import locked, locks_hash
from images.matrix import Choice, Matrix, load
from images.packages import python_packages

# Written when the image is built.
FACTS = Path("/opt/deepdesign/share/image.json")


@dataclass(frozen=True)
class Verdict:
    """Whether this machine runs this image, and in plain words why or why not."""

    runs: bool
    words: tuple[str, ...]


def facts(path: Path = FACTS) -> tuple[Choice, dict[str, Any]]:
    """The row of the image that this runs in, and what it says about itself.

    Raises ImagesError outside an image.
    """
    try:
        built = json.loads(path.read_text(encoding="utf-8"))
        choice = load().choose(built["variant"], built["flavour"], free=built["nvdiffrast"] == "without")
    except (OSError, ValueError, KeyError) as error:
        raise ImagesError(f"this is no deepdesign image: {path} cannot be read ({error})") from error
    variant = choice.variant
    last = releases.previous(choice, version("deepdesign"))
    return choice, {
        "tag": f"deepdesign:{version('deepdesign')}-{choice.name}",
        "version": version("deepdesign"),
        "revision": built.get("revision", "unknown"),
        "variant": variant.name,
        "flavour": choice.flavour.name,
        "python": ".".join(map(str, sys.version_info[:3])),
        "torch": variant.torch,
        "torchvision": variant.torchvision,
        "cuda": variant.cuda,
        "architectures": list(variant.architectures),
        "least_driver": variant.least_driver,
        "lock": locks_hash(choice),
        "nvdiffrast": choice.nvdiffrast.version if choice.nvdiffrast else None,
        "weights": built.get("weights", "").split(),
        "licences": dict(choice.licences),
        "since": {"version": last[0], "changes": releases.changes(last[1], locked(choice))} if last else None,
    }


def judge(choice: Choice, matrix: Matrix, driver: Driver | None) -> Verdict:
    """Decide from what the driver library said; pure, so that every machine can be asked about."""
    if driver is None:
        return Verdict(
            False,
            (
                "There is no NVIDIA driver library (libcuda.so.1) here: everything runs on the CPU only.",
                "If this machine has a card, start the container with it: docker run --gpus all ...",
            ),
        )
    served = ".".join(map(str, driver.cuda))
    words = [f"The driver serves CUDA {served}; this image is built with CUDA {choice.variant.cuda}."]
    if not driver.cards:
        return Verdict(
            False, (*words, "The driver shows no card: start the container with docker run --gpus all ...")
        )
    obstacles = []
    for card in driver.cards:
        found = fit.obstacles_on(choice.variant, card.architecture, driver.cuda)
        words.append(
            f"{card.name} ({card.architecture}): {'; '.join(found) if found else 'runs this image.'}"
        )
        obstacles += found
    if obstacles:
        fitting = [
            other.name
            for other in matrix.choices()
            if (other.flavour, other.nvdiffrast) == (choice.flavour, choice.nvdiffrast)
            and not any(
                fit.obstacles_on(other.variant, card.architecture, driver.cuda) for card in driver.cards
            )
        ]
        words.append(
            f"Take {' or '.join(fitting)} on this machine."
            if fitting
            else "No image of this project runs on this machine; a newer driver may change that."
        )
    return Verdict(not obstacles, tuple(words))


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--check", is_flag=True, help="Ask the driver library whether this machine can run the image.")
@click.option(
    "--packages", "with_packages", is_flag=True, help="Every Python package with version and licence."
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def cli(check: bool, with_packages: bool, as_json: bool) -> int:
    """What is in this image; with --check, exit status 1 when this machine cannot run it on a GPU."""
    choice, said = facts()
    if with_packages:
        said["packages"] = [
            {"name": package.name, "version": package.version, "licence": package.licence}
            for package in python_packages()
        ]
    verdict = judge(choice, load(), ask()) if check else None
    if verdict:
        said["check"] = {"runs": verdict.runs, "words": list(verdict.words)}
    click.echo(json.dumps(said) if as_json else _text(said))
    return 0 if verdict is None or verdict.runs else 1


def _text(said: dict[str, Any]) -> str:
    lines = [
        f"{said['tag']} (commit {said['revision']})",
        ", ".join(f"{name} {said[name.lower()]}" for name in ("Python", "torch", "torchvision", "CUDA")),
        f"GPU architectures: {', '.join(said['architectures'])}",
        f"NVIDIA driver: {said['least_driver']} or later",
        f"lock: {said['lock']}",
        f"nvdiffrast: {said['nvdiffrast']}, not for commercial use"
        if said["nvdiffrast"]
        else "nvdiffrast: not in this image; meshes render with the built-in rasteriser",
        f"weights: {', '.join(said['weights']) or 'none'}; others are fetched on first use",
        "licences: " + ", ".join(f"{name} {licence}" for name, licence in said["licences"].items()),
        *_since(said["since"]),
        *(f"{row['name']} {row['version']}  {row['licence']}" for row in said.get("packages", ())),
        *said.get("check", {}).get("words", ()),
    ]
    return "\n".join(lines)


def _since(since: dict[str, Any] | None) -> list[str]:
    if since is None:
        return ["changes: this is the first version"]
    lines = since["changes"] or ["no package has changed"]
    return [f"since {since['version']}: {lines[0]}", *(f"    {line}" for line in lines[1:])]


def main() -> None:
    """Run the program with the contract's exit status."""
    try:
        sys.exit(cli(standalone_mode=False) or 0)
    except click.ClickException as error:
        status, message = 2, error.format_message()
    except ImagesError as error:
        status, message = error.status, str(error)
    except (click.Abort, KeyboardInterrupt):
        status, message = 130, "interrupted"
    click.echo(f"deepdesign-image-info: {message}", err=True)
    sys.exit(status)
