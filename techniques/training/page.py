"""The report of a training: what was learnt, what was not, and what was wrong with the pictures."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from jinja2 import Environment, PackageLoader, select_autoescape

from techniques.errors import BadInputError
from techniques.pictures import Picture, read_picture
from techniques.report import GENERATOR, Curve, curve, data_uri
from techniques.training.done import Done
from techniques.training.measures import Measured
from techniques.training.problems import counted
from techniques.training.settings import TrainSettings

__all__ = ["command_line", "page"]

_WRONG = 24
_THUMBNAIL = 160
_NAMED = 100  # problems of a kind that are listed by name; run.json has all
_SHOWN = 40  # classes in the confusion matrix


@dataclass(frozen=True)
class _Mistake:
    path: str
    picture: str
    actual: str
    named: str
    confidence: str


def page(record: dict[str, Any], done: Done) -> str:
    """The page as one HTML text, its pictures inside; ``record`` is the ``run.json`` of the training."""
    environment = Environment(
        loader=PackageLoader("techniques"), autoescape=select_autoescape(default=True), trim_blocks=True
    )
    metrics, classes = record["metrics"], done.dataset.classes
    return environment.get_template("training.html").render(
        generator=GENERATOR,
        title=f"{done.dataset.root.name}: {len(classes)} classes",
        headline=_headline(done),
        classes=[(name, metrics["classes"][name], _dream(done, label)) for label, name in enumerate(classes)],
        judge=_judge(done),
        curves=_curves(done),
        confusion=_confusion(done.validation, classes),
        confused=[
            (classes[true], classes[named], number)
            for true, named, number in (done.validation.most_confused() if done.validation else [])
        ],
        mistakes=_mistakes(done),
        problems=[(kind, found[:_NAMED], len(found)) for _, kind, found in counted(done.problems)],
        facts=_facts(record, done),
        command=command_line(record["arguments"]),
    )


def command_line(arguments: dict[str, Any]) -> str:
    """The shortest command that trains the same again: settings at their defaults are left away."""
    words = ["deepdesign", "train", arguments["dataset"], "-o", arguments["output"]]
    for field in fields(TrainSettings):
        value = arguments[field.name]
        if value != field.default:
            words.append(f"--{field.name.replace('_', '-')}")
            if value is not True:
                words.append(str(value))
    return shlex.join(words)


def _headline(done: Done) -> str:
    figures = done.validation
    if figures is None:
        return "No picture was held back, so nothing is known of how well it learnt."
    low, high = figures.accuracy_interval
    right = round(figures.accuracy * figures.pictures)
    text = (
        f"{right} of {figures.pictures} held-out pictures are recognised ({figures.accuracy:.0%}; with 95 % "
        f"confidence between {low:.0%} and {high:.0%})."
    )
    if done.test:
        text += f" Of {done.test.pictures} test pictures, {done.test.accuracy:.0%}."
    return text


def _judge(done: Done) -> str:
    if done.readiness is None:
        return "No second network judged dreams of the classes (--judge)."
    accuracy = done.readiness.judge_accuracy
    knows = f", which recognises {accuracy:.0%} of the held-out pictures" if accuracy is not None else ""
    return (
        f"Each dream began as noise and was judged by {done.readiness.judge}{knows}: a network that had no "
        "part in this training but for a last layer of its own. The trained network's own answer would say "
        "nothing."
    )


def _dream(done: Done, label: int) -> str | None:
    if done.readiness is None or label not in done.readiness.pictures:
        return None
    return data_uri(Picture(done.readiness.pictures[label]), _THUMBNAIL)


def _curves(done: Done) -> list[tuple[str, Curve]]:
    history = done.outcome.history
    wanted = [
        ("Loss, training", [epoch.loss for epoch in history]),
        ("Loss, held out", [epoch.val_loss for epoch in history if epoch.val_loss is not None]),
        ("Error, held out", [1 - e.val_accuracy for e in history if e.val_accuracy is not None]),
    ]
    drawn = ((name, curve(values)) for name, values in wanted)
    return [(name, found) for name, found in drawn if found]


def _confusion(figures: Measured | None, classes: Sequence[str]) -> list[tuple[str, list[tuple[int, int]]]]:
    """Rows of the matrix: name, then for each cell its count and its share of the row in percent."""
    if figures is None or len(classes) > _SHOWN:
        return []
    return [
        (name, [(number, round(100 * number / max(1, sum(row)))) for number in row])
        for name, row in zip(classes, figures.confusion, strict=True)
    ]


def _mistakes(done: Done) -> list[_Mistake]:
    """The held-out pictures that were named wrongly, the surest first."""
    if done.answers is None:
        return []
    held = done.dataset.part("val")
    truth = np.array([done.dataset.examples[index].label for index in held])
    named, sure = done.answers.argmax(1), done.answers.max(1)
    order = [int(place) for place in np.argsort(-sure, kind="stable") if named[place] != truth[place]]
    found = []
    for place in order[:_WRONG]:
        path = done.dataset.examples[held[place]].path
        try:
            picture = data_uri(read_picture(done.dataset.root / path), _THUMBNAIL)
        except BadInputError:
            continue  # it changed meanwhile, which the page says elsewhere
        found.append(
            _Mistake(
                path,
                picture,
                done.dataset.classes[truth[place]],
                done.dataset.classes[named[place]],
                f"{sure[place]:.0%}",
            )
        )
    return found


def _facts(record: dict[str, Any], done: Done) -> list[tuple[str, str]]:
    metrics, pictures = record["metrics"], record["metrics"]["pictures"]
    error = metrics["calibration_error"]
    return [
        ("pictures", f"{pictures['train']} trained, {pictures['val']} held out, {pictures['test']} for test"),
        (
            "epochs",
            f"{metrics['epochs']}, best: {metrics['best_epoch']}"
            f"{', stopped early' if metrics['stopped_early'] else ''}",
        ),
        ("confidence and accuracy apart by", "not measured" if error is None else f"{error:.1%}"),
        ("network", record["trained"]["architecture"]),
        ("weights, sha256", record["trained"]["sha256"]),
        ("started from", record["weights"]["title"]),
        ("dataset, sha256", done.dataset.sha256),
        ("time", f"{record['seconds']:.0f} s"),
        ("device", f"{record['machine']}, {record['processes']} process(es)"),
        ("memory, peak", f"{metrics['peak_memory_mb']} MiB"),
        ("versions", ", ".join(f"{name} {number}" for name, number in record["versions"].items())),
    ]
