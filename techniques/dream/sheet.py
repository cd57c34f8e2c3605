"""Many dreams of one picture: a picture for each class, and a sheet of them all."""

import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from techniques.classifiers.classifier import Classifier
from techniques.device import choose_device
from techniques.dream.job import Job, plan_job
from techniques.dream.page import command_line
from techniques.dream.run import Company, company, facts_of, run_job
from techniques.dream.settings import DreamSettings
from techniques.dream.wishes import class_wish, matching
from techniques.errors import BadInputError
from techniques.files import write_text
from techniques.pictures import Picture, fit, read_picture, save_picture
from techniques.progress import Progress, Quiet
from techniques.report import Page, Table, render
from techniques.runs import Place, finished_record, occupied, write_record

__all__ = ["contact_sheet", "dream_each", "file_name"]

_TILE = 320  # px, width of a picture on the sheet
_GAP, _LABEL = 8, 26  # px
_PAPER, _INK = (250, 248, 244), (29, 27, 25)
_MOST_TILES = 100  # on one sheet; the pictures themselves are all there


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
    if output is not None and output.suffix:
        raise BadInputError(f"-o {output}: many pictures are made. Name a folder, without a suffix.")
    plan = plan_job(image, mask=mask, output=output, settings=_first(settings), resume=resume)
    place = plan.place
    arguments: dict[str, Any] = {
        "image": str(image),
        "mask": None if mask is None else str(mask),
        "output": str(place.picture.parent),
        **{name: list(v) if isinstance(v, tuple) else v for name, v in asdict(settings).items()},
    }
    if resume and (record := finished_record(place, arguments)):
        said.say(f"This run is finished already: {place.picture}")
        return record
    device = choose_device(settings.device, "float32")
    networks = _opened(settings, device, said)
    names = _names(settings, networks.dreamers[0])
    said.say(f"{len(names)} pictures, one for each class.")
    with occupied(place):
        place.checkpoint.touch()  # the pictures that are finished are what a resumed run goes on from
        records = []
        for number, name in enumerate(names, start=1):
            said.say(f"{number} of {len(names)}: {name}")
            single = place.picture.parent / "classes" / f"{file_name(name)}.png"
            chosen = replace(settings, classes=(name,))
            job = plan_job(image, mask=mask, output=single, settings=chosen, resume=resume)
            records.append(run_job(job, said, networks))
        pictures = [read_picture(Path(one["results"][0])) for one in records]
        before = fit(plan.before, plan.size)
        labels = [_label(name, one) for name, one in zip(names, records, strict=True)]
        save_picture(place.picture, contact_sheet([before, *pictures], ["before", *labels]))
        record = {
            "command": "dream",
            "arguments": arguments,
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


def contact_sheet(pictures: list[Picture], labels: list[str]) -> Picture:
    """``pictures`` side by side and below each other, each with its label; at most a hundred of them."""
    pictures, labels = pictures[:_MOST_TILES], labels[:_MOST_TILES]
    width, height = pictures[0].size
    tile = _TILE, max(1, round(_TILE * height / width))
    columns = min(len(pictures), max(2, round((len(pictures) * tile[1] / tile[0]) ** 0.5 * 1.2)))
    rows = -(-len(pictures) // columns)
    across, down = tile[0] + _GAP, tile[1] + _LABEL + _GAP
    sheet = Image.new("RGB", (columns * across + _GAP, rows * down + _GAP), _PAPER)
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(15)
    for number, (picture, label) in enumerate(zip(pictures, labels, strict=True)):
        x, y = _GAP + number % columns * across, _GAP + number // columns * down
        small = fit(picture, tile).over_white()
        sheet.paste(Image.fromarray((small * 255).round().astype(np.uint8)), (x, y))
        draw.text((x + 2, y + tile[1] + 3), label, fill=_INK, font=font)
    return Picture(np.asarray(sheet, dtype=np.float32) / np.float32(255))


def file_name(name: str) -> str:
    """A class's name as that of a file: nothing in it leads to another folder."""
    plain = "".join(letter if letter.isalnum() else "-" for letter in name)[:80].strip("-")
    return plain or "class"


def _first(settings: DreamSettings) -> DreamSettings:
    # To check all but the classes, which only the opened network knows.
    return replace(settings, classes=settings.classes[:1])


def _opened(settings: DreamSettings, device: Any, said: Progress) -> Company:
    every = "all" in settings.classes
    return company(replace(settings, classes=(), amplify=True) if every else settings, device, said)


def _names(settings: DreamSettings, classifier: Classifier) -> list[str]:
    if "all" in settings.classes:
        return list(classifier.classes)
    wanted = [class_wish(text)[0] for text in settings.classes]
    places = [matching(name, classifier.classes, classifier.name) for name in wanted]
    return [classifier.classes[place] for place in dict.fromkeys(places)]


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
        tables=[Table("What other networks see", rows)] if len(rows) > 1 else [],
    )
    write_text(place.report, render(page))
