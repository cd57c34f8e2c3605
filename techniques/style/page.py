"""What a run of style transfer shows on its report page."""

import shlex
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from techniques.pictures import fit
from techniques.report import Page, curve
from techniques.style.job import Job
from techniques.style.settings import StyleSettings
from techniques.style.transfer import Stylized
from techniques.weights import Weights

__all__ = ["command_line", "page"]

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


def page(record: dict[str, Any], job: Job, result: Stylized, weights: Weights) -> Page:
    """The page of a finished run; ``record`` is its ``run.json``."""
    metrics, entry = record["metrics"], weights.entry
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
        settings=[(name.replace("_", " "), str(record["arguments"][name])) for name in _SHOWN],
        weights={
            "name": entry.name,
            "what it is": entry.title,
            "source": str(entry.source),
            "sha256": weights.sha256,
            "licence": entry.licence.stated,
            "unclear": entry.licence.unclear,
            "credit": entry.credit,
        },
        command=command_line(job.sources, record["arguments"]),
    )


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
