"""One run of mesh-dream over files: mesh in, dreamt mesh, record and report out, resumable in between."""

from dataclasses import asdict, replace
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
import torch
from torch import Tensor

from techniques.device import Device, choose_device
from techniques.dream.goals import dreamers_for, wanted_classes
from techniques.dream.judges import Judgement, judge, mean_after
from techniques.dream.run import Company, company, weights_of
from techniques.files import sha256_of, write_text
from techniques.mesh_dream.dreaming import SUN, Dreamt, Scene, dream
from techniques.mesh_dream.job import Job, plan_job
from techniques.mesh_dream.page import page
from techniques.mesh_dream.settings import MeshDreamSettings
from techniques.mesh_style.cameras import HELD_OUT
from techniques.meshes.budget import Budget, Costs
from techniques.meshes.changed import save_changed
from techniques.meshes.health import change_between, health_of
from techniques.meshes.light import Light
from techniques.meshes.primed import primed
from techniques.meshes.render import Surface
from techniques.pictures import Picture
from techniques.progress import Progress, Quiet
from techniques.raster.cameras import Camera
from techniques.raster.choose import Choice, choose_rasteriser
from techniques.report import render
from techniques.runs import finished_record, occupied, versions, write_record
from techniques.sessions import session

__all__ = ["mesh_dream_files", "run_job"]

_COSTS = Costs(pixel=1100, triangle=400, texel=300, fixed=1000 << 20)
_JUDGED_SIZE = 288  # px: judges scale views to what they look at


def mesh_dream_files(
    mesh: Path | str,
    *,
    cameras: tuple[Camera, ...] = (),
    output: Path | str | None = None,
    settings: MeshDreamSettings,
    resume: bool = False,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Dream on the mesh at ``mesh``; returns what ``run.json`` holds.

    ``output`` is a mesh's path (.obj, .glb) or a folder; without it the platform's folder for results is
    taken. With ``resume`` an interrupted run with the same arguments goes on; a finished one is left as it
    is. Ctrl-C or SIGTERM stop after the current step, with a checkpoint.

    Raises:
        BadInputError: the mesh, a setting, a class or the output cannot be used; nothing has been written.
        InterruptedRunError: the run was asked to stop.
        WorkFailedError: weights cannot be fetched, the optimisation diverges, or the disk is full.
    """
    job = plan_job(
        Path(mesh),
        cameras=cameras,
        output=None if output is None else Path(output),
        settings=settings,
        resume=resume,
    )
    return run_job(job, progress or Quiet())


def run_job(job: Job, said: Progress) -> dict[str, Any]:
    """Do what ``job`` says; returns what ``run.json`` holds. Raises as ``mesh_dream_files`` does."""
    place, settings = job.place, job.settings
    device = choose_device(settings.device, "float32")
    choice = choose_rasteriser(device.torch)
    with occupied(place):
        arguments, inputs = _arguments(job), _inputs(job)
        if job.resume and (record := finished_record(place, arguments, lambda: inputs)):
            said.say(f"This run is finished already: {place.result}")
            return record
        networks = company(settings.wishes, device, said)
        widest = max(one.view.width * one.view.height for one in networks.dreamers)
        memory = Budget.of(
            _COSTS,
            device,
            pixels=settings.views * widest * len(networks.dreamers),
            triangles=settings.views * len(job.mesh.faces),
            texels=settings.texture_size**2,
            advice="Choose fewer --views, a smaller --texture-size or one network.",
        )
        for line in job.mesh.repaired:
            said.say(f"{job.source.name}: {line}")
        ground = primed(job.mesh, settings.texture_size, device.torch)
        lost = ground.losses() if settings.what != "geometry" else ()
        said.say(f"{len(job.mesh.faces):,} triangles. {ground.atlas.described}")
        for line in lost:
            said.say(line)
        said.say(f"{settings.views} views a step on {device}; rasteriser: {choice}")
        for classifier in networks.dreamers:
            said.say(f"Network: {classifier.name}, {classifier.source['title']}")
        said.say(str(memory))
        scene = Scene(ground.surface, ground.base, choice.rasteriser, job.cameras)
        identity = _identity(job, inputs, networks, device, choice)
        with memory.kept(), session(place, identity, said, resume=job.resume) as running:
            dreamt = dream(
                scene,
                dreamers_for(networks.dreamers, settings.wishes),
                settings,
                callbacks=running.callbacks,
                state=running.state,
            )
            seconds = running.seconds()
        judgements = _judged(scene, dreamt, job, networks)
        said.say("Writing the mesh and its pictures.")
        after, saved = save_changed(
            place,
            ground,
            vertices=dreamt.vertices,
            texture=dreamt.texture,
            what=settings.what,
            turns=settings.turntable,
        )
        record = {
            "command": "mesh-dream",
            "arguments": arguments,
            "inputs": inputs,
            "seed": settings.seed,
            "device": device.kind,
            "machine": str(device),
            "rasteriser": choice.record(),
            "weights": weights_of(networks.dreamers),
            "versions": versions(),
            "results": [*map(str, saved.results), str(place.report)],
            "repaired": [*job.mesh.repaired, *lost],
            "memory": memory.record(),
            "metrics": {
                "held_out_probability": mean_after(judgements),
                "judges": [asdict(one) for one in judgements if not one.took_part],
                "dreamers": [asdict(one) for one in judgements if one.took_part],
                "steps": len(dreamt.history["total"]),
                "peak_memory_mb": device.peak_memory_mb(),
            },
            "health": {
                "before": health_of(job.mesh).described(),
                "after": health_of(after).described(),
                "change": change_between(job.mesh, after).described(),
            },
            "losses": {name: [float(f"{v:.6g}") for v in values] for name, values in dreamt.history.items()},
            "seconds": round(seconds, 3),
        }
        write_text(place.report, render(page(record, job, dreamt, saved, networks.dreamers)))
        write_record(place, record)
        place.checkpoint.unlink(missing_ok=True)
    for one in judgements:
        if not one.took_part:
            said.say(
                f"{one.network}, which took no part, sees {one.wanted} from cameras that took no part: "
                f"{one.before:.1%} before, {one.after:.1%} after."
            )
    if settings.classes and settings.judges != "none" and all(one.took_part for one in judgements):
        said.say("No other network with this class is at hand, so nobody judges the dream.")
    return record


def _judged(scene: Scene, dreamt: Dreamt, job: Job, networks: Company) -> list[Judgement]:
    """What each network sees from the held-out cameras: the mean over them of probabilities and ranks."""
    if not job.settings.classes:
        return []
    wanted = wanted_classes(networks.dreamers[0], job.settings.wishes)
    light = SUN if job.settings.what == "geometry" else Light("flat")
    before = _pictures(scene, scene.surface, scene.base, light)
    after = _pictures(scene, scene.surface.moved(dreamt.vertices), dreamt.texture, light)
    found = []
    for who, took_part in ((networks.judges, False), (networks.dreamers, True)):
        views = [
            judge(who, wanted, first, last, took_part=took_part)
            for first, last in zip(before, after, strict=True)
        ]
        found += [
            replace(
                own[0],
                before=fmean(one.before for one in own),
                after=fmean(one.after for one in own),
                rank_before=round(fmean(one.rank_before for one in own)),
                rank_after=round(fmean(one.rank_after for one in own)),
            )
            for own in zip(*views, strict=True)
        ]
    return found


def _pictures(scene: Scene, surface: Surface, texture: Tensor, light: Light) -> list[Picture]:
    ground = torch.full((3,), 0.5, device=texture.device)
    size = (_JUDGED_SIZE, _JUDGED_SIZE)
    with torch.no_grad():
        view = scene.seen(surface, texture, HELD_OUT, size, ground=ground, light=light)
    return [Picture(one.permute(1, 2, 0).cpu().numpy().astype(np.float32)) for one in view.image]


def _arguments(job: Job) -> dict[str, Any]:
    settings = {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in asdict(job.settings).items()
    }
    return {
        "mesh": str(job.source),
        "cameras": [camera.described() for camera in job.cameras],
        "output": str(job.place.result),
        **settings,
    }


def _inputs(job: Job) -> dict[str, Any]:
    """What the files hold that the job works on, wherever they lie now."""
    return {"mesh": sha256_of(job.source)}


def _identity(
    job: Job, inputs: dict[str, Any], networks: Company, device: Device, choice: Choice
) -> dict[str, Any]:
    """What must be the same for a checkpoint to fit."""
    flags = {f"--{name.replace('_', '-')}": str(value) for name, value in asdict(job.settings).items()}
    for unrelated in ("--judges", "--turntable"):  # they only look at what comes out
        del flags[unrelated]
    flags["--class"], flags["--layer"] = flags.pop("--classes"), flags.pop("--layers")
    flags["--weights"] = ", ".join(f"{one.name} {one.sha256[:12]}" for one in networks.dreamers)
    flags["--device"] = f"{device.kind} with {choice.rasteriser.name}"
    return {
        **flags,
        "the mesh": inputs["mesh"][:12],
        "the cameras": "; ".join(str(camera.described()) for camera in job.cameras),
    }
