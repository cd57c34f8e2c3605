"""``deepdesign aerial``: the command line's view of pictures by place."""

import errno
import json
import os
import time
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from techniques.aerial import demo
from techniques.aerial.asked import (
    Measure,
    Spot,
    at,
    box_of,
    measure_of,
    points_of,
    read_region,
    sampled,
    suited,
    windows_of,
)
from techniques.aerial.cache import Cache, cache_folder
from techniques.aerial.cost import cost, preview
from techniques.aerial.gazetteer import nearest
from techniques.aerial.grid import Box
from techniques.aerial.mosaic import TileError
from techniques.aerial.placing import SUFFIXES
from techniques.aerial.run import Made, Order, make, make_one
from techniques.aerial.sampling import Region
from techniques.aerial.services import Service, at_address, load, shipped
from techniques.aerial.tiles import Tiles, opened
from techniques.aerial.windows import Window
from techniques.datasets.client import Client, checked_contact
from techniques.datasets.errors import SourceError
from techniques.datasets.manifest import InUseError
from techniques.datasets.page import PAGE, write_report
from techniques.errors import BadInputError, WorkFailedError
from techniques.files import write_text, written_whole
from techniques.options import file_options
from techniques.progress import Progress, progress_for
from techniques.runs import data_folder, versions

_MANY_TILES = 2000
_MOST_PIXELS = 100_000_000
_SAME = {".tiff": ".tif", ".jpeg": ".jpg"}
_MEGABYTE = 1_000_000


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
            _list(services)
            return
        progress = progress_for(quiet=quiet, as_json=as_json)
        measure = measure_of(given["size_m"], given["size_px"], given["m_per_px"], given["zoom"])
        spots, box, stem = _places(measure, seed, given)
        wanted = windows_of(spots, box, measure, labelled=not given["pair"])
        _check_size(wanted)
        chosen = _chosen(services, wanted, given)
        pairs = [_pair(window, chosen, given["max_overzoom"]) for window in wanted]
        client = Client(contact=checked_contact(given["contact"]), allow_private=given["allow_private"])
        layers = _opened(chosen, client, given)
        _tell(progress, pairs, layers)
        if given["dry_run"]:
            return
        _refuse_too_many(pairs, layers, given)
        try:
            if output and Path(output).suffix.lower() in {*SUFFIXES, *_SAME}:
                record = _one(pairs, layers, Path(output).absolute(), given)
            else:
                root = Path(output).absolute() if output else data_folder(os.environ).absolute() / stem
                record = _folder(pairs, layers, root, client, progress, given)
        finally:
            progress.end()
            for tiles in layers:
                _cache(tiles.service, given).trim(given["cache_mb"] * _MEGABYTE)
        _finish(record, seed, given, output, began, as_json=as_json, quiet=quiet)


def _places(measure: Measure, seed: int, given: dict[str, Any]) -> tuple[list[Spot], Box | None, str]:
    """The spots or the box asked for, and a name for the set."""
    ways = [name for name in ("bbox", "polygon", "points") if given[name]]
    if given["lat"] is not None or given["lon"] is not None:
        ways.insert(0, "lat")
    if len(ways) != 1:
        raise BadInputError(
            "Say where in one way: --lat with --lon, --bbox, --polygon or --points."
            if not ways
            else f"--{ways[0]} and --{ways[1]} both say where. Leave one away."
        )
    inside = given["as_grid"] or given["count"] is not None
    if given["as_grid"] and given["count"] is not None:
        raise BadInputError("--grid and --random are two ways to choose places. Leave one away.")
    if inside and ways[0] in ("lat", "points"):
        raise BadInputError("--grid and --random need a region: --bbox or --polygon.")
    if ways[0] == "lat":
        if given["lat"] is None or given["lon"] is None:
            raise BadInputError("--lat and --lon belong together. Give both.")
        place = at(given["lat"], given["lon"], "--lat --lon")
        return [Spot(place)], None, f"aerial_{place.lat:.4f}_{place.lon:.4f}"
    if ways[0] == "points":
        path = Path(given["points"])
        return points_of(path), None, path.stem
    region = Region(box_of(given["bbox"])) if given["bbox"] else read_region(Path(given["polygon"]))
    stem = (
        Path(given["polygon"]).stem
        if given["polygon"]
        else "aerial_" + "_".join(f"{edge:.4f}" for edge in region.box)
    )
    if not inside:
        return [], region.box, stem
    spots = sampled(
        region,
        measure,
        random_count=given["count"],
        overlap=given["overlap"],
        least_m=given["min_distance_m"],
        seed=seed,
    )
    return spots, None, stem


def _check_size(windows: list[Window]) -> None:
    largest = max(windows, key=lambda window: window.width * window.height)
    if largest.width * largest.height > _MOST_PIXELS:
        raise BadInputError(
            f"A picture of {largest.width} x {largest.height} pixels is more than "
            f"{_MOST_PIXELS // 1_000_000} million. Choose a larger --m-per-px, or cut it up with --grid."
        )


def _chosen(services: dict[str, Service], windows: list[Window], given: dict[str, Any]) -> list[Service]:
    """The services to ask, one a layer."""
    names = [given["source"], *([given["pair"]] if given["pair"] else [])]
    if len(set(names)) < len(names):
        raise BadInputError("--pair needs another source than --source.")
    found = []
    for flag, name in zip(("--source", "--pair"), names, strict=False):
        if name == "auto" and flag == "--source":
            found.append(_automatic(services, windows, given["max_overzoom"]))
        elif name in services:
            found.append(services[name])
        elif name.startswith(("http://", "https://")):
            found.append(at_address(name))
        else:
            raise BadInputError(
                f"{flag} {name} is none we know. Choose from auto, {', '.join(services)}, demo, demo-map."
            )
    return found


def _automatic(services: dict[str, Service], windows: list[Window], max_overzoom: int) -> Service:
    here = [
        service for service in services.values() if all(service.covers(window.bounds) for window in windows)
    ]
    fine = [
        service
        for service in here
        if all(window.zoom <= service.last_zoom + max_overzoom for window in windows)
    ]
    for service in fine:
        if service.default:
            return service
    place = windows[0].centre
    others = ", ".join(service.name for service in fine if service.kind == "photo")
    raise BadInputError(
        f"No free source without a key has such pictures of {place.lat:.4f}, {place.lon:.4f} "
        f"({nearest(place)}). Is a minus sign missing? Else try a coarser --m-per-px"
        + (f", or --source with one of {others}." if others else ", or another place.")
    )


def _pair(window: Window, services: list[Service], max_overzoom: int) -> tuple[Window, ...]:
    if len(services) == 1:
        return (suited(window, services[0], max_overzoom),)
    return tuple(
        suited(replace(window, label=folder), service, max_overzoom)
        for folder, service in zip(("A", "B"), services, strict=True)
    )


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


def _tell(progress: Progress, pairs: list[tuple[Window, ...]], layers: list[Tiles]) -> None:
    """Where it is and what it costs, before anything is fetched."""
    first = pairs[0][0]
    place = first.centre
    progress.say(f"Where: {place.lat:.5f}, {place.lon:.5f}, {nearest(place)}.")
    for index, tiles in enumerate(layers):
        service = tiles.service
        terms = service.licence.name if service.licence.slug else "the provider's own terms"
        note = f"; {service.note}" if service.note else ""
        progress.say(f"Source: {service.title} ({terms}{note}). Credit: {service.attribution}.")
        progress.say(f"Takes: {cost([pair[index] for pair in pairs], tiles)}.")
    east, north = first.ellipsoid_m_per_px
    progress.say(
        f"Scale: {first.ground_m_per_px:.4g} m a pixel ({east:.4g} east, {north:.4g} north on WGS 84), "
        f"{first.width} x {first.height} pixels, zoom {first.zoom}{'' if first.exact else ', resampled'}."
    )


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
                f"That are {asked} tiles from {tiles.service.name}. Add --yes if you mean it."
            )


def _one(
    pairs: list[tuple[Window, ...]], layers: list[Tiles], path: Path, given: dict[str, Any]
) -> dict[str, Any]:
    """One picture under its own name; its record beside it."""
    if len(pairs) != 1 or len(layers) != 1:
        raise BadInputError(f"-o {path.name} is one picture, and this makes several. Name a folder.")
    path = path.with_suffix(_SAME.get(path.suffix.lower(), path.suffix.lower()))
    (window,) = pairs[0]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        facts = make_one(window, layers[0], path, _order(path.suffix, given))
    except OSError as error:
        raise _unwritable(path, error) from error
    except (SourceError, TileError) as error:
        raise WorkFailedError(_sorry(str(error), layers)) from error
    return {
        "results": [str(path)],
        "metrics": {"pictures": 1, "failed": {}, "layers": [layers[0].service.name], "picture": facts},
        "place": path.with_suffix(".run.json"),
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
    except OSError as error:
        raise _unwritable(root, error) from error
    return {
        "results": [str(root)],
        "metrics": {
            "pictures": made.kept,
            "failed": made.reasons,
            "overzoomed": made.overzoomed,
            "layers": [tiles.service.name for tiles in layers],
        },
        "place": root / "run.json",
        "problem": _problem(made, len(pairs), layers),
    }


def _problem(made: Made, asked: int, layers: list[Tiles]) -> str:
    if made.stopped:
        return _sorry(made.stopped, layers)
    if made.kept == asked:
        return ""
    reasons = ", ".join(f"{count} {reason}" for reason, count in sorted(made.reasons.items()))
    example = next(iter(made.examples.values()), "")
    advice = {
        "missing": "Choose a coarser --m-per-px, another --source, or allow --max-overzoom.",
        "flat": "Choose other places, or --keep-blank.",
        "placeholder": "The source has nothing there: choose a coarser --m-per-px or another --source.",
    }.get(next(iter(made.reasons), ""), "Run the same command again.")
    return f"{made.kept} of {asked} pictures were made ({reasons}; at {example}). {advice}"


def _sorry(text: str, layers: list[Tiles]) -> str:
    advice = "Run the same command again later, or choose another --source."
    if any(tiles.service.key for tiles in layers) and "40" in text:
        advice = f"Is the key in ${layers[0].service.key} right?"
    return f"{text[:1].upper()}{text[1:]}. {advice}"


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


def _unwritable(path: Path, error: OSError) -> Exception:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return WorkFailedError(f"{path}: the disk is full. Free some space and run it again.")
    return BadInputError(f"-o {path} cannot be written: {error.strerror or error}. Choose another -o.")


def _list(services: dict[str, Service]) -> None:
    for service in services.values():
        terms = service.licence.name if service.licence.slug else f"own terms: {service.terms}"
        facts = [service.kind, terms, f"zoom to {service.last_zoom}"]
        if service.key:
            facts.append(f"needs ${service.key}")
        if service.note:
            facts.append(service.note)
        click.echo(f"{service.name:12} {service.title} ({'; '.join(facts)})")
    if "demo" not in services:
        click.echo("demo         A made-up town, without internet (demo-map: the same as a map)")
