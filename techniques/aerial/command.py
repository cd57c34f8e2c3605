"""``deepdesign aerial``: the command line's view of pictures by place."""

import json
import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import click

from techniques.aerial import choosing, demo, telling
from techniques.aerial.asked import measure_of, windows_of
from techniques.aerial.cache import Cache, cache_folder
from techniques.aerial.cost import cost, preview
from techniques.aerial.mosaic import TileError
from techniques.aerial.placing import SUFFIXES
from techniques.aerial.run import Order, files_of_one, make, make_one, refuse_others
from techniques.aerial.services import Service, load, shipped
from techniques.aerial.tiles import Tiles, opened
from techniques.aerial.windows import Window
from techniques.datasets.client import Client, checked_contact
from techniques.datasets.errors import SourceError
from techniques.datasets.listing import SHEETS
from techniques.datasets.manifest import InUseError
from techniques.datasets.page import PAGE, write_report
from techniques.datasets.taken import refuse_loss
from techniques.errors import BadInputError, WorkFailedError
from techniques.files import output_problems, write_text, written_whole
from techniques.options import file_options
from techniques.progress import Progress, progress_for
from techniques.runs import data_folder, is_record, refuse_taken, versions

_MANY_TILES = 2000
_SAME = {".tiff": ".tif", ".jpeg": ".jpg"}
_MEGABYTE = 1_000_000
# What a folder gets beside its class folders.
_SHEETS = ("run.json", "preview.png", "footprints.geojson", *SHEETS, PAGE)


@click.command(short_help="Pictures of the ground by place, in metres, with licence.")
@file_options(
    "A picture's name (.tif, .png, .jpg) for one picture, or a folder. Default: a folder under "
    "$DEEPDESIGN_DATA, else under datasets in the storage if one is mounted, else ./datasets.",
    seed=True,
)
@click.option("--lat", type=float, help="Latitude of the middle, in degrees; south is negative.")
@click.option("--lon", type=float, help="Longitude of the middle, in degrees; west is negative.")
@click.option(
    "--bbox", metavar="W,S,E,N", help="A box in degrees: one picture, or where --grid and --random go."
)
@click.option("--polygon", metavar="FILE", help="GeoJSON with polygons, in place of --bbox.")
@click.option(
    "--points", metavar="FILE", help="CSV with columns lat, lon, and perhaps name and label (its folder)."
)
@click.option("--size-m", metavar="N[xN]", help="Size on the ground in metres. Default: 256.")
@click.option("--size-px", metavar="N[xN]", help="Size in pixels, instead of --size-m.")
@click.option("--m-per-px", type=click.FloatRange(0.001, 100_000), help="Metres a pixel. Default: 0.5.")
@click.option(
    "--zoom", type=click.IntRange(0, 24), help="The map's own pixels of this zoom, instead of --m-per-px."
)
@click.option("--grid", "as_grid", is_flag=True, help="Cover --bbox or --polygon with pictures of that size.")
@click.option(
    "--overlap",
    type=click.FloatRange(0, 0.9),
    default=0.0,
    help="Part of a picture that the next one of a grid repeats.",
)
@click.option("--random", "count", type=click.IntRange(1, 100_000), help="So many pictures at random places.")
@click.option(
    "--min-distance-m", type=click.FloatRange(0), default=0.0, help="Least metres between random places."
)
@click.option(
    "--source",
    default="auto",
    show_default=True,
    help="Who is asked (--list-sources tells), or an address with {z}, {x}, {y}.",
)
@click.option(
    "--pair", metavar="SOURCE", help="The same ground from this source too: folders A and B, equal names."
)
@click.option("--services", metavar="FILE", help="YAML with sources of your own.")
@click.option("--list-sources", is_flag=True, help="Say whom one can ask, and on which terms.")
@click.option("--format", "kind", type=click.Choice(["tif", "png", "jpg"]), default="tif", show_default=True)
@click.option(
    "--max-overzoom", type=click.IntRange(0, 6), default=0, help="Levels by which a picture may be enlarged."
)
@click.option("--keep-blank", is_flag=True, help="Also keep pictures of one flat colour.")
@click.option("--yes", is_flag=True, help=f"Fetch even more than {_MANY_TILES} tiles.")
@click.option("--dry-run", is_flag=True, help="Only say where it is and what it costs.")
@click.option(
    "--contact",
    envvar="DEEPDESIGN_CONTACT",
    default="",
    help="Your e-mail address or page, for who wants it.",
)
@click.option("--cache", "cache_path", metavar="FOLDER", help="Where tiles are kept between runs.")
@click.option(
    "--cache-mb", type=click.IntRange(0), default=2000, show_default=True, help="What they may take."
)
@click.option("--offline", is_flag=True, help="Only use tiles that are kept; ask nobody.")
@click.option("--accept-noai", is_flag=True, help="Also take tiles whose host asks not to train on them.")
@click.option("--allow-private", is_flag=True, help="Also ask servers in your own network, for tests.")
def aerial(
    output: str | None, seed: int, quiet: bool, as_json: bool, list_sources: bool, **given: Any
) -> None:
    """Pictures of the ground: by --lat and --lon, by --bbox, by --points, on a grid, or at random.

    Each comes with a world file and a side-car that say where it lies; a .tif is a GeoTIFF. Run it again to
    go on: nothing is fetched twice.
    """
    began = time.monotonic()
    with ExitStack() as stack:
        services = shipped() | (load(Path(given["services"])) if given["services"] else {})
        if {given["source"], given["pair"]} & set(demo.NAMES):
            services |= demo.demo_services(stack)
            given["allow_private"] = True
        if list_sources:
            telling.list_services(services, as_json=as_json)
            return
        progress = progress_for(quiet=quiet, as_json=as_json)
        measure = measure_of(given["size_m"], given["size_px"], given["m_per_px"], given["zoom"])
        spots, box, stem = choosing.places(measure, seed, given)
        wanted = windows_of(spots, box, measure, labelled=not given["pair"])
        choosing.check_size(wanted)
        chosen = choosing.chosen(services, wanted, given)
        pairs = [choosing.pair(window, chosen, given["max_overzoom"]) for window in wanted]
        path = _one_path(output)
        root = Path(output).absolute() if output else data_folder(os.environ).absolute() / stem
        if not given["dry_run"]:
            _refuse_loss(path, root, given)
            if path is None:
                refuse_others(pairs, chosen, root)
        client = Client(contact=checked_contact(given["contact"]), allow_private=given["allow_private"])
        layers = _opened(chosen, client, given)
        telling.tell(progress, pairs, layers)
        if given["dry_run"]:
            return
        _refuse_too_many(pairs, layers, given)
        try:
            if path is not None:
                record = _one(pairs, layers, path, given)
            else:
                record = _folder(pairs, layers, root, client, progress, given)
        finally:
            progress.end()
            for tiles in layers:
                _cache(tiles.service, given).trim(given["cache_mb"] * _MEGABYTE)
        _finish(record, seed, given, output, began, as_json=as_json, quiet=quiet)


def _one_path(output: str | None) -> Path | None:
    """The name of the one picture that ``-o`` asks for; None if it asks for a folder."""
    if output is None or Path(output).suffix.lower() not in {*SUFFIXES, *_SAME}:
        return None
    path = Path(output).absolute()
    return path.with_suffix(_SAME.get(path.suffix.lower(), path.suffix.lower()))


@contextmanager
def _whole(files: tuple[Path, ...]) -> Iterator[None]:
    """Take away what the block has made of ``files`` if it fails: no record claims it, so it would be in the
    way of the next try.
    """
    new = [file for file in files if not os.path.lexists(file)]
    try:
        yield
    except BaseException:
        for file in new:
            file.unlink(missing_ok=True)
        raise


def _record_of(path: Path) -> Path:
    return path.with_suffix(".run.json")


def _refuse_loss(path: Path | None, root: Path, given: dict[str, Any]) -> None:
    """Refuse, before anything is fetched, to write over what the user has drawn or another run has made."""
    inputs = [Path(given[name]) for name in ("polygon", "points", "services") if given[name]]
    if path is not None:
        record = _record_of(path)
        files, ours = (*files_of_one(path), record), is_record(record, command="aerial", result=path)
        refuse_taken(path, files, ours=ours, inputs=inputs, advice="Choose another name.")
        return
    refuse_loss(root, _SHEETS, inputs)


def _opened(services: list[Service], client: Client, given: dict[str, Any]) -> list[Tiles]:
    layers = []
    for service in services:
        key = os.environ.get(service.key, "") if service.key else ""
        if service.key and not key:
            raise BadInputError(
                f"--source {service.name} needs an account of your own. Put its key into "
                f"${service.key}, never on a command line."
            )
        if service.rule.needs_contact and not client.contact:
            raise BadInputError(
                f"--source {service.name} wants to know who asks. "
                "Add --contact you@your.school (it is sent to them)."
            )
        try:
            layers.append(
                opened(
                    service,
                    client,
                    cache=_cache(service, given),
                    key=key,
                    offline=given["offline"],
                    allow_noai=given["accept_noai"],
                )
            )
        except SourceError as error:
            raise WorkFailedError(
                f"--source {service.name}: {error}. Run it again later, or choose another."
            ) from error
    return layers


def _cache(service: Service, given: dict[str, Any]) -> Cache:
    return Cache(Path(given["cache_path"]) if given["cache_path"] else cache_folder(), service)


def _refuse_too_many(pairs: list[tuple[Window, ...]], layers: list[Tiles], given: dict[str, Any]) -> None:
    for index, tiles in enumerate(layers):
        taken = cost([pair[index] for pair in pairs], tiles)
        asked = taken.tiles - taken.kept
        most = tiles.service.most_tiles
        if most is not None and asked > most:
            raise BadInputError(
                f"--source {tiles.service.name} forbids bulk downloads: this asks for {asked} tiles, "
                f"and {most} a run are taken at most. Ask for fewer pictures, or choose another source."
            )
        if asked > _MANY_TILES and not given["yes"]:
            raise BadInputError(
                f"This takes {asked:,} tiles from {tiles.service.name}, more than {_MANY_TILES:,}. "
                "Ask for fewer or smaller pictures, or add --yes if you mean it."
            )


def _one(
    pairs: list[tuple[Window, ...]], layers: list[Tiles], path: Path, given: dict[str, Any]
) -> dict[str, Any]:
    """One picture under its own name; its record beside it."""
    if len(pairs) != 1 or len(layers) != 1:
        raise BadInputError(f"-o {path.name} is one picture, and this makes several. Name a folder.")
    (window,) = pairs[0]
    try:
        with output_problems(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            with _whole(files_of_one(path)):
                facts = make_one(window, layers[0], path, _order(path.suffix, given))
    except (SourceError, TileError) as error:
        raise WorkFailedError(telling.sorry(str(error), layers)) from error
    return {
        "results": [str(path)],
        "metrics": {"pictures": 1, "failed": {}, "layers": [layers[0].service.name], "picture": facts},
        "place": _record_of(path),
    }


def _folder(
    pairs: list[tuple[Window, ...]],
    layers: list[Tiles],
    root: Path,
    client: Client,
    progress: Progress,
    given: dict[str, Any],
) -> dict[str, Any]:
    try:
        with output_problems(root):
            root.mkdir(parents=True, exist_ok=True)
            seen = preview([pair[0] for pair in pairs], layers[0])
            if seen is not None:
                with written_whole(root / "preview.png") as draft:
                    seen.save(draft, "PNG")
                progress.say(f"Preview: {root / 'preview.png'}")

            def report(done: int, total: int) -> None:
                progress.advance("pictures", done, total, {})

            made = make(pairs, layers, root, client, _order(f".{given['kind']}", given), report)
    except InUseError as error:
        raise BadInputError(f"-o {root}: {error}.") from error
    return {
        "results": [str(root)],
        "metrics": {
            "pictures": made.kept,
            "failed": made.reasons,
            "overzoomed": made.overzoomed,
            "layers": [tiles.service.name for tiles in layers],
        },
        "place": root / "run.json",
        "problem": telling.problem(made, len(pairs), layers),
    }


def _finish(
    record: dict[str, Any],
    seed: int,
    given: dict[str, Any],
    output: str | None,
    began: float,
    *,
    as_json: bool,
    quiet: bool,
) -> None:
    place, problem = record.pop("place"), record.pop("problem", "")
    arguments = {
        name: value for name, value in sorted(given.items()) if name not in ("yes", "dry_run", "contact")
    }
    full = {
        "command": "aerial",
        "arguments": {**arguments, "output": output},
        "seed": seed,
        "device": "cpu",
        "weights": {},
        "versions": versions(),
        **record,
        "seconds": round(time.monotonic() - began, 3),
    }
    write_text(place, json.dumps(full, indent=2, ensure_ascii=False) + "\n")
    if place.name == "run.json" and full["metrics"]["pictures"]:
        write_report(place.parent, place.parent / PAGE)
    if as_json:
        click.echo(json.dumps(full))
    elif not quiet:
        click.echo(full["results"][0])
    if problem:
        raise WorkFailedError(problem)


def _order(suffix: str, given: dict[str, Any]) -> Order:
    return Order(suffix=suffix, max_overzoom=given["max_overzoom"], keep_blank=given["keep_blank"])
