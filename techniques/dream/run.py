"""One dream over files: inputs in, picture, record and report out, resumable in between."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from techniques.classifiers.classifier import Classifier, obtain_classifier
from techniques.classifiers.run import weights_facts
from techniques.device import Device, choose_device
from techniques.dream.dreaming import Dreamed, dream
from techniques.dream.goals import dreamers_for, wanted_classes
from techniques.dream.job import Job, plan_job
from techniques.dream.judges import Judgement, judge, jury, mean_after
from techniques.dream.page import page
from techniques.dream.settings import DreamSettings
from techniques.dream.wishes import growing
from techniques.files import sha256_of, write_text
from techniques.pictures import Picture, fit, in_srgb, save_picture
from techniques.progress import Progress, Quiet
from techniques.report import render
from techniques.runs import finished_record, occupied, versions, write_record
from techniques.sessions import session

__all__ = [
    "Company",
    "arguments_of",
    "company",
    "dream_files",
    "facts_of",
    "identity_of",
    "inputs_of",
    "judged",
    "run_job",
    "weights_of",
]


class Company:
    """The networks of a run: those that dream, and those that judge. Opened once for many pictures."""

    def __init__(self, dreamers: Sequence[Classifier], judges: Sequence[Classifier]) -> None:
        self.dreamers, self.judges = tuple(dreamers), tuple(judges)


def dream_files(
    image: Path | str,
    *,
    mask: Path | str | None = None,
    output: Path | str | None = None,
    settings: DreamSettings,
    resume: bool = False,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Dream into the picture at ``image`` (or "noise"); returns what ``run.json`` holds.

    ``output`` is a picture's path or a folder; without it the platform's folder for results is taken. With
    ``resume`` an interrupted run with the same arguments continues from its checkpoint; a finished one is
    left as it is. Ctrl-C or SIGTERM stop after the current step, with a checkpoint.

    Raises:
        BadInputError: a picture, a setting, a class or the output cannot be used; nothing has been written.
        InterruptedRunError: the run was asked to stop.
        WorkFailedError: weights cannot be fetched, the optimisation diverges, or the disk is full.
    """
    job = plan_job(
        Path(image),
        mask=None if mask is None else Path(mask),
        output=None if output is None else Path(output),
        settings=settings,
        resume=resume,
    )
    return run_job(job, progress or Quiet())


def company(settings: DreamSettings, device: Device, said: Progress) -> Company:
    """Open the networks that ``settings`` name, and check that they have what is dreamt of.

    Raises:
        BadInputError: a network, folder or class that is not there.
        WorkFailedError: weights cannot be fetched.
    """

    def report(done: int, total: int) -> None:
        said.advance("fetching", done, total, {})

    names = [name.strip() for name in settings.weights.split(",")]
    dreaming = [obtain_classifier(name, announce=said.say, report=report) for name in names]
    dreamers_for(dreaming, settings)
    judging = jury(settings.judges, dreaming, announce=said.say, report=report)
    said.end()
    return Company([one.to(device.torch) for one in dreaming], [one.to(device.torch) for one in judging])


def run_job(job: Job, said: Progress, networks: Company | None = None) -> dict[str, Any]:
    """Do what ``job`` says; returns what ``run.json`` holds. Raises as ``dream_files`` does."""
    place, settings = job.place, job.settings
    device = choose_device(settings.device, "float32")
    with occupied(place):
        arguments = arguments_of(job)
        if job.resume and (record := finished_record(place, arguments, lambda: inputs_of(job))):
            said.say(f"This run is finished already: {place.picture}")
            return record
        networks = networks or company(settings, device, said)
        result, seconds = _work(job, networks, device, said)
        save_picture(place.picture, result.picture)
        judgements = judged(job, networks, result.picture)
        record = {
            "command": "dream",
            "arguments": arguments,
            "inputs": inputs_of(job),
            **facts_of(settings, networks.dreamers, device),
            "results": [str(place.picture), str(place.report)],
            "metrics": {
                "held_out_probability": mean_after(judgements),
                "judges": [asdict(one) for one in judgements if not one.took_part],
                "dreamers": [asdict(one) for one in judgements if one.took_part],
                "steps": len(result.history["total"]),
                "peak_memory_mb": device.peak_memory_mb(),
            },
            "losses": {name: [float(f"{v:.6g}") for v in values] for name, values in result.history.items()},
            "seconds": round(seconds, 3),
        }
        write_text(place.report, render(page(record, job, result, networks.dreamers)))
        write_record(place, record)
        place.checkpoint.unlink(missing_ok=True)
    _tell(judgements, settings, said)
    return record


def _work(job: Job, networks: Company, device: Device, said: Progress) -> tuple[Dreamed, float]:
    said.say(f"{job.size[0]} x {job.size[1]} px on {device}")
    for classifier in networks.dreamers:
        said.say(f"Network: {classifier.name}, {classifier.source['title']}")
    with session(job.place, identity_of(job, networks), said, resume=job.resume) as run:
        result = dream(
            job.before,
            dreamers_for(networks.dreamers, job.settings),
            job.settings,
            job.size,
            mask=job.mask,
            device=device.torch,
            callbacks=run.callbacks,
            state=run.state,
        )
        return result, run.seconds()


def judged(job: Job, networks: Company, result: Picture) -> list[Judgement]:
    """What the judges, and the dreamers themselves, see of the wanted classes before and in ``result``."""
    if not growing(job.settings.classes):
        return []
    wanted = wanted_classes(networks.dreamers[0], job.settings)
    before, result = in_srgb(fit(job.before, job.size)), in_srgb(result)
    return [
        *judge(networks.judges, wanted, before, result),
        *judge(networks.dreamers, wanted, before, result, took_part=True),
    ]


def _tell(judgements: Sequence[Judgement], settings: DreamSettings, said: Progress) -> None:
    held_out = [one for one in judgements if not one.took_part]
    for one in held_out:
        said.say(
            f"{one.network}, which took no part, sees {one.wanted}: {one.before:.1%} before, "
            f"{one.after:.1%} after (place {one.rank_after})."
        )
    if growing(settings.classes) and settings.judges != "none" and not held_out:
        said.say(
            "No other network with this class is at hand, so nobody judges the dream. "
            "For one's own classes: train a second network, and name its folder with --judges."
        )


def arguments_of(job: Job) -> dict[str, Any]:
    """What ``run.json`` says that was asked for."""
    settings = {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in asdict(job.settings).items()
    }
    return {
        "image": str(job.source or "noise"),
        "mask": None if job.mask_source is None else str(job.mask_source),
        "output": str(job.place.picture),
        **settings,
    }


def identity_of(job: Job, networks: Company) -> dict[str, Any]:
    """What must be the same for a checkpoint to fit."""
    flags = {f"--{name.replace('_', '-')}": str(value) for name, value in asdict(job.settings).items()}
    flags["--weights"] = ", ".join(f"{one.name} {one.sha256[:12]}" for one in networks.dreamers)
    del flags["--judges"]  # they only look at what comes out
    flags["--class"] = flags.pop("--classes")
    flags["--layer"] = flags.pop("--layers")
    inputs = inputs_of(job)
    return {**flags, "the picture": inputs["picture"][:12], "--mask": inputs["mask"][:12]}


def inputs_of(job: Job) -> dict[str, str]:
    """What the files hold that the job works on, wherever they lie now."""
    files = {"picture": job.source, "mask": job.mask_source}
    return {name: "none" if path is None else sha256_of(path) for name, path in files.items()}


def facts_of(settings: DreamSettings, dreamers: Sequence[Classifier], device: Device) -> dict[str, Any]:
    """What ``run.json`` says of every dream: seed, device, weights and versions.

    ``weights`` are the first network's; those of others that dreamt along are under its ``others``.
    """
    return {
        "seed": settings.seed,
        "device": device.kind,
        "machine": str(device),
        "weights": weights_of(dreamers),
        "versions": versions(),
    }


def weights_of(dreamers: Sequence[Classifier]) -> dict[str, Any]:
    """The first network's facts; those of others that dreamt along are under ``others``."""
    first, *others = [weights_facts(one) for one in dreamers]
    return {**first, **({"others": others} if others else {})}
