"""One run of mesh-fit over files: mesh and guides in, mesh, record and report out, resumable in between."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from techniques.device import Device, choose_device
from techniques.files import sha256_of, write_text
from techniques.mesh_fit.fitting import HELD_OUT, fit
from techniques.mesh_fit.guides import Guide, moved_onto
from techniques.mesh_fit.job import Job, plan_job
from techniques.mesh_fit.page import page
from techniques.mesh_fit.scene import Scene, pixels_at_once
from techniques.mesh_fit.settings import FitSettings
from techniques.meshes.budget import Budget, Costs
from techniques.meshes.health import change_between, health_of
from techniques.meshes.outputs import save_outputs
from techniques.meshes.turntable import FRAMES
from techniques.meshes.unit import UnitSurface, unit_surface
from techniques.progress import Progress, Quiet
from techniques.raster.backend import Rasteriser
from techniques.raster.cameras import Camera
from techniques.raster.choose import choose_rasteriser
from techniques.raster.edges import edge_table
from techniques.raster.project import matrices
from techniques.report import render
from techniques.runs import finished_record, occupied, versions, write_record
from techniques.sessions import session

__all__ = ["fit_files", "run_job"]

_COSTS = Costs(pixel=600, triangle=600, fixed=500 << 20)


def fit_files(
    mesh: Path | str,
    guides: Sequence[Path | str],
    *,
    cameras: Sequence[Camera | str] = (),
    output: Path | str | None = None,
    settings: FitSettings = FitSettings(),  # noqa: B008 - frozen
    resume: bool = False,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Move the vertices of the mesh at ``mesh`` until its outlines are those of ``guides``.

    Returns what ``run.json`` holds. ``output`` is a mesh's path (.obj, .glb) or a folder; without it the
    platform's folder for results is taken. With ``resume`` an interrupted run with the same arguments goes
    on; a finished one is left as it is. Ctrl-C or SIGTERM stop after the current step, with a checkpoint.

    Raises:
        BadInputError: an input, a setting or the output cannot be used; nothing has been written.
        InterruptedRunError: the run was asked to stop.
        WorkFailedError: the mesh moves beyond all bounds, or the disk is full.
    """
    job = plan_job(
        Path(mesh),
        [Path(guide) for guide in guides],
        cameras=cameras,
        output=None if output is None else Path(output),
        settings=settings,
        resume=resume,
    )
    return run_job(job, progress or Quiet())


def run_job(job: Job, said: Progress) -> dict[str, Any]:
    """Do what ``job`` says; returns what ``run.json`` holds. Raises as ``fit_files`` does."""
    place, settings = job.place, job.settings
    device = choose_device(settings.device, "float32")
    choice = choose_rasteriser(device.torch)
    with occupied(place):
        arguments, inputs = _arguments(job), _inputs(job)
        if job.resume and (record := finished_record(place, arguments, lambda: inputs)):
            said.say(f"This run is finished already: {place.result}")
            return record
        unit = unit_surface(job.mesh)
        job = replace(job, guides=_aligned(job, unit, choice.rasteriser, device))
        for line in _introduction(job):
            said.say(line)
        said.say(f"{settings.size} x {settings.size} px on {device}; rasteriser: {choice}")
        memory = Budget.of(
            _COSTS,
            device,
            # Judged at twice the size, without a way back.
            pixels=max(
                pixels_at_once(len(job.guides), settings.size),
                pixels_at_once(len(job.guides), 2 * settings.size) // 3,
            ),
            triangles=max(len(job.guides), len(HELD_OUT)) * len(job.mesh.faces),
            advice="Choose a smaller --size, or --faces for fewer triangles.",
        )
        said.say(str(memory))
        identity = _identity(job, inputs, device, choice.rasteriser)
        with memory.kept(), session(place, identity, said, resume=job.resume) as work:
            result = fit(
                unit.vertices,
                unit.welded.faces,
                job.guides,
                job.cameras,
                settings,
                rasteriser=choice.rasteriser,
                device=device.torch,
                callbacks=work.callbacks,
                state=work.state,
            )
            seconds = work.seconds()
        mesh = unit.moved(result.vertices)
        said.say("Writing the mesh, its previews and the report.")
        saved = save_outputs(
            place,
            job.mesh,
            mesh,
            rasteriser=choice.rasteriser,
            painted=False,
            turns=FRAMES if settings.turntable else 0,
        )
        record = {
            "command": "mesh-fit",
            "arguments": arguments,
            "inputs": inputs,
            "seed": settings.seed,
            "device": device.kind,
            "machine": str(device),
            "rasteriser": choice.record(),
            "weights": {},
            "versions": versions(),
            "results": [*map(str, saved.results), str(place.report)],
            "cameras": [camera.described() for camera in job.cameras],
            "guides": [
                {"name": guide.name, "read_as": guide.read_as, "share": round(guide.share, 4)}
                for guide in job.guides
            ],
            "repaired": list(job.mesh.repaired),
            "memory": memory.record(),
            "metrics": {
                **result.metrics,
                "steps": len(result.history["total"]),
                "planes": result.planes[0],
                "lines": result.planes[1],
                "health_before": health_of(job.mesh).described(),
                "health_after": health_of(mesh).described(),
                "change": change_between(job.mesh, mesh).described(),
                "peak_memory_mb": device.peak_memory_mb(),
            },
            "losses": {name: [float(f"{v:.6g}") for v in values] for name, values in result.history.items()},
            "seconds": round(seconds, 3),
        }
        write_text(place.report, render(page(record, job, result, saved)))
        write_record(place, record)
        place.checkpoint.unlink(missing_ok=True)
    return record


def _introduction(job: Job) -> list[str]:
    mesh = job.mesh
    lines = [f"{job.sources[0].name}: {len(mesh.vertices):,} vertices, {len(mesh.faces):,} triangles"]
    lines += [f"{job.sources[0].name}: {line}" for line in mesh.repaired]
    lines += [
        f"{guide.name}: {guide.read_as}, {100 * guide.share:.0f} % of the square; {camera}"
        for guide, camera in zip(job.guides, job.cameras, strict=True)
    ]
    if len(mesh.faces) < 500:
        lines.append(
            f"{len(mesh.faces)} triangles bend little. Subdivide the mesh where its outline is to curve."
        )
    return lines


def _aligned(job: Job, unit: UnitSurface, rasteriser: Rasteriser, device: Device) -> tuple[Guide, ...]:
    if not job.settings.align:
        return job.guides
    faces = torch.from_numpy(unit.welded.faces).int().to(device.torch)
    scene = Scene(faces, edge_table(faces), rasteriser)
    vertices = torch.from_numpy(unit.vertices).to(device.torch)
    found = []
    with torch.no_grad():
        seen, _ = scene.views(vertices, matrices(job.cameras, vertices), 256)
    for guide, outline in zip(job.guides, seen.cpu().numpy(), strict=True):
        rows, columns = np.nonzero(outline > 0.5)
        if not len(rows):
            found.append(guide)  # the camera does not see the mesh: nowhere to align to
            continue
        left, right, top, bottom = columns.min(), columns.max() + 1, rows.min(), rows.max() + 1
        middle = ((left + right) / 512, (top + bottom) / 512)
        found.append(moved_onto(guide, (*middle, float(max(right - left, bottom - top)) / 256)))
    return tuple(found)


def _arguments(job: Job) -> dict[str, Any]:
    settings = {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in asdict(job.settings).items()
    }
    return {
        "mesh": str(job.sources[0]),
        "guides": [str(path) for path in job.sources[1:]],
        "cameras": [camera.described() for camera in job.cameras],
        "output": str(job.place.result),
        **settings,
    }


def _inputs(job: Job) -> dict[str, Any]:
    """What the files hold that the job works on, wherever they lie now."""
    mesh, *guides = map(sha256_of, job.sources)
    return {"mesh": mesh, "guides": guides}


def _identity(job: Job, inputs: dict[str, Any], device: Device, rasteriser: Rasteriser) -> dict[str, Any]:
    """What must be the same for a checkpoint to fit."""
    flags = {f"--{name.replace('_', '-')}": str(value) for name, value in asdict(job.settings).items()}
    flags["--device"] = f"{device.kind} with {rasteriser.name}"
    cameras = "; ".join(map(str, (camera.described() for camera in job.cameras)))
    return {
        **flags,
        "the mesh": inputs["mesh"][:12],
        "the guide pictures": " ".join(one[:12] for one in inputs["guides"]),
        "the cameras": cameras,
    }
