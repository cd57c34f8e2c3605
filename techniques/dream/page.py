"""What a dream shows on its report page."""

import shlex
from collections.abc import Sequence
from dataclasses import fields
from typing import Any

from techniques.classifiers.classifier import Classifier
from techniques.dream.dreaming import Dreamed
from techniques.dream.job import Job
from techniques.dream.settings import DreamSettings
from techniques.dream.wishes import growing
from techniques.pictures import fit
from techniques.report import Page, Table, curve

__all__ = ["command_line", "judges_table", "page", "title", "weights_shown"]

_SHOWN = ("strength", "smoothness", "iterations", "octaves", "views", "closest", "turn", "start", "seed")
_FLAGS = {"classes": "--class", "layers": "--layer"}


def page(record: dict[str, Any], job: Job, result: Dreamed, dreamers: Sequence[Classifier]) -> Page:
    """The page of a finished run; ``record`` is its ``run.json``."""
    metrics = record["metrics"]
    return Page(
        title=title(job),
        before=fit(job.before, job.size),
        after=result.picture,
        styles=[],
        curve=curve(
            result.history["goal"], result.boundaries, title="What the dreamer sees", logarithmic=False
        ),
        tables=[judges_table(metrics)] if growing(job.settings.classes) else [],
        facts=[
            ("size", f"{job.size[0]} x {job.size[1]} px"),
            ("time", f"{record['seconds']:.0f} s, {metrics['steps']} steps"),
            ("device", record["machine"]),
            ("memory, peak", f"{metrics['peak_memory_mb']} MiB"),
            ("versions", ", ".join(f"{name} {number}" for name, number in record["versions"].items())),
        ],
        settings=[(name.replace("_", " "), str(record["arguments"][name])) for name in _SHOWN],
        weights=weights_shown(dreamers),
        command=command_line(record["arguments"]),
    )


def title(job: Job) -> str:
    """The dream in words: ``temple, dreaming of fountain``."""
    of = [text.partition("=")[0] for text in job.settings.classes] or list(job.settings.layers)
    what = " and ".join(of) or "more of what is there"
    return f"{job.source.stem if job.source else 'Noise'}, dreaming of {what}"


def command_line(arguments: dict[str, Any]) -> str:
    """The shortest command that makes the same picture again: settings at their defaults are left away."""
    words = ["deepdesign", "dream", arguments["image"]]
    for field in fields(DreamSettings):
        value, flag = arguments[field.name], f"--{field.name.replace('_', '-')}"
        if field.name in _FLAGS:
            for one in value:
                words += [_FLAGS[field.name], one]
        elif field.name == "mirror":
            words += [] if value else ["--no-mirror"]
        elif value != field.default:
            words.append(flag)
            if value is not True:
                words.append(str(value))
    if arguments["mask"]:
        words += ["--mask", arguments["mask"]]
    return shlex.join([*words, "-o", arguments["output"]])


def judges_table(metrics: dict[str, Any]) -> Table:
    """What networks see before and after; those that took no part first."""
    rows = [("network", "class", "before", "after")]
    rows += [
        (f"{one['network']}{mark}", one["wanted"], f"{one['before']:.1%}", f"{one['after']:.1%}")
        for who, mark in (("judges", ""), ("dreamers", " (dreamt it)"))
        for one in metrics[who]
    ]
    note = (
        "The first ones took no part: only what they see counts. The dreamer's own answer proves nothing."
        if metrics["judges"]
        else "No network that took no part was at hand. The dreamer's own answer proves nothing."
    )
    return Table("What other networks see", rows, note)


def weights_shown(dreamers: Sequence[Classifier]) -> dict[str, str]:
    """The facts of the networks, as a report shows them."""
    facts: dict[str, str] = {}
    for number, one in enumerate(dreamers):
        mark = f" {number + 1}" if len(dreamers) > 1 else ""
        facts |= {
            f"name{mark}": one.name,
            f"what it is{mark}": one.source["title"],
            f"source{mark}": one.source["source"],
            f"sha256{mark}": one.sha256,
            f"licence{mark}": one.source["licence"],
            f"unclear{mark}": one.source["unclear"],
            f"credit{mark}": one.source["credit"],
        }
    return {name: value for name, value in facts.items() if value}
