"""Many pictures in one run: a folder, an image sequence, or a sweep over one setting, on a contact sheet."""

import re
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from techniques.errors import BadInputError, DeepdesignError
from techniques.files import write_text
from techniques.pictures import FORMATS, read_picture, save_picture
from techniques.progress import Progress
from techniques.report import Page, Table, render, trade
from techniques.runs import Kind, Place, is_ours, occupied, place_for, refuse_taken, write_record
from techniques.sheets import contact_sheet
from techniques.style.job import Job, plan_job
from techniques.style.settings import StyleSettings

__all__ = ["Batch", "plan_folder", "plan_many", "plan_sweep", "run_batch"]

SHEET = Kind("picture", tuple(FORMATS), "contact-sheet.png")
_SWEPT = ("style_weight", "content_weight", "smoothness", "style_scale")


@dataclass(frozen=True)
class Item:
    """One picture of a batch: what it is called on the sheet, and how it is made."""

    label: str
    content: Path
    output: Path
    settings: StyleSettings


@dataclass(frozen=True)
class Batch:
    """Many runs with one record, one report and one contact sheet, which ``place`` is that of."""

    what: str
    items: tuple[Item, ...]
    styles: tuple[Path, ...]
    place: Place
    resume: bool
    mask: Path | None = None
    style_masks: tuple[Path, ...] = ()
    sequence: bool = False
    """Whether each picture begins with the one before."""

    def job(self, item: Item, previous: Path | None, *, preview: bool = False) -> Job:
        """What is to be done for ``item``; read only now, because all of them would not fit into memory."""
        job = plan_job(
            item.content,
            self.styles,
            output=item.output,
            settings=item.settings,
            mask=self.mask,
            style_masks=self.style_masks,
            resume=self.resume,
            preview=preview,
        )
        return replace(job, initial=read_picture(previous)) if previous and self.sequence else job


def plan_many(
    content: Path, styles: Sequence[Path], *, sweep: str | None, sequence: bool, **inputs: Any
) -> Batch | None:
    """The batch that these arguments ask for; None if they ask for one picture.

    Raises:
        BadInputError: they contradict each other, or as ``plan_folder`` and ``plan_sweep``.
    """
    if sequence and not content.is_dir():
        raise BadInputError(f"--sequence: {content} is not a folder of frames. Name one as CONTENT.")
    if sweep is not None:
        if content.is_dir():
            raise BadInputError(
                "--sweep tries one picture in many ways; CONTENT is a folder. Name a picture."
            )
        return plan_sweep(content, styles, sweep, **inputs)
    return plan_folder(content, styles, sequence=sequence, **inputs) if content.is_dir() else None


def plan_folder(
    folder: Path,
    styles: Sequence[Path],
    *,
    output: Path | None,
    settings: StyleSettings,
    resume: bool,
    sequence: bool = False,
    mask: Path | None = None,
    style_masks: Sequence[Path] = (),
    preview: bool = False,
) -> Batch:
    """All pictures in ``folder``, in the order of their names, with numbers in the order of counting.

    Raises:
        BadInputError: there are none, or one of them, a style or a setting cannot be used.
    """
    contents = sorted(
        (path for path in folder.iterdir() if path.suffix.lower() in FORMATS and path.name[0] != "."),
        key=lambda path: [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", path.name)],
    )
    if not contents:
        raise BadInputError(
            f"{folder} holds no pictures ({', '.join(sorted(FORMATS))}). Name another folder."
        )
    place = place_for(output, resume=resume, kind=SHEET)
    single = _folder_of(place)
    stems = [path.stem for path in contents]
    items = tuple(
        Item(
            path.name,
            path,
            single / f"{path.stem if stems.count(path.stem) == 1 else path.name.replace('.', '-')}.png",
            settings,
        )
        for path in contents
    )
    if single.resolve() == folder.resolve():
        raise BadInputError(f"-o {single} is the folder of the content pictures. Choose another one.")
    what = "sequence" if sequence else "folder"
    batch = Batch(what, items, tuple(styles), place, resume, mask, tuple(style_masks), sequence)
    return _checked(batch, preview=preview)


def plan_sweep(
    content: Path,
    styles: Sequence[Path],
    sweep: str,
    *,
    output: Path | None,
    settings: StyleSettings,
    resume: bool,
    mask: Path | None = None,
    style_masks: Sequence[Path] = (),
    preview: bool = False,
) -> Batch:
    """One picture for each value of ``sweep``: ``0.3,1,3`` (style weights), or ``content-weight=1,5,20``.

    Raises:
        BadInputError: the sweep cannot be read, or a picture or value cannot be used.
    """
    name, values = _parsed(sweep)
    place = place_for(output, resume=resume, kind=SHEET)
    single = _folder_of(place)
    items = tuple(
        Item(
            f"{name} {value:g}",
            content,
            single / f"{name}-{value:g}.png",
            _with(settings, name, value),
        )
        for value in values
    )
    batch = Batch("sweep", items, tuple(styles), place, resume, mask, tuple(style_masks))
    return _checked(batch, preview=preview)


def run_batch(batch: Batch, said: Progress) -> dict[str, Any]:
    """Make all pictures of ``batch``; returns what its ``run.json`` holds. Raises as ``style_files`` does.

    Each has a record and a report of its own, so that ``--resume`` leaves the finished ones as they are.
    """
    began = time.monotonic()
    with occupied(batch.place), _begun(batch, said):
        records = _made(batch, said)
        sheet = contact_sheet([(item.label, partial(read_picture, item.output)) for item in batch.items])
        save_picture(batch.place.result, sheet)
        first = records[0]
        record = {
            **{key: first[key] for key in ("command", "seed", "device", "machine", "weights", "versions")},
            "arguments": {
                **first["arguments"],
                "output": str(batch.place.result),
                "content": [str(item.content) for item in batch.items],
                batch.what: [item.label for item in batch.items],
            },
            "results": [
                str(path)
                for path in (batch.place.result, batch.place.report, *(i.output for i in batch.items))
            ],
            "metrics": {
                "pictures": len(records),
                "steps": sum(one["metrics"]["steps"] for one in records),
                **{name: [one["metrics"][name] for one in records] for name in ("style", "content")},
            },
            "seconds": round(time.monotonic() - began, 3),
        }
        write_text(batch.place.report, render(_page(batch, record, records)))
        write_record(batch.place, record)
    return record


def _checked(batch: Batch, *, preview: bool) -> Batch:
    """``batch``, each of its pictures planned, so that the last one's mistake is not found after hours.

    Raises:
        BadInputError: as ``plan_job``, or a result that nobody has named would replace somebody's own file.
    """
    inputs = [*(item.content for item in batch.items), *batch.styles, *batch.style_masks]
    items = []
    for item in batch.items:
        refuse_taken(
            _folder_of(batch.place),
            [item.output],
            ours=is_ours(place_for(item.output), "style"),
            inputs=[*inputs, *([batch.mask] if batch.mask else [])],
            advice="Choose another folder.",
        )
        items.append(replace(item, settings=batch.job(item, None, preview=preview).settings))
    return replace(batch, items=tuple(items))


@contextmanager
def _begun(batch: Batch, said: Progress) -> Iterator[None]:
    """Mark the place of ``batch`` as that of an interrupted run until the block has ended well.

    So another batch takes another folder, and ``--resume`` without ``-o`` finds this one. Where nothing was
    begun, no mark stays.
    """
    mark = batch.place.checkpoint
    if mark.exists() and not batch.resume:
        said.say("An interrupted run is replaced; --resume would have continued it.")
    write_text(mark, f"Pictures of a {batch.what} are being made here.\n")
    try:
        yield
    except DeepdesignError:
        begun = [place_for(item.output) for item in batch.items]
        if not any(place.result.exists() or place.checkpoint.exists() for place in begun):
            mark.unlink()
        raise
    mark.unlink()


def _made(batch: Batch, said: Progress) -> list[dict[str, Any]]:
    """The pictures, one after the other; returns their records."""
    from techniques.style.run import run_job

    records: list[dict[str, Any]] = []
    previous: Path | None = None
    for number, item in enumerate(batch.items, start=1):
        said.say(f"{number} of {len(batch.items)}: {item.label}")
        records.append(run_job(batch.job(item, previous), said))
        previous = item.output
    return records


def _page(batch: Batch, record: dict[str, Any], records: Sequence[dict[str, Any]]) -> Page:
    from techniques.style.page import (
        network_rows,
        settings_rows,
    )  # imports PyTorch, which planning does without

    middle = batch.items[len(batch.items) // 2]
    rows = [("picture", "style distance", "content distance", "seconds")]
    for item, one in zip(batch.items, records, strict=True):
        metrics = one["metrics"]
        rows.append(
            (item.label, f"{metrics['style']:.4f}", f"{metrics['content']:.4f}", f"{one['seconds']:.0f}")
        )
    pairs = [(one["metrics"]["content"], one["metrics"]["style"]) for one in records]
    return Page(
        title=f"{len(batch.items)} pictures: a {batch.what}",
        before=batch.job(middle, None).before,
        after=read_picture(middle.output),
        styles=[(path.name, read_picture(path)) for path in batch.styles],
        curve=None,
        facts=[("pictures", str(len(records))), ("time", f"{record['seconds']:.0f} s")],
        settings=settings_rows(records[len(records) // 2]["arguments"]),
        weights=network_rows(record["weights"]),
        command="",
        tables=[Table("Pictures", rows, f"Above: {middle.label}, before and after.")],
        sheet=read_picture(batch.place.result),
        trade=trade(pairs, [item.label for item in batch.items]) if batch.what == "sweep" else None,
    )


def _with(settings: StyleSettings, name: str, value: float) -> StyleSettings:
    change: dict[str, Any] = {name.replace("-", "_"): value}
    return replace(settings, **change)


def _parsed(sweep: str) -> tuple[str, list[float]]:
    name, _, values = sweep.rpartition("=")
    name = (name or "style-weight").strip().replace("_", "-")
    if name.replace("-", "_") not in _SWEPT:
        known = ", ".join(one.replace("_", "-") for one in _SWEPT)
        raise BadInputError(f"--sweep {sweep}: {name} cannot be swept. Choose one of: {known}.")
    try:
        found = [float(value) for value in values.split(",") if value.strip()]
    except ValueError:
        found = []
    if len(found) < 2 or len(set(found)) < len(found):
        raise BadInputError(
            f"--sweep {sweep}: give two or more different numbers with commas, such as 0.3,1,3."
        )
    return name, found


def _folder_of(place: Place) -> Path:
    """Where the single pictures go: beside the sheet in its folder, or in a folder named like the sheet."""
    named = place.result.name != SHEET.in_folder
    return place.result.with_suffix("") if named else place.result.parent
