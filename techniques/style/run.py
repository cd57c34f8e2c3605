"""One run of style transfer over files: inputs in, picture, record and report out, resumable in between."""

import hashlib
import os
import time
from collections.abc import Sequence
from dataclasses import asdict
from itertools import count
from pathlib import Path
from typing import Any

from techniques.checkpoints import Checkpointer, load_checkpoint
from techniques.device import Device, choose_device
from techniques.errors import InterruptedRunError, WorkFailedError
from techniques.files import sha256_of, write_text
from techniques.interrupts import Interrupts
from techniques.layers import LAYERS, require_layers
from techniques.networks import NETWORKS, load_network
from techniques.notebook import progress_here
from techniques.optimise import DivergedError, Step, Verdict
from techniques.pictures import save_picture
from techniques.plans import Planner, limit_for, restored
from techniques.progress import Progress
from techniques.report import render
from techniques.runs import finished_record, occupied, versions, write_record
from techniques.style.job import Job, plan_job, preview_file
from techniques.style.page import page
from techniques.style.preview import LivePreview, picture_of
from techniques.style.scene import costs_of
from techniques.style.settings import StyleSettings
from techniques.style.transfer import Stylized, stylize
from techniques.weights import Weights, obtain

__all__ = ["run_job", "style_files"]

# What to do about a picture that no plan fits.
_THRIFT = {
    "lbfgs": "--optimizer adam holds a third of it; or choose a smaller --size.",
    "adam": "Choose a smaller --size, or a machine with more.",
}


def style_files(
    content: Path | str,
    *styles: Path | str,
    output: Path | str | None = None,
    settings: StyleSettings = StyleSettings(),  # noqa: B008 - frozen
    mask: Path | str | None = None,
    style_masks: Sequence[Path | str] = (),
    resume: bool = False,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Paint the picture at ``content`` in the manner of those at ``styles``; returns what ``run.json`` holds.

    ``output`` is a picture's path or a folder; without it the platform's folder for results is taken. With
    ``resume`` an interrupted run with the same arguments continues from its checkpoint; a finished one is
    left as it is. Without ``progress``, a notebook shows a bar and the picture as it comes. Ctrl-C or SIGTERM
    stop after the current step, with a checkpoint.

    Raises:
        BadInputError: a picture, a setting or the output cannot be used; nothing has been written.
        InterruptedRunError: the run was asked to stop.
        WorkFailedError: weights cannot be fetched, the optimisation diverges, or the disk is full.
    """
    job = plan_job(
        Path(content),
        [Path(style) for style in styles],
        output=None if output is None else Path(output),
        settings=settings,
        mask=None if mask is None else Path(mask),
        style_masks=[Path(one) for one in style_masks],
        resume=resume,
    )
    return run_job(job, progress or progress_here(preview_file(job.place)))


def run_job(job: Job, said: Progress) -> dict[str, Any]:
    """Do what ``job`` says; returns what ``run.json`` holds. Raises as ``style_files`` does."""
    place, settings = job.place, job.settings
    device = choose_device(settings.device, settings.precision)
    with occupied(place):
        arguments, inputs = _arguments(job), _inputs(job)
        if job.resume and (record := finished_record(place, arguments, lambda: inputs)):
            said.say(f"This run is finished already: {place.picture}")
            return record
        weights = obtain(
            settings.weights,
            networks=tuple(NETWORKS),
            announce=said.say,
            report=lambda done, total: said.advance("fetching", done, total, {}),
        )
        said.end()
        require_layers((*settings.content_layers, *settings.style_layers), LAYERS[weights.entry.network])
        result, planner, seconds = _work(job, inputs, weights, device, said)
        save_picture(place.picture, result.picture)
        record = {
            "command": "style",
            "arguments": arguments,
            "inputs": inputs,
            "seed": settings.seed,
            "device": device.kind,
            "machine": str(device),
            "weights": weights.facts,
            "versions": versions(),
            "results": [str(place.picture), str(place.report)],
            "metrics": {
                **result.metrics,
                "steps": len(result.history["total"]),
                "peak_memory_mb": device.peak_memory_mb(),
            },
            "memory": planner.record(job.size),
            "losses": {name: [float(f"{v:.6g}") for v in values] for name, values in result.history.items()},
            "seconds": round(seconds, 3),
        }
        write_text(place.report, render(page(record, job, result)))
        write_record(place, record)
        place.checkpoint.unlink(missing_ok=True)
        preview_file(place).unlink(missing_ok=True)
    return record


def _work(
    job: Job, inputs: dict[str, Any], weights: Weights, device: Device, said: Progress
) -> tuple[Stylized, Planner, float]:
    identity, checkpoint = _identity(job, inputs, weights, device), job.place.checkpoint
    state = load_checkpoint(checkpoint, identity) if job.resume and checkpoint.exists() else None
    network = load_network(weights).computing_in(device.precision)
    planner = restored(
        state and state["memory"],
        limit_for(job.settings.memory, device),
        costs_of(job.settings, network, len(job.masks.names) if job.masks else 0),
        forced=job.settings.memory is not None,
    )
    planner.require(job.size, _THRIFT[job.settings.optimizer])
    said.say(f"{job.size[0]} x {job.size[1]} px on {device}")
    said.say(f"Network: {weights.entry.name}, a {weights.entry.title}")
    said.say(planner.describe(job.size))
    if state:
        said.say(f"Going on behind step {state['number']}.")
    elif job.resume:
        said.say("There is no checkpoint here; starting from the beginning.")
    elif checkpoint.exists():
        said.say("An interrupted run is replaced; --resume would have continued it.")
    checkpointer = Checkpointer(checkpoint, identity, lambda: {"memory": planner.state()})
    began, earlier = time.monotonic(), float(state["seconds"]) if state else 0.0
    with Interrupts() as interrupts:

        def show(step: Step) -> Verdict:
            said.advance(step.stage, step.number, step.steps, {"loss": step.loss, **step.parts})
            return Verdict.GO_ON

        def halt(step: Step) -> Verdict:
            if interrupts.requested:
                checkpointer.save(step)
                raise InterruptedRunError(
                    f"Stopped behind step {step.number} of {step.steps}. "
                    "The same command with --resume goes on."
                )
            return Verdict.GO_ON

        try:
            result = stylize(
                job.before,
                job.styles,
                job.settings,
                network=network,
                device=device,
                planner=planner,
                callbacks=(show, checkpointer, LivePreview(preview_file(job.place), job.before), halt),
                state=state,
                announce=said.say,
                masks=job.masks,
                initial=job.initial,
            )
        except DivergedError as error:
            raise _with_last_good(error, job) from error
        finally:
            said.end()
    return result, planner, earlier + time.monotonic() - began


def _arguments(job: Job) -> dict[str, Any]:
    settings = {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in asdict(job.settings).items()
    }
    return {
        "content": str(job.sources[0]),
        "styles": [str(path) for path in job.sources[1:]],
        "output": str(job.place.picture),
        "mask": None if job.mask is None else str(job.mask),
        "style_mask": [str(path) for path in job.style_masks],
        **settings,
    }


def _inputs(job: Job) -> dict[str, Any]:
    """What the files hold that the job works on, wherever they lie now."""
    content, *styles = map(sha256_of, job.sources)
    masks = [job.mask, *job.style_masks] if job.mask else []
    found = {"content": content, "styles": styles, "masks": list(map(sha256_of, masks))}
    if job.initial is not None:
        found["frame_before"] = hashlib.sha256(job.initial.rgb.tobytes()).hexdigest()
    return found


def _identity(job: Job, inputs: dict[str, Any], weights: Weights, device: Device) -> dict[str, Any]:
    """What must be the same for a checkpoint to fit."""
    flags = {f"--{name.replace('_', '-')}": str(value) for name, value in asdict(job.settings).items()}
    del flags["--memory"]  # a run that was killed for its memory may go on with less
    flags["--precision"] = str(device.precision).removeprefix("torch.")
    flags["--weights"] = f"{weights.entry.name} {weights.sha256[:12]}"
    found = {
        **flags,
        "the content picture": inputs["content"][:12],
        "the style pictures": " ".join(one[:12] for one in inputs["styles"]),
        "the masks": " ".join(one[:12] for one in inputs["masks"]),
    }
    if "frame_before" in inputs:
        found["the frame before"] = inputs["frame_before"][:12]
    return found


def _with_last_good(error: DivergedError, job: Job) -> WorkFailedError:
    """What ``error`` says, behind saving the last picture that was one."""
    if error.last is None:
        return WorkFailedError(str(error))
    result = job.place.result
    # Under a name of its own: a file that is there may be anybody's.
    names = (f"{result.stem}.last-good{'' if n == 1 else f'-{n}'}.png" for n in count(1))
    kept = next(path for path in map(result.with_name, names) if not os.path.lexists(path))
    save_picture(kept, picture_of(error.last["image"], job.before))
    return WorkFailedError(f"{error} The last good picture is {kept}.")
