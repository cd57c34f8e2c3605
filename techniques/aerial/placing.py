"""Writes where a picture lies: world file, GeoTIFF tags, projection, side-car, footprints.

A world file names the centre of the top-left pixel (Esri), a GeoTIFF's tie point its outer corner (OGC
19-008r4, RasterPixelIsArea): half a pixel lies between them, and mixing them up is the usual mistake.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PIL import Image, TiffImagePlugin

from techniques.aerial.windows import Window
from techniques.files import write_text, written_whole

__all__ = ["SUFFIXES", "beside", "footprint", "footprints", "outline", "save", "world_file"]

SUFFIXES = {".tif": ".tfw", ".png": ".pgw", ".jpg": ".jgw"}
"""The formats, and the names of their world files."""

_PIXEL_SCALE, _TIE_POINT, _DIRECTORY, _CITATION = 33550, 33922, 34735, 34737
_DESCRIPTION, _COPYRIGHT = 270, 33432
_NAME = "WGS 84 / Pseudo-Mercator|"
_KEYS = (
    *(1, 1, 0, 4),  # version 1.1.0, four keys
    *(1024, 0, 1, 1),  # GTModelType: projected
    *(1025, 0, 1, 1),  # GTRasterType: a pixel is an area
    *(1026, _CITATION, len(_NAME), 0),
    *(3072, 0, 1, 3857),  # ProjectedCRS: EPSG
)
_WKT = (
    'PROJCS["WGS 84 / Pseudo-Mercator",GEOGCS["WGS 84",DATUM["WGS_1984",'
    'SPHEROID["WGS 84",6378137,298.257223563]],PRIMEM["Greenwich",0],'
    'UNIT["degree",0.0174532925199433]],PROJECTION["Mercator_1SP"],'
    'PARAMETER["central_meridian",0],PARAMETER["scale_factor",1],PARAMETER["false_easting",0],'
    'PARAMETER["false_northing",0],UNIT["metre",1],AXIS["Easting",EAST],AXIS["Northing",NORTH],'
    'EXTENSION["PROJ4","+proj=merc +a=6378137 +b=6378137 +lat_ts=0 +lon_0=0 +x_0=0 +y_0=0 +k=1 +units=m '
    '+nadgrids=@null +wktext +no_defs"],AUTHORITY["EPSG","3857"]]'
)


def save(path: Path, image: Image.Image, window: Window, facts: dict[str, Any]) -> None:
    """Write ``image`` as the suffix of ``path`` says, with all that places it, ``facts`` in ``NAME.json``.

    The picture comes last: where it is, everything is.

    Raises:
        WorkFailedError: the disk is full, or the folder cannot be written.
    """
    aux = f"<PAMDataset><SRS>{_WKT.replace('&', '&amp;')}</SRS></PAMDataset>\n"
    texts = world_file(window), json.dumps(facts, indent=1, ensure_ascii=False) + "\n", _WKT + "\n", aux
    for file, text in zip(beside(path), texts, strict=False):
        write_text(file, text)
    with written_whole(path) as draft:
        if path.suffix == ".tif":
            image.save(draft, "TIFF", compression="tiff_adobe_deflate", tiffinfo=_tags(window, facts))
        elif path.suffix == ".jpg":
            image.save(draft, "JPEG", quality=95, subsampling=0)
        else:
            image.save(draft, "PNG")


def beside(path: Path) -> tuple[Path, ...]:
    """What `save` writes beside the picture ``path``: world file, side-car, and often the projection."""
    placed = path.with_suffix(SUFFIXES[path.suffix]), path.with_suffix(".json")
    # A world file has no coordinate system; these are where QGIS and ArcGIS look for it.
    projection = path.with_suffix(".prj"), path.with_name(f"{path.name}.aux.xml")
    return placed if path.suffix == ".tif" else placed + projection


def world_file(window: Window) -> str:
    """Six lines: pixel size, two rotations of none, pixel size downwards, the top-left pixel's centre."""
    east, south = window.pixel_size
    values = (east, 0.0, 0.0, -south, window.box.west + east / 2, window.box.north - south / 2)
    return "".join(f"{value!r}\n" for value in values)


def footprint(window: Window, file: str, facts: dict[str, Any]) -> dict[str, Any]:
    """The outline of a picture as a GeoJSON feature."""
    return outline(file, window.bounds, facts)


def outline(file: str, bounds: Sequence[float], facts: dict[str, Any]) -> dict[str, Any]:
    """A feature of ``bounds`` (west, south, east, north), cut in two at the date line (RFC 7946, 3.1.9)."""
    # What only touches the line lies on one side of it, however its last digit was rounded.
    west, south, east, north = (round(edge, 9) for edge in bounds)
    rings = [_ring(west, south, east, north)]
    if east > 180:
        rings = [_ring(west, south, 180.0, north), _ring(-180.0, south, east - 360, north)]
    elif west < -180:
        rings = [_ring(west + 360, south, 180.0, north), _ring(-180.0, south, east, north)]
    shape: dict[str, Any] = {"type": "Polygon", "coordinates": rings[:1]}
    if len(rings) > 1:
        shape = {"type": "MultiPolygon", "coordinates": [[ring] for ring in rings]}
    return {"type": "Feature", "properties": {"file": file, **facts}, "geometry": shape}


def footprints(features: Sequence[dict[str, Any]]) -> str:
    """All outlines as one GeoJSON text."""
    return json.dumps({"type": "FeatureCollection", "features": list(features)}, ensure_ascii=False) + "\n"


def _ring(west: float, south: float, east: float, north: float) -> list[list[float]]:
    corners = [(west, south), (east, south), (east, north), (west, north), (west, south)]
    return [[round(lon, 9), lat] for lon, lat in corners]


def _tags(window: Window, facts: dict[str, Any]) -> TiffImagePlugin.ImageFileDirectory_v2:
    east, south = window.pixel_size
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    tags[_PIXEL_SCALE] = (east, south, 0.0)
    tags.tagtype[_PIXEL_SCALE] = 12  # double
    tags[_TIE_POINT] = (0.0, 0.0, 0.0, window.box.west, window.box.north, 0.0)
    tags.tagtype[_TIE_POINT] = 12
    tags[_DIRECTORY] = _KEYS
    tags.tagtype[_DIRECTORY] = 3  # short
    tags[_CITATION] = _NAME
    tags.tagtype[_CITATION] = 2  # text
    tags[_DESCRIPTION] = _ascii(str(facts.get("source", "")))
    tags[_COPYRIGHT] = _ascii(str(facts.get("attribution", "")))
    return tags


def _ascii(text: str) -> str:
    return text.replace("©", "(c)").encode("ascii", "replace").decode()
