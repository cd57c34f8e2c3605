"""What a command line asks for, as exact windows. Pure but for reading the user's files."""

import csv
import io
import math
import re
from dataclasses import dataclass, replace
from pathlib import Path

from techniques.aerial.gazetteer import nearest
from techniques.aerial.grid import LIMIT, Box, LonLat, ground, on_the_map
from techniques.aerial.sampling import Region, SamplingError, grid, region_of, scattered
from techniques.aerial.services import Service
from techniques.aerial.windows import Window, WindowError, around, covering, pixels_around, zoom_for
from techniques.datasets.recipe import folder_name
from techniques.errors import BadInputError

__all__ = ["Measure", "Spot", "at", "box_of", "measure_of", "points_of", "sampled", "suited", "windows_of"]

_LONGEST = 50_000_000
_LAT, _LON = ("lat", "latitude", "y"), ("lon", "lng", "long", "longitude", "x")
_FOLDER = "images"


@dataclass(frozen=True)
class Spot:
    """One place that a picture is centred on."""

    place: LonLat
    name: str = ""
    label: str = ""


@dataclass(frozen=True)
class Measure:
    """How large and how fine: ``size`` in metres on the ground or (``in_pixels``) in pixels, east by north.

    Either ``m_per_px`` or ``zoom`` is given.
    """

    size: tuple[float, float]
    in_pixels: bool
    m_per_px: float | None
    zoom: int | None

    def zoom_at(self, lat: float) -> int:
        """The level that has the pixels for it."""
        if self.zoom is not None:
            return self.zoom
        return zoom_for(self.m_per_px or 1.0, lat)

    def ground_size(self, lat: float) -> tuple[float, float]:
        """Metres on the ground, east by north."""
        if not self.in_pixels:
            return self.size
        step = self.m_per_px or ground(self.zoom or 0, lat)
        return self.size[0] * step, self.size[1] * step


def measure_of(size_m: str | None, size_px: str | None, m_per_px: float | None, zoom: int | None) -> Measure:
    """The measure of a command line; without any, 256 m at 0.5 m/px.

    Raises:
        BadInputError: both of a pair are given, or a size cannot be read.
    """
    if size_m and size_px:
        raise BadInputError("--size-m and --size-px are two ways to say the size. Leave one away.")
    if m_per_px is not None and zoom is not None:
        raise BadInputError("--m-per-px and --zoom are two ways to say how fine. Leave one away.")
    if zoom is None and m_per_px is None:
        m_per_px = 0.5
    if size_px is None and size_m is None:
        size_m, size_px = (None, "512") if zoom is not None else ("256", None)
    flag, text = ("--size-px", size_px) if size_px else ("--size-m", size_m or "")
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)(?:\s*[x×,]\s*(\d+(?:\.\d+)?))?\s*", text)  # noqa: RUF001
    if match is None or float(match[1]) <= 0 or float(match[2] or 1) <= 0:
        raise BadInputError(f"{flag} {text}: write one number, or two as 400x300 (east by north).")
    size = float(match[1]), float(match[2] or match[1])
    if size_px and any(side != int(side) for side in size):
        raise BadInputError(f"--size-px {text}: pixels are whole numbers.")
    return Measure(size, bool(size_px), m_per_px, zoom)


def at(lat: float, lon: float, where: str) -> LonLat:
    """The place, after checking that there is such a one.

    Raises:
        BadInputError: the numbers are no degrees, or seem to be swapped.
    """
    if not (math.isfinite(lat) and math.isfinite(lon)) or abs(lon) > 180 or abs(lat) > 90:
        swapped = (
            " Latitude and longitude seem to be swapped." if 90 < abs(lat) <= 180 and abs(lon) <= 90 else ""
        )
        raise BadInputError(
            f"{where}: latitude {lat:g}, longitude {lon:g} is no place.{swapped} "
            "Latitude is -90..90, longitude -180..180."
        )
    if abs(lat) > LIMIT:
        raise BadInputError(
            f"{where}: latitude {lat:g} is beyond {LIMIT:.2f}, where web maps end. Choose another place."
        )
    return LonLat(lon, lat)


def box_of(text: str) -> Box:
    """The box that ``WEST,SOUTH,EAST,NORTH`` says; an east below the west lies over the date line.

    Raises:
        BadInputError: it is no box.
    """
    parts = [part for part in re.split(r"[,\s]+", text.strip()) if part]
    try:
        west, south, east, north = (float(part) for part in parts)
    except ValueError as error:
        raise BadInputError(
            f"--bbox {text}: write four numbers, WEST,SOUTH,EAST,NORTH in degrees."
        ) from error
    for lon, lat in ((west, south), (east, north)):
        at(lat, lon, f"--bbox {text}")
    if south >= north:
        raise BadInputError(
            f"--bbox {text}: the south must lie below the north (order: west, south, east, north)."
        )
    return Box(west, south, east + 360 if east <= west else east, north)


def points_of(path: Path) -> list[Spot]:
    """The places of a CSV with columns lat and lon, and perhaps name and label.

    Raises:
        BadInputError: it cannot be read, has no such columns, or a line is no place.
    """
    text = _text(path, "--points")
    try:
        dialect: type[csv.Dialect] = csv.Sniffer().sniff(text[:4096], delimiters=",;\t")
    except csv.Error:
        dialect = csv.excel
    reader = csv.DictReader(io.StringIO(text), dialect=dialect)
    columns = {(name or "").strip().lower(): name for name in reader.fieldnames or []}
    lat = next((columns[name] for name in _LAT if name in columns), None)
    lon = next((columns[name] for name in _LON if name in columns), None)
    if lat is None or lon is None:
        raise BadInputError(f"--points {path} has no columns lat and lon. Begin it with a line: lat,lon,name")
    found = []
    for number, row in enumerate(reader, start=2):
        if not any((value or "").strip() for value in row.values() if isinstance(value, str)):
            continue
        try:
            values = float((row[lat] or "").strip()), float((row[lon] or "").strip())
        except ValueError as error:
            raise BadInputError(
                f"--points {path}, line {number}: lat and lon must be numbers in degrees."
            ) from error
        place = at(*values, f"--points {path}, line {number}")
        found.append(Spot(place, _cell(row, columns, "name"), _cell(row, columns, "label")))
    if not found:
        raise BadInputError(
            f"--points {path} names no place. Write a line for each, under the columns lat,lon."
        )
    return found


def sampled(
    region: Region, measure: Measure, *, random_count: int | None, overlap: float, least_m: float, seed: int
) -> list[Spot]:
    """Places in ``region``: ``random_count`` of them, or a grid.

    Raises:
        BadInputError: not so many fit, or there would be too many.
    """
    try:
        if random_count is not None:
            return [Spot(place) for place in scattered(region, random_count, seed=seed, least_m=least_m)]
        middle = (region.box.south + region.box.north) / 2
        found = grid(region, measure.ground_size(middle), overlap)
    except SamplingError as error:
        raise BadInputError(f"The region: {error}.") from error
    if not found:
        raise BadInputError("The region holds no picture of that size. Choose a smaller --size-m.")
    return [Spot(place) for place in found]


def read_region(path: Path) -> Region:
    """The polygons of a GeoJSON file.

    Raises:
        BadInputError: it cannot be read or has none.
    """
    try:
        return region_of(_text(path, "--polygon"))
    except SamplingError as error:
        raise BadInputError(f"--polygon {path}: {error}. Draw one at geojson.io, for example.") from error


def windows_of(
    spots: list[Spot], box: Box | None, measure: Measure, *, labelled: bool = True
) -> list[Window]:
    """The windows of ``spots``, or the one that covers ``box``, each with a name of its own.

    Raises:
        BadInputError: one reaches beyond the map.
    """
    try:
        if box is not None:
            zoom = measure.zoom_at((box.south + box.north) / 2)
            name = f"{box.west:.6f}_{box.south:.6f}_{box.east:.6f}_{box.north:.6f}_{_grain(measure)}"
            return [covering(box, measure.m_per_px, zoom, name=name, label=_FOLDER)]
        found = [_window(spot, measure, labelled=labelled) for spot in spots]
    except WindowError as error:
        raise BadInputError(f"The picture: {error}. Choose a smaller --size-m, or another place.") from error
    # Two spots of one place are one picture; of one name, two.
    return list({(window.label, window.name): window for window in found}.values())


def suited(window: Window, service: Service, max_overzoom: int) -> Window:
    """``window``, taken from the level of ``service`` that has its pixels.

    Raises:
        BadInputError: the service does not cover it, or is not so fine.
    """
    place = window.centre
    if not service.covers(window.bounds):
        raise BadInputError(
            f"--source {service.name} has no picture of {place.lat:.4f}, {place.lon:.4f} ({nearest(place)}). "
            "Is a minus sign missing? Else choose another --source."
        )
    if window.zoom > service.last_zoom + max_overzoom:
        finest = ground(service.last_zoom, place.lat)
        raise BadInputError(
            f"--source {service.name} has no more than {finest:.2g} m/px there (zoom {service.last_zoom}). "
            f"Ask for --m-per-px {_rounded_up(finest):g}, or enlarge with --max-overzoom "
            f"{window.zoom - service.last_zoom}."
        )
    zoom = max(service.first_zoom, min(service.last_zoom, window.zoom))
    return replace(window, zoom=zoom, enlarged=max(0, window.zoom - zoom))


def _window(spot: Spot, measure: Measure, *, labelled: bool) -> Window:
    place = on_the_map(spot.place)
    zoom = measure.zoom_at(place.lat)
    size = measure.ground_size(place.lat)
    label = folder_name(spot.label) or _FOLDER if labelled else _FOLDER
    start = f"{folder_name(spot.name)}_" if spot.name else ""
    shape = "x".join(f"{side:g}" for side in measure.size) + ("px" if measure.in_pixels else "m")
    name = f"{start}{place.lat:.6f}_{place.lon:.6f}_{shape}_{_grain(measure)}"
    if measure.zoom is None:
        return around(place, size, measure.m_per_px or 1.0, zoom, name=name, label=label)
    step = ground(zoom, place.lat)
    pixels = [int(side) if measure.in_pixels else max(1, round(side / step)) for side in measure.size]
    return pixels_around(place, pixels[0], pixels[1], zoom, name=name, label=label)


def _grain(measure: Measure) -> str:
    return f"z{measure.zoom}" if measure.zoom is not None else f"{measure.m_per_px:g}mpp"


def _rounded_up(value: float) -> float:
    step = 10.0 ** (math.floor(math.log10(value)) - 1)
    return math.ceil(value / step - 1e-9) * step


def _cell(row: dict[str, str], columns: dict[str, str], name: str) -> str:
    return (row.get(columns[name]) or "").strip() if name in columns else ""


def _text(path: Path, flag: str) -> str:
    try:
        if path.stat().st_size > _LONGEST:
            raise BadInputError(f"{flag} {path} has more than {_LONGEST // 1_000_000} MB. Make it shorter.")
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadInputError(f"{flag} {path} is no text in UTF-8. Save it as plain text.") from error
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise BadInputError(f"{flag} {path} cannot be read: {reason}. Check the name.") from error
