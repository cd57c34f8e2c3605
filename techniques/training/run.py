"""One training over files: a dataset in; a classifier, its record and report out; resumable in between."""

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from techniques.checkpoints import Checkpointer, load_checkpoint
from techniques.classifiers.classifier import Classifier, in_memory
from techniques.device import Device, choose_device
from techniques.errors import InterruptedRunError
from techniques.interrupts import Interrupts
from techniques.optimise import State
from techniques.progress import Progress, Quiet
from techniques.runs import finished_record, occupied
from techniques.training.batches import Feed
from techniques.training.boards import Boards, how_to_look
from techniques.training.changes import changes, contents_of
from techniques.training.dataset import Dataset, read_dataset
from techniques.training.done import Done
from techniques.training.job import Job, plan_job
from techniques.training.measures import Measured, measured
from techniques.training.pool import Pool, memory_for_pictures
from techniques.training.problems import Problem, counted
from techniques.training.readiness import Readiness, dreams_of_all, find_judge, fit_judge
from techniques.training.results import write_results
from techniques.training.settings import TrainSettings
from techniques.training.student import Origin, check_view, find_origin, make_student
from techniques.training.team import ALONE, Team
from techniques.training.trainer import Outcome, Pause, Trainer
from techniques.training.views import Views

__all__ = ["run_job", "train_folder"]

_POOL = 0.75  # of the memory for pictures; the rest is for the held-out ones
# Where bfloat16 halves the time of a step on processors that have it; networks of thin layers gain nothing.
_HALF_ON_CPU = ("vgg",)


def train_folder(
    dataset: Path | str,
    *,
    output: Path | str | None = None,
    settings: TrainSettings = TrainSettings(),  # noqa: B008 - frozen
    resume: bool = False,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Train a classifier on the folder ``dataset``; returns what ``run.json`` holds.

    ``output`` is the folder for the weights; without it one that outlives the job is taken. With ``resume``
    an interrupted training with the same arguments continues from its checkpoint. Ctrl-C or SIGTERM stop
    after the current step, with a checkpoint.

    Raises:
        BadInputError: the dataset, a setting or the output cannot be used; nothing has been written.
        InterruptedRunError: the training was asked to stop.
        WorkFailedError: weights cannot be fetched, the loss diverges, or the disk is full.
    """
    job = plan_job(
        Path(dataset),
        output=None if output is None else Path(output),
        settings=settings,
        resume=resume,
        environment=dict(os.environ),
    )
    return run_job(job, progress or Quiet())


def run_job(job: Job, said: Progress, team: Team = ALONE) -> dict[str, Any]:
    """Do what ``job`` says; returns what ``run.json`` holds. Raises as `train_folder` does."""
    device = choose_device(job.settings.device, "float32")
    with _entered(job, team):
        if job.resume and (record := team.led(lambda: _finished(job))):
            said.say(f"This training is finished already: {job.place.result.parent}")
            return record
        done = _work(job, device, said, team)
        used = replace(device, precision=done.precision)
        return team.led(lambda: write_results(job, done, used, team.size))


def _finished(job: Job) -> dict[str, Any] | None:
    return finished_record(job.place, job.arguments, lambda: {"dataset": contents_of(job.dataset, {})})


@contextmanager
def _entered(job: Job, team: Team) -> Iterator[None]:
    if team.leads:
        with occupied(job.place):
            yield
    else:
        yield


def _work(job: Job, device: Device, said: Progress, team: Team) -> Done:
    settings, began = job.settings, time.monotonic()
    origin = _origin(settings, said, team)
    check_view(origin.architecture, settings.view)
    second = _judge(origin, settings, said) if team.leads else None
    said.say(f"Start: {origin.title}")
    threads = max(1, len(os.sched_getaffinity(0)) // team.here)
    memory = memory_for_pictures(team.here)
    pool = Pool(job.dataset, settings.view, memory=int(_POOL * memory))
    dataset = read_dataset(
        job.dataset,
        size=settings.view,
        pool=pool,
        validation=settings.validation,
        seed=settings.seed,
        threads=threads,
        team=team,
        report=lambda done, total: said.advance("looking at pictures", done, total, {}),
    )
    known = {example.path: example.sha256 for example in dataset.examples}
    contents = team.led(lambda: contents_of(job.dataset, known))
    said.end()
    _tell(dataset, said)
    student = make_student(
        origin, dataset.classes, view=settings.view, seed=settings.seed, new_head=settings.new_head
    )
    views = Views(dataset, student.preprocessing.view, memory=int((1 - _POOL) * memory), threads=threads)
    feed = Feed(
        dataset,
        pool,
        size=settings.view,
        augment=settings.augment,
        batch_size=settings.batch_size,
        seed=settings.seed,
        team=team,
        threads=threads,
    )
    precision = _precision(settings, origin, device)
    trainer = Trainer(student, dataset, feed, views, settings, device=device, precision=precision, team=team)
    size = f"{settings.view[0]} x {settings.view[1]} px"
    said.say(f"Training {origin.architecture.name} at {size}, {_name(precision)}, on {device.name}")
    outcome, seconds = _trained(job, trainer, _identity(job, dataset, origin, precision), said, team, began)
    trainer.adopt(outcome.tensors)
    answers, validation = _measured(trainer, dataset, "val")
    _, test = _measured(trainer, dataset, "test")
    late = tuple(team.led(lambda: changes(dataset)))
    for problem in late:
        said.say(f"{problem.where} {problem.kind} during the training.")
    readiness = None
    if second and validation:
        through = Views(dataset, second.view, memory=0, threads=threads)
        readiness = _readiness(second, trainer, outcome, dataset, through, late, said)
    return Done(
        dataset,
        contents,
        outcome,
        validation,
        test,
        (*dataset.problems, *late),
        origin,
        student.preprocessing,
        answers,
        readiness,
        precision,
        seconds,
    )


def _origin(settings: TrainSettings, said: Progress, team: Team) -> Origin:
    def found(wanted: TrainSettings) -> Origin:
        return find_origin(
            wanted,
            announce=said.say,
            report=lambda done, total: said.advance("fetching", done, total, {}),
        )

    # The leading process fetches what is missing and says which network that is: what "auto" means may
    # change while others look, because the judge's network arrives in the same folder. The others find it,
    # or fetch it for their machine.
    name = team.led(lambda: found(settings).name)
    return found(replace(settings, weights=name) if settings.weights == "auto" else settings)


def _trained(
    job: Job, trainer: Trainer, identity: dict[str, str], said: Progress, team: Team, began: float
) -> tuple[Outcome, float]:
    checkpoint = job.place.checkpoint
    state: State | None = None
    if job.resume:
        state = team.led(lambda: load_checkpoint(checkpoint, identity) if checkpoint.exists() else None)
        if state is None:
            said.say("There is no checkpoint here; starting from the beginning.")
    elif team.leads and checkpoint.exists():
        said.say("An interrupted training is replaced; --resume would have continued it.")
    earlier = 0.0
    if state is not None:
        trainer.restore(state)
        earlier = state["seconds"]
        said.say(f"Going on in epoch {trainer.epoch + 1}, behind step {trainer.step}.")
    boards = None
    if team.leads:
        boards = Boards(job.boards, start=trainer.epoch * trainer.feed.steps + trainer.step)
        said.say(f"Curves: {how_to_look(job.boards)}")

    def seconds() -> float:
        return earlier + time.monotonic() - began

    checkpointer = Checkpointer(checkpoint, identity, lambda: {"seconds": seconds()})

    with Interrupts() as interrupts:

        def between(pause: Pause) -> None:
            _show(pause, said)
            if boards:
                boards(pause)
            stop = team.any(interrupts.requested)
            if team.leads:
                checkpointer.keep(pause.state()) if stop else checkpointer.offer(pause.state)
            if stop:
                raise InterruptedRunError(
                    f"Stopped behind step {pause.done} of {pause.total}. "
                    "The same command with --resume goes on."
                )

        try:
            return trainer.run(between), seconds()
        finally:
            said.end()
            if boards:
                boards.close()


def _show(pause: Pause, said: Progress) -> None:
    said.advance("training", pause.done, pause.total, {"loss": pause.loss})
    if epoch := pause.epoch:
        held = (
            f", held-out accuracy {epoch.val_accuracy:.3f} (loss {epoch.val_loss:.3f})"
            if epoch.val_accuracy is not None
            else ", nothing held out"
        )
        which = "last layer only" if epoch.phase == "head" else "all layers"
        said.say(f"Epoch {epoch.number} of {pause.epochs} ({which}): loss {epoch.loss:.3f}{held}")


def _tell(dataset: Dataset, said: Progress) -> None:
    for name in ("train", "val", "test"):
        if dataset.part(name):
            figures = ", ".join(
                f"{label} {number}"
                for label, number in zip(dataset.classes, dataset.counts(name), strict=True)
            )
            said.say(f"{len(dataset.part(name))} pictures to {_VERBS[name]}: {figures}")
    for _, kind, found in counted(dataset.problems):
        names = "; ".join(str(problem) for problem in found[:3])
        more = f" and {len(found) - 3} more" if len(found) > 3 else ""
        said.say(f"{len(found)} {kind.title}, {kind.effect} ({names}{more})")


_VERBS = {"train": "train with", "val": "choose the best epoch with", "test": "test with"}


def _measured(
    trainer: Trainer, dataset: Dataset, part: str
) -> tuple[NDArray[np.float32] | None, Measured | None]:
    indices = dataset.part(part)
    if not indices:
        return None, None
    answers = trainer.probabilities(indices).numpy()
    return answers, measured(answers, [dataset.examples[index].label for index in indices])


def _judge(origin: Origin, settings: TrainSettings, said: Progress) -> Classifier | None:
    return find_judge(
        settings.judge,
        origin.architecture.name,
        announce=said.say,
        report=lambda done, total: said.advance("fetching", done, total, {}),
    )


def _readiness(
    second: Classifier,
    trainer: Trainer,
    outcome: Outcome,
    dataset: Dataset,
    views: Views,
    late: Sequence[Problem],
    said: Progress,
) -> Readiness:
    """Dreams of all classes, judged by the network ``second``, which looks through ``views``."""
    student, seed = trainer.student, trainer.settings.seed
    said.say(f"Dreams of each class, judged by {second.name}, which was not trained here.")
    without = frozenset(problem.where for problem in late)
    judge = fit_judge(second, dataset, views, trainer.where, without=without)
    trained = in_memory(
        student.origin.architecture.name, dataset.classes, student.preprocessing, outcome.tensors
    )
    found = dreams_of_all(
        trained,
        judge,
        seed=seed,
        device=trainer.where,
        report=lambda done, total: said.advance("dreaming", done, total, {}),
    )
    said.end()
    return found


def _precision(settings: TrainSettings, origin: Origin, device: Device) -> torch.dtype:
    if settings.precision != "auto":
        return choose_device(settings.device, settings.precision).precision
    pays = device.kind == "cuda" or origin.architecture.name.startswith(_HALF_ON_CPU)
    return choose_device(settings.device, "auto").precision if pays else torch.float32


def _identity(job: Job, dataset: Dataset, origin: Origin, precision: torch.dtype) -> dict[str, str]:
    """What must be the same for a checkpoint to fit; the pictures by content, wherever they lie now."""
    flags = {f"--{name.replace('_', '-')}": str(value) for name, value in asdict(job.settings).items()}
    flags["--weights"] = f"{origin.name} {origin.sha256[:12]}".strip()
    flags["--precision"] = _name(precision)
    return {**flags, "the dataset": dataset.sha256[:12]}


def _name(precision: torch.dtype) -> str:
    return str(precision).removeprefix("torch.")
