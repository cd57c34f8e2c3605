"""What a run of mesh-style shows on its report page."""

import shlex
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from techniques.mesh_style.job import Job
from techniques.mesh_style.settings import MeshStyleSettings
from techniques.mesh_style.stylize import Styled
from techniques.meshes.outputs import Saved
from techniques.report import Page, curve
from techniques.style.page import network_rows

__all__ = ["command_line", "health_shown", "page"]

_SHOWN = (
    "what",
    "content_weight",
    "style_weight",
    "smoothness",
    "style_scale",
    "iterations",
    "size",
    "views",
    "texture_size",
    "seed",
)


def page(record: dict[str, Any], job: Job, styled: Styled, saved: Saved) -> Page:
    """The page of a finished run; ``record`` is its ``run.json``."""
    metrics = record["metrics"]
    return Page(
        title=f"{job.sources[0].stem}, after {' and '.join(path.stem for path in job.sources[1:])}",
        before=saved.before,
        after=saved.after,
        styles=[(path.name, style) for path, style in zip(job.sources[1:], job.styles, strict=True)],
        curve=curve(styled.history["total"], styled.boundaries),
        facts=[
            (
                "style distance, held-out views",
                f"{metrics['style']:.4f} (the mesh as it came: {metrics['style_before']:.4f})",
            ),
            *health_shown(record["health"]),
            *(("mended", line) for line in record["repaired"]),
            ("time", f"{record['seconds']:.0f} s, {metrics['steps']} steps"),
            ("device", record["machine"]),
            ("rasteriser", f"{record['rasteriser']['name']}: {record['rasteriser']['why']}"),
            ("memory, peak", f"{metrics['peak_memory_mb']} MiB"),
            ("versions", ", ".join(f"{name} {number}" for name, number in record["versions"].items())),
        ],
        settings=[(name.replace("_", " "), str(record["arguments"][name])) for name in _SHOWN],
        weights=network_rows(record["weights"]),
        command=command_line(job.sources, record["arguments"]),
        models=saved.models,
    )


def health_shown(health: dict[str, Any]) -> list[tuple[str, str]]:
    """The mesh's figures, before and after where they differ."""
    before, after, change = health["before"], health["after"], health["change"]
    lines = []
    for name, label in (
        ("triangles", "triangles"),
        ("polygons", "polygons of the file"),
        ("boundary", "boundary edges"),
        ("nonmanifold", "edges with three or more faces"),
        ("degenerate", "triangles without area"),
        ("euler", "Euler number"),
        ("parts", "parts"),
    ):
        same = before[name] == after[name]
        lines.append((label, f"{after[name]:,}" if same else f"{before[name]:,}, now {after[name]:,}"))
    if change["moved"]:
        lines.append(("flipped triangles", f"{change['flipped']:,}"))
        lines.append(("edges stretched, 99 % below", f"{change['stretch']:.2f} times"))
    return lines


def command_line(sources: Sequence[Path], arguments: dict[str, Any]) -> str:
    """The shortest command that makes the same mesh again: settings at their defaults are left away."""
    words = ["deepdesign", "mesh-style", *map(str, sources), "-o", arguments["output"]]
    for field in fields(MeshStyleSettings):
        value = arguments[field.name]
        default = list(field.default) if isinstance(field.default, tuple) else field.default
        if value != default:
            words.append(f"--{field.name.replace('_', '-')}")
            words.append(",".join(map(str, value)) if isinstance(value, list) else str(value))
    return shlex.join(words)
