"""What a WMTS says of itself, read as far as a picture needs it (OGC 07-057r7, WMTS 1.0.0). Pure."""

import math
import re
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from urllib.parse import urlencode

from techniques.aerial.grid import HALF, Tile, resolution

__all__ = ["CapabilitiesError", "Layout", "exception_in", "layout", "parse"]

_WMTS = "{http://www.opengis.net/wmts/1.0}"
_OWS = "{http://www.opengis.net/ows/1.1}"
_PIXEL = 0.00028  # metres: the standard's rendering pixel
_LONGEST = 30_000_000


class CapabilitiesError(Exception):
    """The document does not offer what is asked for; the text says what."""


@dataclass(frozen=True)
class Layout:
    """How the tiles of one layer are asked for, on our grid."""

    template: str
    """A REST address with ``{TileMatrix}``, ``{TileRow}``, ``{TileCol}``; or the address for a query."""
    query: dict[str, str]
    """Empty for REST."""
    matrices: dict[int, str]
    """Our level to the service's own name for it."""
    limits: dict[int, tuple[int, int, int, int]]
    """Rows and columns that exist, first and last: top, bottom, left, right; none means all."""
    tile_size: int

    def has(self, tile: Tile) -> bool:
        """Whether the service says that there is such a tile."""
        if tile.z not in self.matrices:
            return False
        top, bottom, left, right = self.limits.get(tile.z, (0, (1 << tile.z) - 1, 0, (1 << tile.z) - 1))
        return top <= tile.y <= bottom and left <= tile.x <= right

    def address(self, tile: Tile) -> str:
        """The URL of ``tile``."""
        values = {"tilematrix": self.matrices[tile.z], "tilerow": str(tile.y), "tilecol": str(tile.x)}
        if self.query:
            glue = "&" if "?" in self.template else "?"
            asked = self.query | {name.upper(): value for name, value in values.items()}
            return f"{self.template.rstrip('?&')}{glue}{urlencode(asked)}"
        # Names of variables differ in case from server to server.
        return _filled(self.template, values)


def parse(document: bytes) -> ET.Element:
    """The document's root.

    Raises:
        CapabilitiesError: it is no XML, or defines entities, which could fill the memory or read files.
    """
    if len(document) > _LONGEST or b"<!DOCTYPE" in document or b"<!ENTITY" in document:
        raise CapabilitiesError("its description defines entities or is too long")
    try:
        return ET.fromstring(document)  # noqa: S314 - see above
    except ET.ParseError as error:
        raise CapabilitiesError("its description is no XML") from error


def exception_in(body: bytes) -> str:
    """The code and text of an OGC exception report, of WMTS or WMS; empty if ``body`` is none."""
    if b"Exception" not in body[:2000]:
        return ""
    try:
        root = parse(body)
    except CapabilitiesError:
        return ""
    for element in root.iter():
        if element.tag.rpartition("}")[2] in ("Exception", "ServiceException"):
            code = element.get("exceptionCode") or element.get("code") or "NoApplicableCode"
            return " ".join([code, *" ".join(element.itertext()).split()])
    return ""


def layout(
    document: bytes, endpoint: str, *, layer: str, style: str = "", format_: str = "", matrix_set: str = ""
) -> Layout:
    """How ``layer`` is asked for on the Web Mercator grid, from a capabilities document.

    Without ``style``, ``format_`` and ``matrix_set`` the default style, the first format, and the first set
    that is our grid are taken.

    Raises:
        CapabilitiesError: there is no such layer, style, format or set, or the set is not our grid.
    """
    contents = parse(document).find(f"{_WMTS}Contents")
    if contents is None:
        raise CapabilitiesError("its description has no Contents")
    found = _named(contents.findall(f"{_WMTS}Layer"), layer, "layer")
    style = style or _default_style(found)
    formats = [element.text or "" for element in found.findall(f"{_WMTS}Format")]
    format_ = format_ or next((one for one in formats if one in ("image/png", "image/jpeg")), "")
    if format_ not in formats:
        raise CapabilitiesError(f"layer {layer} is not offered as {format_ or 'a picture'}")
    sets = {_identifier(element): element for element in contents.findall(f"{_WMTS}TileMatrixSet")}
    links = {
        link.findtext(f"{_WMTS}TileMatrixSet", ""): link
        for link in found.findall(f"{_WMTS}TileMatrixSetLink")
    }
    if matrix_set and matrix_set not in links:
        raise CapabilitiesError(f"layer {layer} has no tile matrix set {matrix_set}, but {', '.join(links)}")
    problems = []
    for name in [matrix_set] if matrix_set else links:
        try:
            matrices, size = _matrices(sets[name])
        except (KeyError, CapabilitiesError) as error:
            problems.append(f"{name}: {error}")
            continue
        template, query = _door(found, endpoint, layer, style, format_, name)
        return Layout(template, query, matrices, _limits(links[name], matrices), size)
    raise CapabilitiesError(f"layer {layer} has no set on the Web Mercator grid ({'; '.join(problems)})")


def _matrices(element: ET.Element) -> tuple[dict[int, str], int]:
    """Level to identifier, and the size of a tile; only of matrices that lie exactly on our grid."""
    reference = element.findtext(f"{_OWS}SupportedCRS", "")
    if not re.search(r"(3857|900913)$", reference):
        raise CapabilitiesError(f"its coordinates are {reference.rpartition(':')[2] or 'unknown'}")
    levels, sizes = {}, set()
    for matrix in element.findall(f"{_WMTS}TileMatrix"):
        cell = float(matrix.findtext(f"{_WMTS}ScaleDenominator", "nan")) * _PIXEL
        size = int(matrix.findtext(f"{_WMTS}TileWidth", "0"))
        west, north = (float(part) for part in matrix.findtext(f"{_WMTS}TopLeftCorner", "nan nan").split())
        level = round(math.log2(2 * HALF / (cell * size)))
        # One public server writes the corner with the wrong sign: its tiles would be another continent's.
        if abs(west + HALF) > 1 or abs(north - HALF) > 1:
            raise CapabilitiesError(f"it begins at {west:.0f} {north:.0f}, not at the map's corner")
        exact = resolution(level) * 256 / size
        if abs(cell / exact - 1) > 1e-6:
            raise CapabilitiesError(f"a pixel of {cell:.4g} m is none of our levels")
        levels[level] = _identifier(matrix)
        sizes.add(size)
    if len(sizes) != 1:
        raise CapabilitiesError("its tiles have several sizes")
    return levels, sizes.pop()


def _limits(link: ET.Element, matrices: dict[int, str]) -> dict[int, tuple[int, int, int, int]]:
    levels = {name: level for level, name in matrices.items()}
    found = {}
    for limit in link.iter(f"{_WMTS}TileMatrixLimits"):
        name = limit.findtext(f"{_WMTS}TileMatrix", "")
        edges = [
            int(limit.findtext(f"{_WMTS}{edge}", "-1"))
            for edge in ("MinTileRow", "MaxTileRow", "MinTileCol", "MaxTileCol")
        ]
        if name in levels:
            found[levels[name]] = (edges[0], edges[1], edges[2], edges[3])
    return found


def _door(
    found: ET.Element, endpoint: str, layer: str, style: str, format_: str, matrix_set: str
) -> tuple[str, dict[str, str]]:
    for resource in found.findall(f"{_WMTS}ResourceURL"):
        if resource.get("resourceType") == "tile" and resource.get("format") == format_:
            fixed = {"layer": layer, "style": style, "tilematrixset": matrix_set}
            for dimension in found.findall(f"{_WMTS}Dimension"):
                fixed[_identifier(dimension).lower()] = dimension.findtext(f"{_WMTS}Default", "")
            template = _filled(resource.get("template", ""), fixed)
            return template, {}
    query = {
        "SERVICE": "WMTS",
        "VERSION": "1.0.0",
        "REQUEST": "GetTile",
        "LAYER": layer,
        "STYLE": style,
        "FORMAT": format_,
        "TILEMATRIXSET": matrix_set,
    }
    return endpoint, query


def _filled(template: str, values: dict[str, str]) -> str:
    return re.sub(r"\{(\w+)\}", lambda match: values.get(match[1].lower(), match[0]), template)


def _default_style(found: ET.Element) -> str:
    styles = found.findall(f"{_WMTS}Style")
    for style in styles:
        if style.get("isDefault") == "true":
            return _identifier(style)
    return _identifier(styles[0]) if styles else ""


def _named(elements: list[ET.Element], name: str, what: str) -> ET.Element:
    for element in elements:
        if _identifier(element) == name:
            return element
    known = ", ".join(_identifier(element) for element in elements[:8])
    raise CapabilitiesError(f"there is no {what} {name}; there are {known}")


def _identifier(element: ET.Element) -> str:
    return (element.findtext(f"{_OWS}Identifier") or "").strip()
