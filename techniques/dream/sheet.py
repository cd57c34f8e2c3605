"""Many dreams of one picture: a picture for each class, and a sheet of them all."""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

from techniques.classifiers.classifier import Classifier
from techniques.device import choose_device
from techniques.dream.job import Job, plan_job
from techniques.dream.page import command_line
from techniques.dream.run import Company, company, facts_of, inputs_of, run_job
from techniques.dream.settings import DreamSettings
from techniques.dream.wishes import class_wish, matching
from techniques.errors import BadInputError
from techniques.files import write_text
from techniques.pictures import Picture, fit, read_picture, save_picture
from techniques.progress import Progress, Quiet
from techniques.report import Page, Table, render
from techniques.runs import (
    Place,
    finished_record,
    is_ours,
    names_file,
    occupied,
    place_for,
    refuse_taken,
    write_record,
)
from techniques.sheets import contact_sheet, shown

__all__ = ["dream_each", "file_names"]


def dream_each(
    image: Path,
    *,
    mask: Path | None = None,
    output: Path | None = None,
    settings: DreamSettings,
    resume: bool = False,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Dream of each class in ``settings`` (or of every one: "all") by itself; returns ``run.json``'s content.

    ``output`` is a folder: the sheet is its ``result.png``, the pictures lie in ``classes`` with a record and
    a report each. With ``resume`` pictures that are finished are kept.

    Raises:
        BadInputError: as ``dream_files``, or a class carries a weight, which means nothing here.
    """
    said, began = progress or Quiet(), time.monotonic()
    if settings.layers or settings.amplify:
        raise BadInputError(
            "--each and --class all make one picture a class; leave --layer and --amplify away."
        )
    if any(class_wish(text)[1] != 1 for text in settings.classes):
        raise BadInputError(
            "--each makes one picture a class, so a weight behind = means nothing. Leave it away."
        )
    if output is not None and names_file(output):
        raise BadInputError(f"-o {output}: many pictures are made. Name a folder.")
    plan = plan_job(image, mask=mask, output=output, settings=_first(settings), resume=resume)
    place = plan.place
    arguments: dict[str, Any] = {
        "image": str(image),
        "mask": None if mask is None else str(mask),
        "output": str(place.picture.parent),
        **{name: list(v) if isinstance(v, tuple) else v for name, v in asdict(settings).items()},
    }
    if resume and (record := finished_record(place, arguments, lambda: inputs_of(plan))):
        said.say(f"This run is finished already: {place.picture}")
        return record
    device = choose_device(settings.device, "float32")
    networks = _opened(settings, device, said)
    classes = networks.dreamers[0].classes
    files = file_names(classes)
    wanted = _wanted(settings, networks.dreamers[0])
    names = [classes[index] for index in wanted]
    single = [place.picture.parent / "classes" / f"{files[index]}.png" for index in wanted]
    _refuse_strangers(place.picture.parent, single, [path for path in (plan.source, mask) if path])
    said.say(f"{len(names)} pictures, one for each class.")
    with occupied(place):
        place.checkpoint.touch()  # the pictures that are finished are what a resumed run goes on from
        records = []
        for number, (name, output) in enumerate(zip(names, single, strict=True), start=1):
            said.say(f"{number} of {len(names)}: {name}")
            chosen = replace(settings, classes=(name,))
            job = plan_job(image, mask=mask, output=output, settings=chosen, resume=resume)
            records.append(run_job(job, said, networks))
        save_picture(place.picture, contact_sheet(_tiles(plan, names, records)))
        record = {
            "command": "dream",
            "arguments": arguments,
            "inputs": inputs_of(plan),
            **facts_of(settings, networks.dreamers, device),
            "results": [str(place.picture), str(place.report), *(one["results"][0] for one in records)],
            "metrics": {
                "held_out_probability": _mean(records),
                "classes": {name: one["metrics"] for name, one in zip(names, records, strict=True)},
            },
            "losses": {},
            "seconds": round(time.monotonic() - began, 3),
        }
        _report(place, plan, record, networks.dreamers)
        write_record(place, record)
        place.checkpoint.unlink(missing_ok=True)
    return record


def _refuse_strangers(folder: Path, files: Sequence[Path], inputs: Sequence[Path]) -> None:
    """Refuse to write pictures over ones that no dream of ours made: nobody has named them with ``-o``."""
    for file in files:
        ours = is_ours(place_for(file), "dream")
        refuse_taken(folder, [file], ours=ours, inputs=inputs, advice="Choose another folder.")


def file_names(classes: Sequence[str]) -> list[str]:
    """The classes' names as those of files: no two the same, and nothing in them leads to another folder.

    Names that would be the same, or differ in upper and lower case only, get the class's place behind them.
    """
    plain = [_plain(name) for name in classes]
    often = Counter(name.casefold() for name in plain)
    taken = set(often)
    unique = []
    for place, name in enumerate(plain):
        chosen = name
        if often[name.casefold()] > 1:
            while chosen.casefold() in taken:
                chosen = f"{chosen}-{place}"
            taken.add(chosen.casefold())
        unique.append(chosen)
    return unique


def _plain(name: str) -> str:
    plain = "".join(letter if letter.isalnum() else "-" for letter in name)[:80].strip("-")
    return plain or "class"


def _first(settings: DreamSettings) -> DreamSettings:
    # To check all but the classes, which only the opened network knows.
    return replace(settings, classes=settings.classes[:1])


def _opened(settings: DreamSettings, device: Any, said: Progress) -> Company:
    every = "all" in settings.classes
    return company(replace(settings, classes=(), amplify=True) if every else settings, device, said)


def _wanted(settings: DreamSettings, classifier: Classifier) -> list[int]:
    """The places of the classes to dream of."""
    if "all" in settings.classes:
        return list(range(len(classifier.classes)))
    asked = [class_wish(text)[0] for text in settings.classes]
    return list(dict.fromkeys(matching(name, classifier.classes, classifier.name) for name in asked))


def _tiles(
    plan: Job, names: list[str], records: list[dict[str, Any]]
) -> list[tuple[str, Callable[[], Picture]]]:
    tiles: list[tuple[str, Callable[[], Picture]]] = [("before", lambda: fit(plan.before, plan.size))]
    for name, one in zip(names, records, strict=True):
        tiles.append((_label(name, one), partial(read_picture, Path(one["results"][0]))))
    return tiles


def _label(name: str, record: dict[str, Any]) -> str:
    seen = record["metrics"]["held_out_probability"]
    return name if seen is None else f"{name}, {seen:.0%}"


def _mean(records: list[dict[str, Any]]) -> float | None:
    seen = [one["metrics"]["held_out_probability"] for one in records]
    known = [value for value in seen if value is not None]
    return sum(known) / len(known) if known else None


def _report(place: Place, job: Job, record: dict[str, Any], dreamers: tuple[Classifier, ...]) -> None:
    classes = record["metrics"]["classes"]
    rows = [("class", "before", "after, by networks that took no part")]
    rows += [
        (name, f"{one['before']:.1%}", f"{one['after']:.1%} ({one['network']})")
        for name, metrics in classes.items()
        for one in metrics["judges"]
    ]
    tables = [Table("What other networks see", rows)] if len(rows) > 1 else []
    on_sheet = shown(len(classes) + 1)  # the first tile is the photograph
    if left := [
        (name, Path(record["results"][1 + number]).name)
        for number, name in enumerate(classes, start=1)
        if number not in on_sheet
    ]:
        note = f"The sheet shows {len(classes) - len(left)} of the {len(classes)} classes."
        tables.append(Table("Not on the sheet", [("class", "picture in classes/"), *left], note))
    page = Page(
        title=f"{job.source.stem if job.source else 'Noise'}, dreaming of {len(classes)} classes",
        before=fit(job.before, job.size),
        after=read_picture(place.picture),
        styles=[],
        curve=None,
        facts=[("time", f"{record['seconds']:.0f} s"), ("device", record["machine"])],
        settings=[],
        weights={"name": dreamers[0].name, **dreamers[0].source},
        command=command_line(record["arguments"]) + " --each",
        tables=tables,
    )
    write_text(place.report, render(page))
