"""What the command's options ask for: which places, how large, and of whom."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from techniques.aerial.asked import Measure, Spot, at, box_of, points_of, read_region, sampled, suited
from techniques.aerial.gazetteer import nearest
from techniques.aerial.grid import Box
from techniques.aerial.sampling import Region
from techniques.aerial.services import Service, at_address
from techniques.aerial.windows import Window
from techniques.errors import BadInputError

__all__ = ["check_size", "chosen", "pair", "places"]

_MOST_PIXELS = 100_000_000


def places(measure: Measure, seed: int, given: dict[str, Any]) -> tuple[list[Spot], Box | None, str]:
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


def check_size(windows: list[Window]) -> None:
    """Raises `BadInputError` if a picture would have more pixels than fit into memory."""
    largest = max(windows, key=lambda window: window.width * window.height)
    if largest.width * largest.height > _MOST_PIXELS:
        raise BadInputError(
            f"A picture of {largest.width} x {largest.height} pixels is more than "
            f"{_MOST_PIXELS // 1_000_000} million. Choose a larger --m-per-px, or cut it up with --grid."
        )


def chosen(services: dict[str, Service], windows: list[Window], given: dict[str, Any]) -> list[Service]:
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


def pair(window: Window, services: list[Service], max_overzoom: int) -> tuple[Window, ...]:
    """``window`` for each of one or two services, in a folder of its own if there are two."""
    if len(services) == 1:
        return (suited(window, services[0], max_overzoom),)
    return tuple(
        suited(replace(window, label=folder), service, max_overzoom)
        for folder, service in zip(("A", "B"), services, strict=True)
    )
