"""What a run of mesh-fit shows on its report page."""

import shlex
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from techniques.mesh_fit.fitting import Fitted
from techniques.mesh_fit.guides import scaled
from techniques.mesh_fit.job import Job
from techniques.mesh_fit.settings import FitSettings
from techniques.meshes.outputs import Saved
from techniques.pictures import Picture
from techniques.report import Page, curve

__all__ = ["command_line", "page"]

_SHOWN = 420  # px
_BOTH, _MISSING, _TOO_MUCH = (0.35, 0.35, 0.36), (0.85, 0.33, 0.16), (0.16, 0.45, 0.78)

Plane = NDArray[np.float32]


def page(record: dict[str, Any], job: Job, result: Fitted, saved: Saved) -> Page:
    """The page of a finished run; ``record`` is its ``run.json``."""
    metrics = record["metrics"]
    before, after, change = metrics["health_before"], metrics["health_after"], metrics["change"]
    held = metrics["held_out_iou_with_the_input"]
    return Page(
        title=f"{job.sources[0].stem}, fitted to {' and '.join(path.stem for path in job.sources[1:])}",
        before=saved.before,
        after=saved.after,
        models=saved.models,
        styles=[
            (f"{guide.name}, {when}: IoU {overlap:.3f}", _overlay(planes[0], planes[which]))
            for k, (guide, planes) in enumerate(zip(job.guides, result.outlines, strict=True))
            for which, when, overlap in (
                (1, "before", metrics["iou_before"][k]),
                (2, "after", metrics["iou_after"][k]),
            )
        ],
        sources_title="Guide" if len(job.guides) == 1 else "Guides",
        note="In the guides: grey where the mesh covers them, orange the guide alone, blue the mesh alone.",
        curve=curve(result.history["total"], result.boundaries),
        facts=[
            ("outline, IoU", _pairs(metrics["iou_before"], metrics["iou_after"])),
            (
                "the same at twice the size",
                _pairs(metrics["iou_at_twice_the_size_before"], metrics["iou_at_twice_the_size_after"]),
            ),
            (
                "IoU with the input, views without a guide",
                f"{held['mean']:.3f}, at least {held['least']:.3f}",
            ),
            ("largest move", f"{metrics['largest_move_in_radii']:.3f} radii of the mesh"),
            ("planes and straight lines kept", f"{metrics['planes']} and {metrics['lines']}"),
            ("triangles, parts", f"{after['triangles']:,}, {after['parts']}"),
            ("boundary edges, Euler number", _same(before, after, "boundary", "euler")),
            ("degenerate triangles", _same(before, after, "degenerate")),
            (
                "flipped triangles",
                f"{change['flipped']} ({100 * change['flipped'] / after['triangles']:.2f} %)",
            ),
            ("edge stretch, 99th percentile", f"{change['stretch']:.2f} times"),
            ("repaired", "; ".join(record["repaired"]) or "nothing"),
            ("time", f"{record['seconds']:.0f} s, {metrics['steps']} steps"),
            ("device", record["machine"]),
            ("rasteriser", f"{record['rasteriser']['name']}: {record['rasteriser']['why']}"),
            ("memory, peak", f"{metrics['peak_memory_mb']} MiB"),
            ("versions", ", ".join(f"{name} {number}" for name, number in record["versions"].items())),
        ],
        settings=[
            *((f"camera of {g.name}", str(c)) for g, c in zip(job.guides, job.cameras, strict=True)),
            *(
                (field.name.replace("_", " "), str(record["arguments"][field.name]))
                for field in fields(FitSettings)
                if field.name not in {"device"}
            ),
        ],
        weights={},
        command=command_line(job.sources, record["arguments"]),
    )


def command_line(sources: Sequence[Path], arguments: dict[str, Any]) -> str:
    """The shortest command that makes the same mesh again: settings at their defaults are left away."""
    words = ["deepdesign", "mesh-fit", *map(str, sources), "-o", arguments["output"]]
    for camera in arguments["cameras"]:
        values = {
            name: "/".join(f"{v:g}" for v in value) if isinstance(value, list) else value
            for name, value in camera.items()
        }
        words += ["--camera", ",".join(f"{name}={value}" for name, value in values.items())]
    for field in fields(FitSettings):
        value = arguments[field.name]
        default = list(field.default) if isinstance(field.default, tuple) else field.default
        if value != default:
            words.append(f"--{field.name.replace('_', '-')}")
            if value is False:
                words[-1] = f"--no-{field.name}"
            elif value is not True:
                words.append(",".join(map(str, value)) if isinstance(value, list) else str(value))
    return shlex.join(words)


def _pairs(before: list[float], after: list[float]) -> str:
    return ", ".join(f"{a:.3f} (before: {b:.3f})" for b, a in zip(before, after, strict=True))


def _same(before: dict[str, Any], after: dict[str, Any], *names: str) -> str:
    return ", ".join(
        f"{after[name]}" if after[name] == before[name] else f"{after[name]} (before: {before[name]})"
        for name in names
    )


def _overlay(guide: Plane, seen: Plane) -> Picture:
    """The guide and the mesh over each other in three colours."""
    both = np.minimum(guide, seen)[..., None]
    missing, too_much = (guide[..., None] - both), (seen[..., None] - both)
    ground = 1 - both - missing - too_much
    colours = both * _BOTH + missing * _MISSING + too_much * _TOO_MUCH + ground
    planes = [scaled(colours[..., channel].astype(np.float32), _SHOWN) for channel in range(3)]
    return Picture(np.stack(planes, axis=-1))
