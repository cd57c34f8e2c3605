"""``deepdesign collect``: the command line's view of collecting."""

import json
import os
import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import click

from techniques.datasets import licences
from techniques.datasets.check import Demands
from techniques.datasets.client import Client, checked_contact
from techniques.datasets.collect import Collected, Order
from techniques.datasets.collect import collect as fill
from techniques.datasets.errors import RecipeError
from techniques.datasets.listing import SHEETS
from techniques.datasets.manifest import InUseError
from techniques.datasets.page import PAGE, write_report
from techniques.datasets.recipe import Recipe, parse
from techniques.datasets.sources import demo
from techniques.datasets.sources.base import Source
from techniques.datasets.sources.registry import chosen, not_promised
from techniques.datasets.taken import refuse_loss
from techniques.datasets.telling import claims, refuse_nothing, tell
from techniques.errors import BadInputError
from techniques.files import output_problems, write_text
from techniques.options import file_options
from techniques.progress import Progress, progress_for
from techniques.runs import data_folder, versions

_LONGEST_LIST = 1_000_000
# Options that a record has under their own names.
_RECORDED = ("per_class", "min_side", "max_mb", "accept_noai", "accept_unknown", "keep_near", "keep_rejected")


def _words(context: click.Context, parameter: click.Parameter, value: tuple[str, ...]) -> tuple[str, ...]:  # noqa: ARG001
    return tuple(word.strip().lower() for part in value for word in part.split(",") if word.strip())


@click.command(short_help="Collect licensed pictures for a list of classes.")
@click.argument("classes")
@file_options(
    "The dataset's folder. Default: a folder of the list's name under $DEEPDESIGN_DATA, else under datasets "
    "in the storage if one is mounted, else ./datasets."
)
@click.option(
    "--per-class",
    type=click.IntRange(1, 100_000),
    default=100,
    show_default=True,
    help="Pictures for each class.",
)
@click.option(
    "--source",
    "sources",
    multiple=True,
    callback=_words,
    metavar="NAMES",
    help="Whom to ask, in order: openverse, commons, flickr (own key). Default: the first two. "
    "demo: a made-up museum on this machine, without internet.",
)
@click.option(
    "--license",
    "named",
    multiple=True,
    callback=_words,
    metavar="NAMES",
    help=f"Only these: {', '.join(licences.KNOWN)}. Default: all but no-derivatives (nd).",
)
@click.option("--commercial", is_flag=True, help="Only licences that allow commercial use.")
@click.option(
    "--contact",
    envvar="DEEPDESIGN_CONTACT",
    default="",
    help="Your e-mail address or page, sent to the services: Wikimedia wants it. Also $DEEPDESIGN_CONTACT.",
)
@click.option(
    "--min-side",
    type=click.IntRange(1),
    default=224,
    show_default=True,
    help="Shorter side in pixels, at least.",
)
@click.option(
    "--max-mb",
    type=click.IntRange(1, 1000),
    default=25,
    show_default=True,
    help="Largest file, in megabytes.",
)
@click.option("--accept-noai", is_flag=True, help="Also take files whose host asks not to train on them.")
@click.option(
    "--accept-unknown", is_flag=True, help="Also take pictures of which nobody says the licence (urls:)."
)
@click.option("--keep-near", is_flag=True, help="Keep all of several pictures that look alike.")
@click.option(
    "--keep-rejected", is_flag=True, help="Put files that were fetched and not kept into NAME.rejected."
)
@click.option(
    "--dry-run", is_flag=True, help="Only say how many results each source claims; fetch no picture."
)
@click.option(
    "--endpoint", multiple=True, metavar="NAME=URL", help="Another address for a source, for tests."
)
@click.option("--allow-private", is_flag=True, help="Also ask servers in your own network, for tests.")
def collect(
    classes: str, output: str | None, quiet: bool, as_json: bool, dry_run: bool, **given: Any
) -> None:
    """Collect pictures for each class of the list CLASSES, with licence and creator of each.

    A line is a class (gothic), or a label with searches (mies: Mies van der Rohe | Barcelona pavilion
    -chair), or with a category of Wikimedia Commons (ionic: category:Ionic capitals). Run it
    again to go on: nothing is fetched twice.
    """
    began = time.monotonic()
    path, recipe = _recipe(classes)
    order = _order(given)
    demonstrated = demo.NAME in given["sources"]
    client = Client(
        contact=checked_contact(given["contact"]), allow_private=given["allow_private"] or demonstrated
    )
    asked = _asked(given["sources"], recipe, path.parent, given["endpoint"], client)
    root = Path(output).absolute() if output else data_folder(os.environ).absolute() / path.stem
    progress = progress_for(quiet=quiet, as_json=as_json)
    for note in (*recipe.notes, *filter(None, map(not_promised, asked))):
        progress.say(f"Note: {note}.")
    if dry_run:
        claims(recipe, asked, order, as_json=as_json)
        return
    refuse_loss(root, ("run.json", *SHEETS, PAGE), [path, *_lists(recipe, path.parent)])
    result = _filled(recipe, root, asked, client, order, progress)
    tell(progress, recipe, result, order)
    arguments = {
        "classes": str(path),
        "output": output,
        "source": [source.name for source in asked],
        "license": list(order.licences),
        **{name: given[name] for name in _RECORDED},
    }
    record = _recorded(root, arguments, client.seed, result, began)
    if result.images:
        write_report(root, root / PAGE)
        progress.say(f"Report: {root / PAGE}")
    if as_json:
        click.echo(json.dumps(record))
    elif not quiet:
        click.echo(str(root))
    refuse_nothing(recipe, result)


def _order(given: Mapping[str, Any]) -> Order:
    allowed = _policy(given["named"], commercial=given["commercial"])
    return Order(
        per_class=given["per_class"],
        licences=(*allowed, "") if given["accept_unknown"] else allowed,
        demands=Demands(min_side=given["min_side"]),
        max_bytes=given["max_mb"] * 1_000_000,
        allow_noai=given["accept_noai"],
        near=not given["keep_near"],
        keep_rejected=given["keep_rejected"],
    )


def _filled(
    recipe: Recipe, root: Path, asked: list[Source], client: Client, order: Order, progress: Progress
) -> Collected:
    """What comes when ``root`` is filled, with its progress shown."""

    def report(label: str, have: int, want: int) -> None:
        progress.advance(label, have, want, {})

    try:
        with output_problems(root):
            return fill(recipe, root, asked, client, order, report)
    except InUseError as error:
        raise BadInputError(f"-o {root}: {error}.") from error
    finally:
        progress.end()


def _recorded(
    root: Path, arguments: Mapping[str, Any], seed: int, result: Collected, began: float
) -> dict[str, Any]:
    """What is said of the run, after it has been written beside the pictures."""
    record = {
        "command": "collect",
        "arguments": arguments,
        "seed": seed,
        "device": "cpu",
        "weights": {},
        "versions": versions(),
        "results": [str(root)],
        "metrics": {
            "images": result.images,
            "per_class": result.per_class,
            "rejected": result.reasons,
            "notes": list(result.notes),
        },
        "seconds": round(time.monotonic() - began, 3),
    }
    write_text(root / "run.json", json.dumps(record, indent=2, ensure_ascii=False) + "\n")
    return record


def _asked(
    names: tuple[str, ...], recipe: Recipe, base: Path, endpoints: tuple[str, ...], client: Client
) -> list[Source]:
    if demo.NAME not in names:
        return chosen(names, recipe, base, endpoints, client)
    if set(names) != {demo.NAME}:
        # For it the guard against addresses in private networks is lifted, which nobody else may profit from.
        raise BadInputError("--source demo stands alone: made-up pictures do not belong among real ones.")
    stack = click.get_current_context().with_resource(ExitStack())
    return [demo.museum(stack, recipe, client)]


def _lists(recipe: Recipe, base: Path) -> list[Path]:
    """The user's own lists of addresses, which are read while pictures come."""
    queries = [query for label in recipe.labels for query in label.queries]
    return [base / query.text for query in queries if query.kind == "urls"]


def _recipe(name: str) -> tuple[Path, Recipe]:
    path = Path(name).absolute()
    try:
        if path.stat().st_size > _LONGEST_LIST:
            raise BadInputError(
                f"{name} is too long for a list of classes. Name a text file, one class a line."
            )
        return path, parse(path.read_text(encoding="utf-8"))
    except RecipeError as error:
        raise BadInputError(f"{name}: {error}.") from error
    except UnicodeDecodeError as error:
        raise BadInputError(
            f"{name} is not a text file in UTF-8. Save it as plain text, one class a line."
        ) from error
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise BadInputError(
            f"{name} cannot be read: {reason}. Name a text file, one class a line."
        ) from error


def _policy(named: tuple[str, ...], *, commercial: bool) -> tuple[str, ...]:
    try:
        allowed = licences.policy(named=named, commercial=commercial)
    except ValueError as error:
        raise BadInputError(f"--license: {error}.") from error
    if not allowed:
        raise BadInputError("--commercial leaves none of the licences that --license names. Name others.")
    return allowed
