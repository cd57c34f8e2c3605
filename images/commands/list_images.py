"""``deepdesign-images list``."""

import json
from importlib.metadata import version
from typing import Any

import click

from images import fit
from images.matrix import Choice, load


@click.command("list")
@click.option("--gpu", metavar="CARD", help="Say which images run on it: P5000, RTX 4090, or 8.6.")
@click.option("--driver", metavar="VERSION", help="The machine's NVIDIA driver, as nvidia-smi says it.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def command(gpu: str | None, driver: str | None, as_json: bool) -> None:
    """Every image that can be built, with the hardware it runs on."""
    architecture = fit.capability(gpu) if gpu is not None else None
    branch = fit.driver_branch(driver) if driver is not None else None
    matrix = load()
    for choice in matrix.choices():
        facts = _facts(choice)
        if architecture is not None or branch is not None:
            obstacles = fit.obstacles(choice.variant, architecture, branch)
            facts |= {"fits": not obstacles, "obstacles": obstacles}
        click.echo(json.dumps(facts) if as_json else _text(facts, choice == matrix.choose()))


def _facts(choice: Choice) -> dict[str, Any]:
    variant = choice.variant
    return {
        "tag": f"deepdesign:{version('deepdesign')}-{choice.name}",
        "variant": variant.name,
        "flavour": choice.flavour.name,
        "summary": f"{variant.summary}; {choice.flavour.summary}",
        "cuda": variant.cuda,
        "torch": variant.torch,
        "torchvision": variant.torchvision,
        "python": choice.base.python,
        "architectures": list(variant.architectures),
        "least_driver": variant.least_driver,
        "licences": dict(variant.licences),
    }


def _text(facts: dict[str, Any], is_default: bool) -> str:
    lines = [facts["tag"] + ("  (default)" if is_default else "")]
    if "fits" in facts:
        lines.append(
            "runs there" if facts["fits"] else f"does not run there: {'; '.join(facts['obstacles'])}"
        )
    lines += [
        facts["summary"],
        f"{' '.join(facts['architectures'])}, NVIDIA driver {facts['least_driver']} or later",
        f"CUDA {facts['cuda']}, torch {facts['torch']}, torchvision {facts['torchvision']}",
    ]
    return "\n    ".join(lines)
