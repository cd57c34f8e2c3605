"""The records of `services.yaml` as values: who offers pictures of the ground, and on which terms."""

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import yaml

from techniques.aerial.grid import Box, Tile
from techniques.datasets.licences import Licence, named
from techniques.datasets.pace import HostRule
from techniques.errors import BadInputError

__all__ = ["Service", "at_address", "load", "parse", "shipped"]

_TYPES, _KINDS = ("xyz", "wmts", "wms"), ("photo", "map")
_NEEDED = ("name", "kind", "type", "url", "zoom", "attribution", "license")
_KNOWN = {
    *_NEEDED,
    *(
        "title",
        "areas",
        "license_version",
        "license_url",
        "terms",
        "note",
        "key",
        "contact",
        "rate",
        "at_once",
    ),
    *("cache_days", "most_tiles", "tile_size", "default", "layer", "style", "format", "matrix_set", "time"),
    *("placeholders",),
}
_SECRET = re.compile(r"key|token|secret|passw|credential|signature|^sig$|^auth", re.IGNORECASE)
_SUBDOMAINS = "abc"  # that {s} stands for
_WORLD = Box(-180.0, -85.06, 180.0, 85.06)


@dataclass(frozen=True)
class Service:
    """One source of tiles; see the head of ``services.yaml`` for what each field means."""

    name: str
    title: str
    kind: str
    type: str
    url: str
    first_zoom: int
    last_zoom: int
    areas: tuple[Box, ...]
    licence: Licence
    attribution: str
    terms: str = ""
    note: str = ""
    key: str = ""
    rule: HostRule = field(default_factory=HostRule)
    cache_days: float = 0.0
    most_tiles: int | None = None
    tile_size: int = 256
    default: bool = False
    layer: str = ""
    style: str = ""
    format: str = ""
    matrix_set: str = ""
    time: str = ""
    identity: str = ""
    """What tells its pictures from those of another service of its name."""
    placeholders: frozenset[str] = frozenset()
    """ETags and SHA-256 of tiles that mean "nothing here"."""

    def covers(self, box: Box) -> bool:
        """Whether one of its areas contains ``box`` (degrees) whole."""
        return any(
            area.west <= box.west + turn
            and area.east >= box.east + turn
            and area.south <= box.south
            and area.north >= box.north
            for area in self.areas
            for turn in (0.0, 360.0, -360.0)
        ) or any(
            area.east - area.west >= 360 and area.south <= box.south and area.north >= box.north
            for area in self.areas
        )

    @property
    def hosts(self) -> dict[str, HostRule]:
        """What each host of its addresses asks of its clients; those of {s} are one operator's."""
        host = urlsplit(self.url).netloc
        if "{s}" not in host:
            return {host: self.rule}
        rule = replace(self.rule, operator=host)
        return {host.replace("{s}", letter): rule for letter in _SUBDOMAINS}

    def level(self, zoom: int) -> int:
        """Its own number for ``zoom``: a world of larger tiles has as many pixels one level earlier."""
        return zoom - (self.tile_size // 256).bit_length() + 1

    def address(self, tile: Tile, key: str = "") -> str:
        """The URL of ``tile`` for a service of type xyz."""
        return (
            self.url.replace("{z}", str(tile.z))
            .replace("{x}", str(tile.x))
            .replace("{y}", str(tile.y))
            .replace("{-y}", str(tile.flipped))
            .replace("{q}", tile.quadkey)
            .replace("{r}", "@2x" if self.tile_size == 512 else "")
            .replace("{s}", _SUBDOMAINS[(tile.x + tile.y) % len(_SUBDOMAINS)])
            .replace("{time}", self.time)
            .replace("{key}", key)
        )


def shipped() -> dict[str, Service]:
    """The services that we know, by name."""
    text = files(__package__).joinpath("services.yaml").read_text(encoding="utf-8")
    return parse(text, "services.yaml")


def at_address(url: str) -> Service:
    """A service of type xyz at ``url``, of which nothing else is known: no licence, and a considerate pace.

    Raises:
        BadInputError: it is no address with {z}, {x} and {y}, or has a key in it.
    """
    host = urlsplit(url).hostname or "an address"
    if secret := _secret_in(url):
        raise BadInputError(
            f"--source {host}: the address has a secret in it ({secret}), which every record of its pictures "
            "would show. Put it into a file for --services as docs/aerial.md says, with {key} in its place."
        )
    record = {
        "name": host,
        "kind": "photo",
        "type": "xyz",
        "url": url,
        "zoom": [0, 22],
        "license": "",
        "attribution": f"{host} (its licence is not known)",
        "note": "nobody has said under which licence it stands: ask before you publish",
    }
    return parse(yaml.safe_dump([record]), "--source")[host]


def load(path: Path) -> dict[str, Service]:
    """The services of a user's own file.

    Raises:
        BadInputError: it cannot be read, or a record is wrong.
    """
    try:
        return parse(path.read_text(encoding="utf-8"), str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise BadInputError(f"--services {path} cannot be read: {error}.") from error


def parse(text: str, where: str) -> dict[str, Service]:
    """The records of ``text``.

    Raises:
        BadInputError: it is no list of records, or one of them is wrong; the message names it.
    """
    try:
        read = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise BadInputError(f"{where} is no YAML: {' '.join(str(error).split())[:120]}.") from error
    if not isinstance(read, list) or not all(isinstance(record, dict) for record in read):
        raise BadInputError(f"{where} must be a list of records, each with name, url and so on.")
    found = {}
    for record in read:
        name = str(record.get("name", "without a name"))
        try:
            found[name] = _service(record)
        except (ValueError, TypeError, KeyError) as error:
            raise BadInputError(
                f"{where}, record {name}: {error}. See docs/aerial.md for its form."
            ) from error
    return found


def _service(record: Mapping[str, Any]) -> Service:
    _check(record.keys())
    kind, form = str(record["kind"]), str(record["type"])
    if kind not in _KINDS or form not in _TYPES:
        raise ValueError(f"kind is one of {', '.join(_KINDS)}, and type one of {', '.join(_TYPES)}")
    url = str(record["url"])
    if not url.startswith(("http://", "https://")):
        raise ValueError("url must begin with https:// or http://")
    if secret := _secret_in(url):
        raise ValueError(
            f"url has a secret in it ({secret}): put {{key}} in its place, and into key: the name of the "
            "environment variable that holds it"
        )
    if (
        form == "xyz"
        and not ("{z}" in url and "{x}" in url and ("{y}" in url or "{-y}" in url))
        and "{q}" not in url
    ):
        raise ValueError("url needs {z}, {x} and {y} (or {-y}, or {q})")
    size = int(record.get("tile_size", 256))
    if size not in (256, 512, 1024):
        raise ValueError("tile_size is 256, 512 or 1024")
    first, last = (int(zoom) for zoom in record["zoom"])
    if not 0 <= first <= last <= 24:
        raise ValueError("zoom is a first and a last level in 0..24")
    count, seconds = record.get("rate", (120, 60))
    areas = tuple(Box(*(float(edge) for edge in area)) for area in record.get("areas", [])) or (_WORLD,)
    return Service(
        name=str(record["name"]),
        title=str(record.get("title", record["name"])),
        kind=kind,
        type=form,
        url=url,
        first_zoom=first,
        last_zoom=last,
        areas=areas,
        licence=named(
            str(record["license"] or ""),
            version=str(record.get("license_version", "")),
            url=str(record.get("license_url", "")),
        ),
        attribution=str(record["attribution"]),
        terms=str(record.get("terms", "")),
        note=str(record.get("note", "")),
        key=str(record.get("key", "")),
        rule=HostRule(
            rates=((int(count), float(seconds)),),
            concurrency=int(record.get("at_once", 2)),
            needs_contact=bool(record.get("contact", False)),
            api=True,
        ),
        cache_days=float(record.get("cache_days", 0)),
        most_tiles=None if record.get("most_tiles") is None else int(record["most_tiles"]),
        tile_size=size,
        default=bool(record.get("default", False)),
        layer=str(record.get("layer", "")),
        style=str(record.get("style", "")),
        format=str(record.get("format", "")),
        matrix_set=str(record.get("matrix_set", "")),
        time=str(record.get("time", "")),
        identity=_identity(record),
        placeholders=frozenset(str(mark) for mark in record.get("placeholders", [])),
    )


def _identity(record: Mapping[str, Any]) -> str:
    """Tiles of another address, layer, style or date are other tiles. No key: an address has none in it."""
    fields = ("url", "layer", "style", "matrix_set", "time")
    plain = "|".join(str(record.get(name, "")) for name in fields)
    return hashlib.sha256(plain.encode()).hexdigest()[:12]


def _secret_in(url: str) -> str:
    """What in ``url`` is called like a secret and is no place for one; nothing if all of it is public."""
    parts = urlsplit(url)
    if parts.username or parts.password:
        return "a name or password before the host"
    named = parse_qsl(parts.query)
    return next((name for name, value in named if _SECRET.search(name) and "{key}" not in value), "")


def _check(names: Iterable[str]) -> None:
    given = set(names)
    if missing := [name for name in _NEEDED if name not in given]:
        raise ValueError(f"{', '.join(missing)} missing")
    if unknown := sorted(given - _KNOWN):
        raise ValueError(f"{unknown[0]} is no field of a record")
