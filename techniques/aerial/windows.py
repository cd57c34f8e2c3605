"""The exact piece of the world picture that a result shows. Pure."""

import math
from dataclasses import dataclass

from techniques.aerial.grid import (
    HALF,
    LIMIT,
    Box,
    LonLat,
    Pixel,
    ground,
    lonlat,
    metres_of_pixel,
    on_the_map,
    pixel,
    resolution,
    true_scale,
)

__all__ = ["Window", "WindowError", "around", "covering", "pixels_around", "zoom_for"]

_SLACK = 1e-6  # of a zoom level: 0.5 m/px asked where a level has 0.4999999
_MARGIN = 4  # source pixels round a window, for the filter that resamples it


class WindowError(ValueError):
    """No such piece exists; the text says why."""


@dataclass(frozen=True)
class Window:
    """``width`` x ``height`` pixels that show ``box`` of EPSG:3857, taken from the world picture at ``zoom``.

    ``box`` is in metres of the map; over the date line one of its sides lies beyond the map's edge.
    """

    name: str
    box: Box
    width: int
    height: int
    zoom: int
    label: str = ""
    enlarged: int = 0
    """Levels by which ``zoom`` lies below the one that has its pixels."""

    @property
    def centre(self) -> LonLat:
        """Its middle on the map, on the ground."""
        point = ((self.box.west + self.box.east) / 2, (self.box.south + self.box.north) / 2)
        return on_the_map(lonlat(Pixel(point[0] + HALF, HALF - point[1]), _unit_zoom()))

    @property
    def pixel_size(self) -> tuple[float, float]:
        """Metres of the map a pixel, to the east and to the south."""
        return (self.box.east - self.box.west) / self.width, (self.box.north - self.box.south) / self.height

    @property
    def ground_m_per_px(self) -> float:
        """Metres on the ground a pixel in its middle, on the sphere."""
        return self.pixel_size[0] * math.cos(math.radians(self.centre.lat))

    @property
    def ellipsoid_m_per_px(self) -> tuple[float, float]:
        """The same on WGS 84, to the east and to the north: the true scale."""
        east, north = true_scale(self.centre.lat)
        return self.ground_m_per_px * east, self.ground_m_per_px * north

    @property
    def bounds(self) -> Box:
        """Its edges in degrees; a west or an east beyond 180 says that it lies over the date line."""
        size = resolution(0)
        low = lonlat(Pixel((self.box.west + HALF) / size, (HALF - self.box.south) / size), 0)
        high = lonlat(Pixel((self.box.east + HALF) / size, (HALF - self.box.north) / size), 0)
        return Box(low.lon, low.lat, high.lon, high.lat)

    @property
    def source_box(self) -> tuple[float, float, float, float]:
        """Left, top, right and bottom in pixels of the world picture at ``zoom``."""
        size = resolution(self.zoom)
        return (
            _whole((self.box.west + HALF) / size),
            _whole((HALF - self.box.north) / size),
            _whole((self.box.east + HALF) / size),
            _whole((HALF - self.box.south) / size),
        )

    @property
    def exact(self) -> bool:
        """Whether its pixels are the source's own, so that nothing is resampled."""
        left, top, right, bottom = self.source_box
        sizes = (right - left, bottom - top)
        return all(edge == round(edge) for edge in (left, top, right, bottom)) and sizes == (
            self.width,
            self.height,
        )

    @property
    def reach(self) -> tuple[int, int, int, int]:
        """The source pixels that are needed for it: left, top, right, bottom."""
        left, top, right, bottom = self.source_box
        if self.exact:
            return int(left), int(top), int(right), int(bottom)
        wide = _MARGIN * max(1, math.ceil((right - left) / self.width))
        end = 256 << self.zoom
        return (
            math.floor(left) - wide,
            max(0, math.floor(top) - wide),
            math.ceil(right) + wide,
            min(end, math.ceil(bottom) + wide),
        )


def zoom_for(m_per_px: float, lat: float) -> int:
    """The coarsest whole zoom that shows at least ``m_per_px`` metres on the ground a pixel at ``lat``."""
    return max(0, math.ceil(math.log2(ground(0, lat) / m_per_px) - _SLACK))


def around(
    place: LonLat, size_m: tuple[float, float], m_per_px: float, zoom: int, *, name: str, label: str = ""
) -> Window:
    """``size_m`` metres on the ground (east by north) with ``place`` exactly in the middle.

    The picture has a whole number of pixels, so its size is that of the nearest.

    Raises:
        WindowError: it reaches beyond the map, or has no pixel.
    """
    width, height = (round(side / m_per_px) for side in size_m)
    if min(width, height) < 1:
        raise WindowError(f"{size_m[0]:g} x {size_m[1]:g} m at {m_per_px:g} m/px is less than a pixel")
    step = m_per_px / math.cos(math.radians(place.lat))
    size = resolution(0)
    middle = metres_of_pixel(pixel(on_the_map(place), 0), 0)
    half_x, half_y = width * step / 2, height * step / 2
    box = Box(middle.x - half_x, middle.y - half_y, middle.x + half_x, middle.y + half_y)
    _check(box, size)
    return Window(name, box, width, height, zoom, label)


def pixels_around(place: LonLat, width: int, height: int, zoom: int, *, name: str, label: str = "") -> Window:
    """``width`` x ``height`` of the source's own pixels, ``place`` in the middle to half a pixel.

    Raises:
        WindowError: it reaches beyond the map.
    """
    point = pixel(on_the_map(place), zoom)
    left, top = round(point.x - width / 2), round(point.y - height / 2)
    low = metres_of_pixel(Pixel(left, top + height), zoom)
    high = metres_of_pixel(Pixel(left + width, top), zoom)
    box = Box(low.x, low.y, high.x, high.y)
    _check(box, resolution(0))
    return Window(name, box, width, height, zoom, label)


def covering(box: Box, m_per_px: float | None, zoom: int, *, name: str, label: str = "") -> Window:
    """All of ``box`` (degrees) in one picture, at ``m_per_px`` in its middle or the source's own pixels.

    Its north-west corner is exact; it ends with the first whole pixel that covers the south-east.

    Raises:
        WindowError: the box is empty or reaches beyond the map.
    """
    if not (box.west < box.east and box.south < box.north):
        raise WindowError("the box is empty: it needs west < east and south < north")
    if max(abs(box.south), abs(box.north)) > LIMIT:
        raise WindowError(f"the box reaches beyond latitude {LIMIT:.2f}, where the map ends")
    turns = box.west - on_the_map(LonLat(box.west, 0)).lon
    box = Box(box.west - turns, box.south, box.east - turns, box.north)
    first, last = pixel(LonLat(box.west, box.north), zoom), pixel(LonLat(box.east, box.south), zoom)
    if m_per_px is None:
        left, top = round(first.x), round(first.y)
        width, height = max(1, round(last.x) - left), max(1, round(last.y) - top)
        low = metres_of_pixel(Pixel(left, top + height), zoom)
        high = metres_of_pixel(Pixel(left + width, top), zoom)
        return Window(name, Box(low.x, low.y, high.x, high.y), width, height, zoom, label)
    start, end = metres_of_pixel(first, zoom), metres_of_pixel(last, zoom)
    step = m_per_px / math.cos(math.radians((box.south + box.north) / 2))
    width = max(1, math.ceil((end.x - start.x) / step - 1e-6))
    height = max(1, math.ceil((start.y - end.y) / step - 1e-6))
    whole = Box(start.x, start.y - height * step, start.x + width * step, start.y)
    return Window(name, whole, width, height, zoom, label)


def _check(box: Box, world: float) -> None:
    if max(abs(box.south), abs(box.north)) > HALF:
        raise WindowError(f"it reaches beyond latitude {LIMIT:.2f}, where the map ends")
    if box.east - box.west > world * 256:
        raise WindowError("it is wider than the world")


def _unit_zoom() -> float:
    """The zoom whose pixels are one metre of the map."""
    return math.log2(2 * HALF / 256)


def _whole(value: float) -> float:
    """``value``, as the whole number that it is but for rounding: metres carry 9 digits of a pixel."""
    nearest = round(value)
    return float(nearest) if abs(value - nearest) < 1e-5 else value
