"""What is written down about a picture of the ground: in its side-car, the manifest, and the set's sheets."""

import datetime
from pathlib import Path
from typing import Any

from techniques.aerial.mosaic import Cut
from techniques.aerial.placing import footprints, outline
from techniques.aerial.tiles import Tiles
from techniques.aerial.windows import Window
from techniques.datasets.listing import read_named, write_listing
from techniques.datasets.rows import Row
from techniques.duplicates import as_hex, hash_of
from techniques.files import write_text

__all__ = ["facts_of", "row_of", "write_sheets"]


def facts_of(window: Window, tiles: Tiles, finished: Cut) -> dict[str, Any]:
    """What a picture's side-car says; lengths in metres, places in degrees."""
    service = tiles.service
    east, north = window.ellipsoid_m_per_px
    return {
        "source": service.title,
        "attribution": service.attribution,
        "license": service.licence.name
        if service.licence.slug
        else f"the provider's own terms: {service.terms}",
        "license_url": service.licence.url or service.terms,
        "crs": "EPSG:3857",
        "lat": round(window.centre.lat, 9),
        "lon": round(window.centre.lon, 9),
        "width": window.width,
        "height": window.height,
        "m_per_px": round(window.ground_m_per_px, 9),
        "m_per_px_wgs84": {"east": round(east, 9), "north": round(north, 9)},
        "size_m": [
            round(window.width * window.ground_m_per_px, 6),
            round(window.height * window.ground_m_per_px, 6),
        ],
        "bounds": [round(edge, 9) for edge in window.bounds],
        "bounds_3857": list(window.box),
        "zoom": window.zoom,
        "resampled": not window.exact,
        "overzoom": finished.overzoom,
        "retrieved_at": _now(),
        "tiles": [f"{tile.z}/{tile.x}/{tile.y}" for tile in finished.tiles],
    }


def row_of(window: Window, tiles: Tiles, finished: Cut | None, name: str) -> Row:
    """A row as `collect` writes them, so that the same sheets and reports can be made of it."""
    service, place = tiles.service, window.centre
    title = f"{place.lat:.5f}, {place.lon:.5f}"
    terms = service.licence.name if service.licence.slug else "the provider's own terms"
    row: Row = {
        "class": window.label,
        "query": window.name,
        "source": service.name,
        "source_id": name,
        "service": service.identity,
        "file_url": service.url,
        "page_url": f"{service.terms}#{title.replace(' ', '')}" if service.terms else "",
        "title": title,
        "creator": "",
        "creator_url": "",
        "license": service.licence.slug,
        "license_version": service.licence.version,
        "license_url": service.licence.url or service.terms,
        "attribution": f"{title}: {service.attribution}, {terms}",
        "license_source_field": "services.yaml",
        "license_checked_at": _now(),
        "reason": "",
        "why": "",
        "lat": place.lat,
        "lon": place.lon,
        "bounds": list(window.bounds),
        "m_per_px": window.ground_m_per_px,
        "zoom": window.zoom,
    }
    if finished is not None:
        row |= {
            "retrieved_at": _now(),
            "width": window.width,
            "height": window.height,
            "phash": as_hex(hash_of(finished.image)),
            "edits": "" if window.exact else "resampled",
            "overzoom": finished.overzoom,
        }
    return row


def write_sheets(root: Path) -> None:
    """Make the credits and the outlines of the set in ``root`` anew."""
    kept = write_listing(root, read_named(root), page=False)
    placed = [row for row in kept if isinstance(row.get("bounds"), list)]
    write_text(
        root / "footprints.geojson",
        footprints([outline(row["file"], row["bounds"], _shown(row)) for row in placed]),
    )


def _shown(row: Row) -> Row:
    """What a footprint says of its picture."""
    return {name: row.get(name) for name in ("class", "source", "m_per_px", "zoom", "attribution")}


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
