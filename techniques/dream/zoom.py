"""A journey into a dream: each frame is the middle of the one before it, a little larger, dreamt on.

Frames go on from the files on disk, so a sequence that was killed goes on to the same pixels.
"""

import json
import math
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from techniques.classifiers.classifier import Classifier
from techniques.device import Device, choose_device
from techniques.dream.dreaming import Dreamer, dream
from techniques.dream.goals import dreamers_for
from techniques.dream.job import Job, plan_job
from techniques.dream.judges import mean_after
from techniques.dream.page import command_line, judges_table, title
from techniques.dream.run import arguments_of, company, facts_of, identity_of, inputs_of, judged
from techniques.dream.settings import DreamSettings
from techniques.dream.wishes import growing
from techniques.errors import BadInputError, InterruptedRunError
from techniques.files import write_text, written_whole
from techniques.interrupts import Interrupts
from techniques.optimise import Step, Verdict
from techniques.pictures import Picture, fit, read_picture, save_picture
from techniques.progress import Progress, Quiet
from techniques.report import Page, render
from techniques.runs import Kind, finished_record, occupied, write_record

__all__ = ["FILM", "Zoom", "dream_zoom", "magnified"]

FILM = Kind("film", (".gif", ".webp"), "result.gif")
_MOST_FRAMES = 10_000
_FRAME_TIME = 80  # milliseconds
_SHOWN_AS_COLOURS = 256  # of a GIF's palette


@dataclass(frozen=True, kw_only=True)
class Zoom:
    """How many ``frames``, how much larger each is than the one before, and the steps that it is dreamt on.

    Raises:
        BadInputError: a value that cannot work.
    """

    frames: int
    factor: float = 1.04
    iterations: int = 8

    def __post_init__(self) -> None:
        """Refuse what cannot work."""
        if not 2 <= self.frames <= _MOST_FRAMES:
            raise BadInputError(f"--zoom {self.frames}: give a number of frames from 2 to {_MOST_FRAMES}.")
        if not math.isfinite(self.factor) or not 1 <= self.factor <= 2:
            raise BadInputError(f"--zoom-by {self.factor}: give a factor from 1 to 2, such as 1.04.")
        if self.iterations < 1:
            raise BadInputError(f"--zoom-iterations {self.iterations}: at least one step is needed.")


def dream_zoom(
    image: Path,
    zoom: Zoom,
    *,
    mask: Path | None = None,
    output: Path | None = None,
    settings: DreamSettings,
    resume: bool = False,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Dream into ``image`` and then ever deeper; returns what ``run.json`` holds.

    ``output`` is a film's name (.gif, .webp) or a folder. The frames lie beside the film, in a folder of its
    name. The first frame is dreamt with all iterations of ``settings``, the others with those of ``zoom``.

    Raises:
        BadInputError: as ``dream_files``, or ``resume`` with other settings than the run was begun with.
        InterruptedRunError: the run was asked to stop; its frames are kept.
        WorkFailedError: weights cannot be fetched, the optimisation diverges, or the disk is full.
    """
    said = progress or Quiet()
    job = plan_job(image, mask=mask, output=output, settings=settings, resume=resume, kind=FILM)
    place, device = job.place, choose_device(settings.device, "float32")
    frames = place.result.parent / f"{place.result.stem}-frames"
    if frames.exists() and not (place.checkpoint.exists() or place.record.exists()):
        raise BadInputError(
            f"-o {place.result}: {frames} is there, and no run of ours made it. Choose another name."
        )
    with occupied(place):
        arguments = {**arguments_of(job), **{f"zoom_{name}": value for name, value in asdict(zoom).items()}}
        if resume and (record := finished_record(place, arguments, lambda: inputs_of(job))):
            said.say(f"This run is finished already: {place.result}")
            return record
        networks = company(settings, device, said)
        begun = {**identity_of(job, networks), **{f"--zoom ({k})": str(v) for k, v in asdict(zoom).items()}}
        done = _taken_up(frames, place.checkpoint, begun, resume=resume, said=said)
        began = time.monotonic()
        dreamers = dreamers_for(networks.dreamers, settings)
        with Interrupts() as interrupts:
            for number in range(done, zoom.frames):
                _frame(number, frames, job, zoom, dreamers, device, interrupts)
                said.advance("frames", number + 1, zoom.frames, {})
        said.end()
        paths = [frames / _name(number) for number in range(zoom.frames)]
        _film(place.result, paths)
        last = read_picture(paths[-1])
        judgements = judged(job, networks, last)
        record = {
            "command": "dream",
            "arguments": arguments,
            "inputs": inputs_of(job),
            **facts_of(settings, networks.dreamers, device),
            "results": [str(place.result), str(place.report), str(frames)],
            "metrics": {
                "held_out_probability": mean_after(judgements),
                "judges": [asdict(one) for one in judgements if not one.took_part],
                "dreamers": [asdict(one) for one in judgements if one.took_part],
                "frames": zoom.frames,
            },
            "losses": {},
            "seconds": round(time.monotonic() - began, 3),
        }
        write_text(place.report, render(_page(job, record, last, networks.dreamers)))
        write_record(place, record)
        place.checkpoint.unlink(missing_ok=True)
    return record


def magnified(picture: Picture, factor: float) -> Picture:
    """The middle of ``picture``, ``factor`` times as large, at the same size in pixels."""
    width, height = picture.size
    image = Image.fromarray((picture.over_white() * 255).round().astype(np.uint8))
    cut = (1 - 1 / factor) / 2
    box = (width * cut, height * cut, width * (1 - cut), height * (1 - cut))
    near = image.resize((width, height), Image.Resampling.BICUBIC, box=box)
    return replace(picture, rgb=np.asarray(near, dtype=np.float32) / np.float32(255), alpha=None)


def _frame(
    number: int,
    frames: Path,
    job: Job,
    zoom: Zoom,
    dreamers: Sequence[Dreamer],
    device: Device,
    interrupts: Interrupts,
) -> None:
    def halt(_step: Step) -> Verdict:
        if interrupts.requested:
            raise InterruptedRunError(
                f"Stopped in frame {number + 1} of {zoom.frames}. The same command with --resume goes on."
            )
        return Verdict.GO_ON

    settings = job.settings
    before = job.before
    if number:
        before = magnified(read_picture(frames / _name(number - 1)), zoom.factor)
        # Other views in each frame; from the photograph of before, also where the journey began in noise.
        settings = replace(
            settings, iterations=zoom.iterations, seed=settings.seed + number, start="photograph"
        )
    result = dream(before, dreamers, settings, job.size, mask=job.mask, device=device.torch, callbacks=[halt])
    save_picture(frames / _name(number), result.picture)


def _taken_up(frames: Path, checkpoint: Path, begun: dict[str, str], *, resume: bool, said: Progress) -> int:
    """How many frames of this very run are there; those of others are removed."""
    if resume and checkpoint.exists():
        try:
            saved = dict(json.loads(checkpoint.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError) as error:
            raise BadInputError(
                f"--resume: {checkpoint} is damaged or not a checkpoint. Remove it to start again."
            ) from error
        for name in sorted({*saved, *begun}):
            if saved.get(name) != begun.get(name):
                raise BadInputError(
                    f"--resume: {name} was {saved.get(name)} in the interrupted run and is {begun.get(name)} "
                    "now. Take the same command line, or start again without --resume."
                )
        done = 0
        while (frames / _name(done)).is_file():
            done += 1
        said.say(f"Going on behind frame {done}.")
        return done
    if resume:
        said.say("There is no checkpoint here; starting from the beginning.")
    write_text(checkpoint, json.dumps(begun))
    frames.mkdir(exist_ok=True)
    for old in frames.glob("[0-9][0-9][0-9][0-9][0-9].png"):
        old.unlink()
    return 0


def _film(path: Path, frames: Sequence[Path]) -> None:
    kind = "GIF" if path.suffix.lower() == ".gif" else "WEBP"
    with written_whole(path) as draft:
        _shown(frames[0], kind).save(
            draft,
            format=kind,
            save_all=True,
            # Read when their turn comes: ten thousand frames in colour do not fit into memory.
            append_images=(_shown(frame, kind) for frame in frames[1:]),
            duration=_FRAME_TIME,
            loop=0,
        )


def _shown(frame: Path, kind: str) -> Image.Image:
    with Image.open(frame) as picture:
        shown = picture.convert("RGB")
    # A palette of each frame's own: with one for all, colours flicker.
    return shown.quantize(_SHOWN_AS_COLOURS) if kind == "GIF" else shown


def _page(job: Job, record: dict[str, Any], last: Picture, dreamers: Sequence[Classifier]) -> Page:
    arguments, metrics = record["arguments"], record["metrics"]
    extra = (
        f" --zoom {arguments['zoom_frames']} --zoom-by {arguments['zoom_factor']:g}"
        f" --zoom-iterations {arguments['zoom_iterations']}"
    )
    return Page(
        title=f"{title(job)}, deeper and deeper",
        before=fit(job.before, job.size),
        after=last,
        styles=[],
        curve=None,
        tables=[judges_table(metrics)] if growing(job.settings.classes) else [],
        facts=[
            ("size", f"{job.size[0]} x {job.size[1]} px"),
            ("frames", str(metrics["frames"])),
            ("time", f"{record['seconds']:.0f} s"),
            ("device", record["machine"]),
        ],
        settings=[],
        weights={"name": dreamers[0].name, **dreamers[0].source},
        command=command_line(arguments) + extra,
    )


def _name(number: int) -> str:
    return f"{number:05}.png"
