"""One run of mesh-style over files: mesh and styles in, textured mesh, record and report out, resumable."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from techniques.device import Device, choose_device
from techniques.files import sha256_of, write_text
from techniques.mesh_style.job import Job, plan_job
from techniques.mesh_style.page import page
from techniques.mesh_style.settings import MeshStyleSettings
from techniques.mesh_style.stylize import Work, judged, stylize
from techniques.meshes.atlas import Atlas
from techniques.meshes.budget import Budget, Costs
from techniques.meshes.changed import save_changed
from techniques.meshes.health import change_between, health_of
from techniques.meshes.primed import primed
from techniques.networks import NETWORKS, load_network
from techniques.progress import Progress, Quiet
from techniques.raster.cameras import Camera
from techniques.raster.choose import Choice, choose_rasteriser
from techniques.report import render
from techniques.runs import finished_record, occupied, versions, write_record
from techniques.sessions import session
from techniques.weights import Weights, obtain

__all__ = ["mesh_style_files", "run_job"]

_COSTS = {  # by bytes of a convolution's number
    2: Costs(pixel=2700, triangle=400, texel=270, fixed=850 << 20),
    4: Costs(pixel=5000, triangle=400, texel=270, fixed=900 << 20),
}
_THRIFT = "Choose a smaller --size, fewer --views or a smaller --texture-size."


def mesh_style_files(
    mesh: Path | str,
    *styles: Path | str,
    cameras: Sequence[Camera] = (),
    output: Path | str | None = None,
    settings: MeshStyleSettings = MeshStyleSettings(),  # noqa: B008 - frozen
    resume: bool = False,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Style the mesh at ``mesh`` in the manner of the pictures at ``styles``; returns what ``run.json`` has.

    ``output`` is a mesh's path (.obj, .glb) or a folder; without it the platform's folder for results is
    taken. With ``resume`` an interrupted run with the same arguments goes on; a finished one is left as it
    is. Ctrl-C or SIGTERM stop after the current step, with a checkpoint.

    Raises:
        BadInputError: an input, a setting or the output cannot be used; nothing has been written.
        InterruptedRunError: the run was asked to stop.
        WorkFailedError: weights cannot be fetched, the optimisation diverges, or the disk is full.
    """
    job = plan_job(
        Path(mesh),
        [Path(style) for style in styles],
        cameras=cameras,
        output=None if output is None else Path(output),
        settings=settings,
        resume=resume,
    )
    return run_job(job, progress or Quiet())


def run_job(job: Job, said: Progress) -> dict[str, Any]:
    """Do what ``job`` says; returns what ``run.json`` holds. Raises as ``mesh_style_files`` does."""
    place, settings = job.place, job.settings
    device = choose_device(settings.device, settings.precision)
    choice = choose_rasteriser(device.torch)
    with occupied(place):
        arguments, inputs = _arguments(job), _inputs(job)
        if job.resume and (record := finished_record(place, arguments, lambda: inputs)):
            said.say(f"This run is finished already: {place.result}")
            return record
        memory = Budget.of(
            _COSTS[device.precision.itemsize],
            device,
            pixels=settings.views * settings.size**2,
            triangles=settings.views * len(job.mesh.faces),
            texels=settings.texture_size**2,
            advice=_THRIFT,
        )
        weights = obtain(
            settings.weights,
            networks=tuple(NETWORKS),
            announce=said.say,
            report=lambda done, total: said.advance("fetching", done, total, {}),
        )
        said.end()
        for line in job.notes:
            said.say(line)
        ground = primed(job.mesh, settings.texture_size, device.torch)
        lost = ground.losses() if settings.what != "geometry" else ()
        said.say(f"{len(job.mesh.faces):,} triangles. {ground.atlas.described}")
        for line in lost:
            said.say(line)
        said.say(f"{settings.views} views of {settings.size} px on {device}; rasteriser: {choice}")
        said.say(f"Network: {weights.entry.name}, a {weights.entry.title}")
        said.say(str(memory))
        network = load_network(weights).computing_in(device.precision).to(device.torch)
        work = Work(
            ground.surface, ground.base, job.styles, network, choice.rasteriser, job.cameras, ground.seams
        )
        identity = _identity(job, inputs, weights, device, choice)
        with memory.kept(), session(place, identity, said, resume=job.resume) as running:
            styled = stylize(work, settings, callbacks=running.callbacks, state=running.state)
            seconds = running.seconds()
        said.say("Writing the mesh and its pictures.")
        after, saved = save_changed(
            place,
            ground,
            vertices=styled.vertices,
            texture=styled.texture,
            what=settings.what,
            turns=settings.turntable,
        )
        before_style = judged(work, work.surface, work.base, settings)
        after_style = judged(work, work.surface.moved(styled.vertices), styled.texture, settings)
        record = {
            "command": "mesh-style",
            "arguments": arguments,
            "inputs": inputs,
            "seed": settings.seed,
            "device": device.kind,
            "machine": str(device),
            "rasteriser": choice.record(),
            "weights": weights.facts,
            "versions": versions(),
            "results": [*map(str, saved.results), str(place.report)],
            "repaired": [*job.notes, *lost],
            "atlas": _described(ground.atlas),
            "memory": memory.record(),
            "metrics": {
                "style_before": before_style["style"],
                "style": after_style["style"],
                "style_spread": after_style["spread"],
                "steps": len(styled.history["total"]),
                "peak_memory_mb": device.peak_memory_mb(),
            },
            "health": {
                "before": health_of(job.mesh).described(),
                "after": health_of(after).described(),
                "change": change_between(job.mesh, after).described(),
            },
            "losses": {name: [float(f"{v:.6g}") for v in values] for name, values in styled.history.items()},
            "seconds": round(seconds, 3),
        }
        write_text(place.report, render(page(record, job, styled, saved)))
        write_record(place, record)
        place.checkpoint.unlink(missing_ok=True)
    return record


def _described(atlas: Atlas) -> dict[str, Any]:
    return {"kept": atlas.kept, "charts": atlas.charts, "cut_polygons": atlas.cut, "why": atlas.reason}


def _arguments(job: Job) -> dict[str, Any]:
    settings = {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in asdict(job.settings).items()
    }
    return {
        "mesh": str(job.sources[0]),
        "styles": [str(path) for path in job.sources[1:]],
        "cameras": [camera.described() for camera in job.cameras],
        "output": str(job.place.result),
        **settings,
    }


def _inputs(job: Job) -> dict[str, Any]:
    """What the files hold that the job works on, wherever they lie now."""
    mesh, *styles = map(sha256_of, job.sources)
    return {"mesh": mesh, "styles": styles}


def _identity(
    job: Job, inputs: dict[str, Any], weights: Weights, device: Device, choice: Choice
) -> dict[str, Any]:
    """What must be the same for a checkpoint to fit."""
    flags = {f"--{name.replace('_', '-')}": str(value) for name, value in asdict(job.settings).items()}
    flags["--precision"] = str(device.precision).removeprefix("torch.")
    flags["--weights"] = f"{weights.entry.name} {weights.sha256[:12]}"
    flags["--device"] = f"{device.kind} with {choice.rasteriser.name}"
    cameras = "; ".join(str(camera.described()) for camera in job.cameras)
    return {
        **flags,
        "the mesh": inputs["mesh"][:12],
        "the style pictures": " ".join(one[:12] for one in inputs["styles"]),
        "the cameras": cameras,
    }
