"""What a finished training leaves on the disk: weights, their record, ``run.json`` and the report."""

from dataclasses import asdict
from typing import Any

from techniques.classifiers.record import RECORD, ClassifierRecord, write_classifier
from techniques.device import Device
from techniques.files import write_text
from techniques.runs import versions, write_record
from techniques.training.done import Done
from techniques.training.job import Job
from techniques.training.page import page
from techniques.training.problems import counted
from techniques.training.verdict import Dreamt, Verdict, verdict

__all__ = ["write_results"]


def write_results(job: Job, done: Done, device: Device, processes: int) -> dict[str, Any]:
    """Write everything; returns what ``run.json`` holds. The checkpoint goes last.

    Raises:
        WorkFailedError: the disk is full.
    """
    folder, dataset = job.place.result.parent, done.dataset
    metrics = _metrics(done)
    about_dataset = {
        "sha256": dataset.sha256,
        "pictures": dict(zip(dataset.classes, dataset.counts("train"), strict=True)),
    }
    origin = {"name": done.origin.name, "sha256": done.origin.sha256, "title": done.origin.title}
    written = write_classifier(
        folder,
        ClassifierRecord(
            architecture=done.origin.architecture.name,
            classes=dataset.classes,
            preprocessing=done.preprocessing,
            metrics=metrics,
            dataset=about_dataset,
            training={"settings": asdict(job.settings), "start": origin, "versions": versions()},
        ),
        done.outcome.tensors,
    )
    record = {
        "command": "train",
        "arguments": job.arguments,
        "inputs": {"dataset": done.contents},
        "seed": job.settings.seed,
        "device": device.kind,
        "machine": str(device),
        "processes": processes,
        "weights": origin,
        "versions": versions(),
        "results": [str(job.place.result), str(folder / RECORD), str(job.place.report)],
        "trained": {"architecture": written.architecture, "sha256": written.weights_sha256},
        "metrics": {**metrics, "peak_memory_mb": device.peak_memory_mb()},
        "dataset": {
            **about_dataset,
            "problems": {name: [str(one) for one in found] for name, _, found in counted(done.problems)},
        },
        "losses": [asdict(epoch) for epoch in done.outcome.history],
        "seconds": round(done.seconds, 1),
    }
    write_text(job.place.report, page(record, done))
    write_record(job.place, record)
    job.place.checkpoint.unlink(missing_ok=True)
    return record


def _metrics(done: Done) -> dict[str, Any]:
    figures, dataset = done.validation, done.dataset
    classes = {
        name: {
            "trained_with": dataset.counts("train")[label],
            **({} if figures is None else asdict(figures.classes[label])),
            **asdict(_verdict(done, label)),
            **({} if (dreamt := _dreamt(done, label)) is None else {"dream": asdict(dreamt)}),
        }
        for label, name in enumerate(dataset.classes)
    }
    found: dict[str, Any] = _plain(
        {
            "accuracy": figures.accuracy if figures else None,
            "accuracy_interval": figures.accuracy_interval if figures else None,
            "balanced_accuracy": figures.balanced_accuracy if figures else None,
            "loss": figures.loss if figures else None,
            "calibration_error": figures.calibration_error if figures else None,
            "test_accuracy": done.test.accuracy if done.test else None,
            "test_accuracy_interval": done.test.accuracy_interval if done.test else None,
            "epochs": len(done.outcome.history),
            "best_epoch": done.outcome.best + 1,
            "stopped_early": done.outcome.stopped_early,
            "pictures": {part: len(dataset.part(part)) for part in ("train", "val", "test")},
            "classes": classes,
            "judge": done.readiness.judge if done.readiness else None,
            "judge_accuracy": done.readiness.judge_accuracy if done.readiness else None,
            "problems": {name: len(found) for name, _, found in counted(done.problems)},
        }
    )
    return found


def _dreamt(done: Done, label: int) -> Dreamt | None:
    return done.readiness.dreamt.get(label) if done.readiness else None


def _verdict(done: Done, label: int) -> Verdict:
    return verdict(done.validation.classes[label] if done.validation else None, _dreamt(done, label))


def _plain(values: Any) -> Any:
    """``values`` with lists for tuples, as YAML and JSON both keep them."""
    if isinstance(values, dict):
        return {name: _plain(value) for name, value in values.items()}
    return [_plain(value) for value in values] if isinstance(values, tuple | list) else values
