"""Fetching tiles by their service's rules, through the cache."""

import hashlib
from dataclasses import dataclass, replace
from urllib.parse import urlencode, urlsplit

from techniques.aerial.cache import Cache, Kept, lifetime
from techniques.aerial.decoding import decodes
from techniques.aerial.grid import HALF, Tile
from techniques.aerial.services import Service
from techniques.aerial.wmts import CapabilitiesError, Layout, exception_in, layout
from techniques.datasets.client import Client
from techniques.datasets.errors import (
    BlockedError,
    GoneError,
    PageChangedError,
    SourceError,
    UnreachableError,
)
from techniques.datasets.robots import forbids_training

__all__ = ["Got", "Tiles", "opened"]

_MOST_BYTES = 5_000_000
_CAPABILITIES = 30_000_000


@dataclass(frozen=True)
class Got:
    """A tile's bytes (none: there is no such tile), and how the service marks them."""

    tile: Tile
    data: bytes
    etag: str
    cached: bool

    @property
    def digest(self) -> str:
        """SHA-256 of the bytes."""
        return hashlib.sha256(self.data).hexdigest()


class Tiles:
    """The tiles of one service; `opened` makes it. Thread-safe as the client is."""

    def __init__(
        self, service: Service, client: Client, *, cache: Cache | None, key: str, plan: Layout | None
    ) -> None:
        self.service = service if plan is None else replace(service, tile_size=plan.tile_size)
        self._client, self._key, self._plan = client, key, plan
        self._cache = cache if service.cache_days > 0 else None
        self.offline = False
        """Take what is kept, however old, and ask nobody."""
        self.allow_noai = False
        """Also take tiles whose host asks not to train on them."""

    def kept(self, tile: Tile) -> bool:
        """Whether ``tile`` would not be asked for."""
        kept = self._cache.get(tile) if self._cache else None
        return kept is not None and (self.offline or kept.fresh(self._client.clock.time()))

    def get(self, tile: Tile) -> Got:
        """The tile; raises a kind of `SourceError`, its text without the key."""
        kept = self._cache.get(tile) if self._cache else None
        now = self._client.clock.time()
        if kept is not None and (self.offline or kept.fresh(now)):
            return Got(tile, kept.data, kept.etag, cached=True)
        if self.offline:
            raise UnreachableError("it is not in the cache, and --offline asks nobody")
        if self._plan is not None and not self._plan.has(tile):
            return Got(tile, b"", "", cached=False)
        try:
            return self._ask(tile, kept, now)
        except UnreachableError:
            if kept is None:
                raise
            return Got(tile, kept.data, kept.etag, cached=True)
        except SourceError as error:
            error.args = tuple(self._without_key(str(part)) for part in error.args)
            raise

    def _ask(self, tile: Tile, kept: Kept | None, now: float) -> Got:
        headers = {"Accept": "image/*"}
        if kept is not None and kept.etag:
            headers["If-None-Match"] = kept.etag
        elif kept is not None and kept.modified:
            headers["If-Modified-Since"] = kept.modified
        try:
            answer, data = self._client.fetch(self._address(tile), max_bytes=_MOST_BYTES, headers=headers)
        except GoneError:
            return self._keep(Kept(b"", at=now), "", missing=True, tile=tile)
        except BlockedError as error:
            # A WMTS says with status 400 that its picture ends here.
            if "TileOutOfRange" in str(error):
                return self._keep(Kept(b"", at=now), "", missing=True, tile=tile)
            raise
        if forbids_training(answer.headers.get("x-robots-tag", "")) and not self.allow_noai:
            text = "asks not to train on its pictures (X-Robots-Tag; --accept-noai takes them)"
            raise BlockedError(f"{self.service.name} {text}", answer.status)
        control = answer.headers.get("cache-control", "")
        if answer.status == 304 and kept is not None:
            return self._keep(replace(kept, at=now), control, missing=not kept.data, tile=tile)
        if problem := exception_in(data):
            raise BlockedError(f"{self.service.name} refuses: {problem[:200]}", answer.status)
        new = Kept(data, answer.headers.get("etag", ""), answer.headers.get("last-modified", ""), at=now)
        return self._keep(new, control, missing=not data, tile=tile)

    def _keep(self, kept: Kept, control: str, *, missing: bool, tile: Tile) -> Got:
        span = lifetime(control, self.service, missing=missing)
        if self._cache is not None and span > 0 and (missing or decodes(kept.data, self.service.tile_size)):
            self._cache.keep(tile, replace(kept, until=kept.at + span))
        return Got(tile, kept.data, kept.etag, cached=False)

    def _address(self, tile: Tile) -> str:
        if self._plan is not None:
            return self._plan.address(tile)
        if self.service.type == "wms":
            return _map_address(self.service, tile, self._key)
        return self.service.address(tile, self._key)

    def _without_key(self, text: str) -> str:
        return text.replace(self._key, "(your key)") if self._key else text


def opened(
    service: Service,
    client: Client,
    *,
    cache: Cache | None,
    key: str = "",
    offline: bool = False,
    allow_noai: bool = False,
) -> Tiles:
    """The tiles of ``service``, after asking a WMTS what it offers; raises a kind of `SourceError`."""
    plan = None
    client.rules.update(service.hosts)
    if service.type == "wmts":
        plan = _described(service, client, cache, offline=offline)
        client.rules[urlsplit(plan.template).netloc] = service.rule
    tiles = Tiles(service, client, cache=cache, key=key, plan=plan)
    tiles.offline, tiles.allow_noai = offline, allow_noai
    return tiles


def _described(service: Service, client: Client, cache: Cache | None, *, offline: bool) -> Layout:
    place = Tile(-1, 0, 0)  # of the description in the cache; no tile has it
    kept = cache.get(place) if cache else None
    now = client.clock.time()
    if kept is None or not (offline or kept.fresh(now)):
        if offline:
            raise UnreachableError(f"the description of {service.name} is not in the cache")
        asked = {"SERVICE": "WMTS", "REQUEST": "GetCapabilities", "VERSION": "1.0.0"}
        address = service.url
        if not address.endswith(".xml"):
            address = f"{address.rstrip('?&')}{'&' if '?' in address else '?'}{urlencode(asked)}"
        answer, document = client.fetch(address, max_bytes=_CAPABILITIES)
        kept = Kept(document, at=now)
        span = lifetime(answer.headers.get("cache-control", ""), service, missing=True)
        if cache and span > 0:
            cache.keep(place, replace(kept, until=now + span))
    if problem := exception_in(kept.data):
        raise BlockedError(f"{service.name} refuses: {problem[:200]}", 200)
    try:
        return layout(
            kept.data,
            service.url,
            layer=service.layer,
            style=service.style,
            format_=service.format,
            matrix_set=service.matrix_set,
        )
    except CapabilitiesError as error:
        raise PageChangedError(f"{service.name}: {error}") from error
    except (ValueError, TypeError, OverflowError) as error:
        raise PageChangedError(f"{service.name} describes itself with numbers that are none") from error


def _map_address(service: Service, tile: Tile, key: str) -> str:
    """A WMS 1.3.0 GetMap request (OGC 06-042) for exactly one tile of our grid."""
    side = 2 * HALF / (1 << tile.z)
    west, north = tile.x * side - HALF, HALF - tile.y * side
    asked = {
        "SERVICE": "WMS",
        "VERSION": "1.3.0",
        "REQUEST": "GetMap",
        "LAYERS": service.layer,
        "STYLES": service.style,
        "CRS": "EPSG:3857",
        "BBOX": f"{west!r},{north - side!r},{west + side!r},{north!r}",
        "WIDTH": service.tile_size,
        "HEIGHT": service.tile_size,
        "FORMAT": service.format or "image/png",
    }
    address = service.url.replace("{key}", key)
    return f"{address.rstrip('?&')}{'&' if '?' in address else '?'}{urlencode(asked)}"
