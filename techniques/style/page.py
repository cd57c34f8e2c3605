"""What a run of style transfer shows on its report page."""

import shlex
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from techniques.pictures import fit
from techniques.report import Page, Trade, curve, trade
from techniques.style.job import Job
from techniques.style.settings import StyleSettings
from techniques.style.transfer import Stylized

__all__ = ["command_line", "network_rows", "page", "settings_rows"]

_SHOWN = (
    "content_weight",
    "style_weight",
    "smoothness",
    "style_scale",
    "colors",
    "regions",
    "style_loss",
    "pooling",
    "iterations",
    "optimizer",
    "start",
    "seed",
)


def page(record: dict[str, Any], job: Job, result: Stylized) -> Page:
    """The page of a finished run; ``record`` is its ``run.json``."""
    metrics = record["metrics"]
    return Page(
        title=f"{job.sources[0].stem}, after {' and '.join(path.stem for path in job.sources[1:])}",
        before=fit(job.before, job.size),
        after=result.picture,
        styles=[(path.name, style) for path, style in zip(job.sources[1:], job.styles, strict=True)],
        curve=curve(result.history["total"], result.boundaries),
        facts=[
            ("size", f"{job.size[0]} x {job.size[1]} px"),
            (
                "style distance",
                f"{metrics['style']:.4f} (the content picture itself: {metrics['style_of_content']:.4f})",
            ),
            ("content distance", f"{metrics['content']:.4f}"),
            ("time", f"{record['seconds']:.0f} s, {metrics['steps']} steps"),
            ("device", record["machine"]),
            ("memory, peak", f"{metrics['peak_memory_mb']} MiB"),
            ("versions", ", ".join(f"{name} {number}" for name, number in record["versions"].items())),
        ],
        settings=settings_rows(record["arguments"]),
        weights=network_rows(record["weights"]),
        command=command_line(job.sources, record["arguments"]),
        trade=_trade(result),
    )


def _trade(result: Stylized) -> Trade | None:
    """Step by step at the coarsest size, then to the result: the sizes between only go to and fro."""
    pairs = list(zip(result.history["content"], result.history["style"], strict=True))
    coarsest = pairs[: result.boundaries[0]] if result.boundaries else pairs[:-1]
    return trade([*coarsest, pairs[-1]], ["first step", *[""] * (len(coarsest) - 1), "last step"])


def settings_rows(arguments: dict[str, Any]) -> list[tuple[str, str]]:
    """The settings that make the picture what it is, from what ``run.json`` says."""
    return [(name.replace("_", " "), str(arguments[name])) for name in _SHOWN]


def network_rows(weights: dict[str, str]) -> dict[str, str]:
    """What a page says about the network, from what ``run.json`` says."""
    labels = {"name": "name", "title": "what it is", "source": "source", "sha256": "sha256"}
    labels |= {"licence": "licence", "unclear": "unclear", "credit": "credit"}
    return {label: weights[key] for key, label in labels.items()}


def command_line(sources: Sequence[Path], arguments: dict[str, Any]) -> str:
    """The shortest command that makes the same picture again: settings at their defaults are left away."""
    words = ["deepdesign", "style", *map(str, sources), "-o", arguments["output"]]
    for flag, files in (("--mask", [arguments["mask"]]), ("--style-mask", arguments["style_mask"])):
        for file in filter(None, files):
            words += [flag, file]
    for field in fields(StyleSettings):
        value = arguments[field.name]
        default = list(field.default) if isinstance(field.default, tuple) else field.default
        if value != default:
            words.append(f"--{field.name.replace('_', '-')}")
            if value is not True:
                words.append(",".join(map(str, value)) if isinstance(value, list) else str(value))
    return shlex.join(words)
