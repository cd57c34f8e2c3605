"""What a run of mesh-dream shows on its report page."""

import shlex
from collections.abc import Sequence
from dataclasses import fields
from typing import Any

from techniques.classifiers.classifier import Classifier
from techniques.dream.page import judges_table, weights_shown
from techniques.mesh_dream.dreaming import Dreamt
from techniques.mesh_dream.job import Job
from techniques.mesh_dream.settings import MeshDreamSettings
from techniques.mesh_style.page import health_shown
from techniques.meshes.outputs import Saved
from techniques.report import Page, curve

__all__ = ["command_line", "page"]

_SHOWN = ("what", "strength", "smoothness", "keep", "iterations", "views", "texture_size", "seed")
_FLAGS = {"classes": "--class", "layers": "--layer"}


def page(
    record: dict[str, Any], job: Job, dreamt: Dreamt, saved: Saved, dreamers: Sequence[Classifier]
) -> Page:
    """The page of a finished run; ``record`` is its ``run.json``."""
    metrics, settings = record["metrics"], job.settings
    of = [text.partition("=")[0] for text in settings.classes] or list(settings.layers)
    return Page(
        title=f"{job.source.stem}, dreaming of {' and '.join(of) or 'more of what is there'}",
        before=saved.before,
        after=saved.after,
        models=saved.models,
        styles=[],
        curve=curve(
            dreamt.history["goal"], dreamt.boundaries, title="What the dreamer sees", logarithmic=False
        ),
        tables=[judges_table(metrics)] if settings.classes else [],
        facts=[
            *health_shown(record["health"]),
            *(("mended", line) for line in record["repaired"]),
            ("time", f"{record['seconds']:.0f} s, {metrics['steps']} steps"),
            ("device", record["machine"]),
            ("rasteriser", f"{record['rasteriser']['name']}: {record['rasteriser']['why']}"),
            ("memory, peak", f"{metrics['peak_memory_mb']} MiB"),
            ("versions", ", ".join(f"{name} {number}" for name, number in record["versions"].items())),
        ],
        settings=[(name.replace("_", " "), str(record["arguments"][name])) for name in _SHOWN],
        weights=weights_shown(dreamers),
        command=command_line(record["arguments"]),
    )


def command_line(arguments: dict[str, Any]) -> str:
    """The shortest command that makes the same mesh again: settings at their defaults are left away."""
    words = ["deepdesign", "mesh-dream", arguments["mesh"]]
    for field in fields(MeshDreamSettings):
        value = arguments[field.name]
        if field.name in _FLAGS:
            for one in value:
                words += [_FLAGS[field.name], one]
        elif value != field.default:
            words.append(f"--{field.name.replace('_', '-')}")
            if value is not True:
                words.append(str(value))
    return shlex.join([*words, "-o", arguments["output"]])
