"""``deepdesign dataset``: what is done with a collected set before it trains something."""

import os
import shlex
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from techniques.datasets.client import Client, checked_contact
from techniques.datasets.contents import Item, contents, hashes
from techniques.datasets.credit_line import credit_line, inputs_of
from techniques.datasets.curation import CurationError, parse, places
from techniques.datasets.listing import read_named, write_listing
from techniques.datasets.manifest import InUseError, Manifest
from techniques.datasets.page import MOST, PAGE, is_page, write_report
from techniques.datasets.places import back, dropped_folder, last_batch, put, settle
from techniques.datasets.rows import NAME, rows
from techniques.datasets.sides import Terms, read_known, write_sides
from techniques.datasets.similar import groups
from techniques.datasets.sources.registry import rules
from techniques.datasets.split import SIDES, SplitError, assign, leaks, units
from techniques.datasets.upkeep import refreshed, verified
from techniques.datasets.wording import counted
from techniques.errors import BadInputError, WorkFailedError
from techniques.files import output_problems

_DONE = {"keep": "kept", "drop": "dropped", "move": "moved"}
_DEBUG = click.option("--debug", is_flag=True, expose_value=False, help="Show the traceback of an error.")


@click.group(short_help="Look at, clean and divide a picture set.")
def dataset() -> None:
    """Look at, clean and divide a set of pictures in class folders, collected or your own."""


@dataset.command(short_help="Divide a set: nothing alike on both sides.")
@click.argument("folder")
@click.option("-o", "--output", metavar="PATH", help="Where to. Default: NAME.split beside the dataset.")
@click.option(
    "--val", type=click.FloatRange(0, 0.9), default=0.2, show_default=True, help="Share to check with."
)
@click.option(
    "--test", type=click.FloatRange(0, 0.9), default=0.0, show_default=True, help="Share to keep aside."
)
@click.option(
    "--seed", type=click.IntRange(0), default=0, show_default=True, help="Another seed, another split."
)
@click.option(
    "--by",
    type=click.Choice(["creator", "likeness"]),
    default="creator",
    show_default=True,
    help="What may not stand on two sides: a creator's pictures (and what looks alike), or only the latter.",
)
@_DEBUG
def split(folder: str, output: str | None, val: float, test: float, seed: int, by: str) -> None:
    """Divide the set FOLDER into train, val and test; pictures that hang together stay together.

    Run it again when pictures have come: the others stay where they are.
    """
    if not 0 < val + test < 1:
        raise BadInputError("--val and --test leave nothing: their sum must lie between 0 and 1.")
    root, items = _contents(folder)
    terms = Terms(val, test, seed, by == "creator")
    seen = hashes(root, items)
    for item, value in zip(items, seen, strict=True):
        if value is None:
            raise BadInputError(f"{root / item.file} is damaged. Remove it and run this again.")
    together = units(items, seen, by_creator=terms.by_creator)
    try:
        decided = assign(
            items, together, {"val": val, "test": test}, seed=seed, known=read_known(root, terms)
        )
    except SplitError as error:
        advice = "Collect more, or let creators stand on both sides: --by likeness."
        raise BadInputError(f"{folder}: {error}. {advice}") from error
    if leaks(decided.sides, items, together):
        raise RuntimeError("a unit stands on two sides")
    out = Path(output).absolute() if output else root.with_name(f"{root.name}.split")
    with output_problems(out):
        write_sides(root, out, decided.sides, terms)
    for note in decided.notes:
        click.echo(f"Note: {note}.", err=True)
    counted = Counter((decided.sides[item.file], item.folder) for item in items)
    for name in sorted({item.folder for item in items}):
        parts = ", ".join(f"{counted[side, name]} {side}" for side in SIDES if counted[side, name])
        click.echo(f"{name}: {parts}", err=True)
    click.echo(str(out))


@dataset.command(short_help="List pictures that look alike.")
@click.argument("folder")
@_DEBUG
def duplicates(folder: str) -> None:
    """List pictures of the set FOLDER that look alike, a group a line; nothing is changed."""
    root, items = _contents(folder)
    found = groups(hashes(root, items))
    for members in found:
        click.echo("  ".join(items[index].file for index in members))
    click.echo(f"{counted(len(found), 'group')} among {counted(len(items), 'picture')}", err=True)


@dataset.command(short_help="Compare the files with what was collected.")
@click.argument("folder")
@_DEBUG
def verify(folder: str) -> None:
    """Compare the pictures of the set FOLDER with what was collected: those that changed end with status 1.

    What is missing was thrown out, and what is unknown was put in by hand: both are named, neither is wrong.
    """
    root, _ = _contents(folder)
    states: Counter[str] = Counter()
    for found in verified(root, rows(root)):
        states[found.state] += 1
        if found.state != "same":
            click.echo(f"{found.state}  {found.file}")
    click.echo(_counted(states), err=True)
    if states["changed"]:
        raise WorkFailedError(
            f"{counted(states['changed'], 'picture')} changed since collecting. Delete what is named so, and "
            "collect again."
        )


@dataset.command(short_help="Ask whether the originals are still online.")
@click.argument("folder")
@click.option(
    "--contact",
    envvar="DEEPDESIGN_CONTACT",
    default="",
    help="Your e-mail address or page, for who wants it.",
)
@click.option("--allow-private", is_flag=True, help="Also ask servers in your own network, for tests.")
@_DEBUG
def refresh(folder: str, contact: str, allow_private: bool) -> None:
    """Ask where the pictures of the set FOLDER came from whether they are still there.

    Prints those that were taken down as a list for `deepdesign dataset curate`; nothing is changed.
    """
    root, _ = _contents(folder)
    client = Client(contact=checked_contact(contact), allow_private=allow_private)
    client.rules.update(rules())
    states: Counter[str] = Counter()
    for found in refreshed(root, rows(root), client):
        states[found.state] += 1
        if found.state == "gone":
            click.echo(f"drop,{found.file},")
        elif found.state != "same":
            click.echo(f"{found.file} {found.state}{': ' if found.why else ''}{found.why}", err=True)
    click.echo(_counted(states) or "no picture has an address", err=True)


def _counted(states: Counter[str]) -> str:
    return ", ".join(f"{count} {state}" for state, count in sorted(states.items()))


@dataset.command(short_help="Take back the last drop or move.")
@click.argument("folder")
@_DEBUG
def undo(folder: str) -> None:
    """Take back what was last dropped or moved in the set FOLDER; again for what came before."""
    root, _ = _contents(folder, empty=True)
    try:
        with _changing(folder, root), Manifest(root) as manifest:
            settle(manifest, root)
            batch = last_batch(manifest)
            if batch is None:
                raise BadInputError(f"{folder}: nothing has been dropped or moved that could be taken back.")
            moved = back(manifest, batch)
            put(manifest, root, moved)
            write_listing(root, read_named(root))
    except InUseError as error:
        raise BadInputError(f"{folder}: {error}.") from error
    _renew_page(root)
    click.echo(f"{len(moved)} put back where they were", err=True)


@dataset.command(short_help="Make the page to look through a set.")
@click.argument("folder")
@click.option("-o", "--output", metavar="FILE", help="The page. Default: report.html in FOLDER.")
@click.option("--most", type=click.IntRange(1), default=MOST, show_default=True, help="Pictures to show.")
@_DEBUG
def report(folder: str, output: str | None, most: int) -> None:
    """Make a page of the set FOLDER: counts, contact sheets, what looks alike, and a list to curate by."""
    root, _ = _contents(folder)
    path = Path(output).absolute() if output else root / PAGE
    write_report(root, path, most=most)
    click.echo(str(path))


@dataset.command(short_help="Keep, drop or move pictures by a list.")
@click.argument("folder")
@click.argument("decisions", metavar="LIST")
@_DEBUG
def curate(folder: str, decisions: str) -> None:
    """Apply LIST, a CSV of action,file,to, to the set FOLDER: keep, drop or move pictures, all or none.

    The report page makes such a list. What is dropped goes to NAME.dropped beside the set; `deepdesign
    dataset undo FOLDER` takes all of it back.
    """
    root, _ = _contents(folder)
    try:
        chosen = parse(Path(decisions).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise BadInputError(
            f"{decisions} cannot be read: {error}. Name the list that the page saved."
        ) from error
    except CurationError as error:
        raise BadInputError(f"{decisions}: {error}.") from error
    try:
        with _changing(folder, root), Manifest(root) as manifest:
            settle(manifest, root)
            items = contents(root, rows(root))
            first = {history[-1].now: file for file, history in manifest.places.items() if history[-1].folder}
            wanted = places(chosen, [item.file for item in items], first, manifest.batches + 1)
            put(manifest, root, wanted)
            write_listing(root, read_named(root))
    except CurationError as error:
        raise BadInputError(f"{decisions}: {error}. Nothing has been changed.") from error
    except InUseError as error:
        raise BadInputError(f"{folder}: {error}.") from error
    counted = Counter(one.action for one in chosen)
    said = ", ".join(f"{counted[action]} {done}" for action, done in _DONE.items() if counted[action])
    click.echo(f"{said}; `deepdesign dataset undo {shlex.quote(folder)}` takes it back", err=True)
    _renew_page(root)


@dataset.command(short_help="Print the credit line of a result.")
@click.argument("made_from", nargs=-1, required=True, metavar="INPUT...")
@click.option("--from", "sets", multiple=True, metavar="FOLDER", help="A dataset to find copied pictures in.")
@_DEBUG
def credit(made_from: tuple[str, ...], sets: tuple[str, ...]) -> None:
    """Print the credit line of a result made from INPUTs: pictures, datasets, or the run.json of results.

    What the licences ask together goes to standard error. Status 1 if nobody knows whose an input is.
    """
    for name in (*made_from, *sets):
        if not Path(name).exists():
            raise BadInputError(f"{name} does not exist. Name pictures, dataset folders or run.json files.")
    found = credit_line(inputs_of([Path(name) for name in made_from], [Path(name) for name in sets]))
    if not found.line:
        raise BadInputError("The record names no inputs that are still there. Name the pictures themselves.")
    click.echo(found.line)
    for term in found.terms:
        click.echo(term, err=True)
    if found.unknown:
        raise WorkFailedError(
            f"Nobody has said whose these are: {', '.join(found.unknown)}. Ask, or leave them out."
        )


@contextmanager
def _changing(folder: str, root: Path) -> Iterator[None]:
    """See that all of the set can be written before the first picture is moved: all or none."""
    trouble = "cannot be changed: {} may not be written ({}). Copy the set to a place of yours."
    for place in (root, root / NAME, *filter(Path.is_dir, root.iterdir()), dropped_folder(root)):
        if place.exists() and not os.access(place, os.W_OK):
            raise BadInputError(f"{folder} {trouble.format(place, 'read-only')}")
    try:
        yield
    except OSError as error:
        raise BadInputError(
            f"{folder} {trouble.format(error.filename or root, error.strerror or error)}"
        ) from error


def _renew_page(root: Path) -> None:
    """Make the set's page anew if it has one; a file of a person's own under its name stays as it is."""
    if is_page(root / PAGE):
        write_report(root, root / PAGE)


def _contents(folder: str, *, empty: bool = False) -> tuple[Path, list[Item]]:
    root = Path(folder).absolute()
    if not root.is_dir():
        raise BadInputError(f"{folder} is no folder. Name a picture set with a folder for each class.")
    items = contents(root, rows(root))
    if not items and not empty:
        raise BadInputError(f"{folder} has no class folder with pictures in it. Name the folder above them.")
    return root, items
