"""``deepdesign weights``: what there is, where it lies, under which terms."""

import json
from dataclasses import asdict

import click

from techniques.errors import BadInputError, DeepdesignError
from techniques.weights.registry import Entry, entry_named, registry
from techniques.weights.store import IMAGE_FOLDER, Weights, cache_folder, checked, fetch, find


@click.group(short_help="List, fetch and verify the networks' weights.")
def weights() -> None:
    """The trained networks that the techniques stand on: none of them is ours, all are named with their
    terms.
    """


_debug = click.option("--debug", is_flag=True, expose_value=False, help="Show the traceback of an error.")
_json = click.option("--json", "as_json", is_flag=True, help="One JSON object a line on standard output.")


@weights.command("list")
@_json
@_debug
def list_(as_json: bool) -> None:
    """Show each network: what it is, whether it is here, its source and licence."""
    for entry in registry().values():
        path = find(entry)
        if as_json:
            record = {**asdict(entry), "source": str(entry.source), "path": str(path) if path else None}
            click.echo(json.dumps(record))
        else:
            click.echo(
                _described(
                    entry, f"here: {path}" if path else f"not here ({entry.bytes / 1e6:.0f} MB to fetch)"
                )
            )
    if not as_json:
        click.echo(
            f"Files lie in {cache_folder()} and {IMAGE_FOLDER}; DEEPDESIGN_WEIGHTS names another folder."
        )


@weights.command("fetch")
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@click.option("--quiet", is_flag=True, help="No progress.")
@_json
@_debug
def fetch_(names: tuple[str, ...], quiet: bool, as_json: bool) -> None:
    """Fetch networks into the cache, each compared with its hash before it gets its name."""
    from techniques.progress import progress_for

    progress = progress_for(quiet=quiet, as_json=as_json)
    for entry in [entry_named(name) for name in names]:
        got = fetch(entry, lambda done, total, name=entry.name: progress.advance(name, done, total, {}))  # type: ignore[misc]
        progress.end()
        click.echo(_as_json(got) if as_json else str(got.path))


@weights.command("verify")
@click.argument("names", nargs=-1, metavar="[NAME...]")
@_json
@_debug
def verify(names: tuple[str, ...], as_json: bool) -> None:
    """Compare the files that are here with their hashes; without NAME, all of them."""
    wrong: list[DeepdesignError] = []
    found = False
    for entry in [entry_named(name) for name in names] or list(registry().values()):
        path = find(entry)
        if path is None:
            if names:
                raise BadInputError(
                    f"{entry.name} is not here. Fetch it: deepdesign weights fetch {entry.name}"
                )
            continue
        found = True
        try:
            got = checked(entry, path)
            click.echo(_as_json(got) if as_json else f"{entry.name}: {got.sha256}  {path}")
        except DeepdesignError as error:
            wrong.append(error)
    if wrong:
        raise wrong[0]
    if not found:
        text = "No weights are here yet, so nothing was compared. Fetch some: deepdesign weights fetch NAME"
        click.echo(json.dumps({"event": "note", "text": text}) if as_json else text)


def _as_json(got: Weights) -> str:
    return json.dumps({"name": got.entry.name, "path": str(got.path), "sha256": got.sha256})


def _described(entry: Entry, where: str) -> str:
    return (
        f"{entry.name}\n  {entry.title}\n  {where}\n  source: {entry.source}\n  sha256: {entry.sha256}\n"
        f"  licence: {entry.licence.stated}\n  unclear: {entry.licence.unclear}\n  credit: {entry.credit}\n"
    )
