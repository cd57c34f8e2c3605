"""A tile server (XYZ, ArcGIS, TMS), with every rule and fault that such servers have."""

import hashlib
import io
import math
import re

from PIL import Image, ImageDraw

from techniques.aerial.grid import Box, LonLat, Tile, pixel
from techniques.aerial.testkit.paint import Painter, encoded
from techniques.datasets.clock import Clock
from techniques.datasets.testkit.server import Asked, Reply, Server, Window

__all__ = ["FakeTiles", "blocked_picture"]

_PATH = re.compile(r"/(\d+)/(\d+)/(\d+)(@2x)?\.(png|jpg)")
_STRANGER = re.compile(
    r"^$|^(Python-urllib|python-requests|python-httpx|curl|Wget|Java|okhttp)|Mozilla/", re.IGNORECASE
)
_CONTACT = re.compile(r"[^\s()@]+@[^\s()@]+\.[^\s()@]+|https?://[^\s()]+")


class FakeTiles(Server):
    """``order`` is how the path counts: ``zxy``, ``zyx`` as ArcGIS, or ``tms`` with y from the south."""

    def __init__(
        self,
        paint: Painter = encoded,
        *,
        tile_size: int = 256,
        deepest: int = 19,
        coverage: Box | None = None,
        outside: Reply | None = None,
        order: str = "zxy",
        identified: bool = False,
        key: str = "",
        rate: tuple[int, float] | None = None,
        at_once: int | None = None,
        max_age: int = 3600,
        clock: Clock | None = None,
    ) -> None:
        super().__init__(clock)
        self.paint, self.tile_size, self.deepest = paint, tile_size, deepest
        self.coverage, self.order, self.identified, self.key = coverage, order, identified, key
        self.outside = outside or Reply(404, b'{"message":"Tile does not exist"}')
        self.strange: dict[Tile, Reply] = {}
        """Other answers for some tiles."""
        self.max_age, self._most = max_age, at_once
        self._window = Window(*rate) if rate else None

    @property
    def template(self) -> str:
        """The address for a record."""
        path = {"zxy": "{z}/{x}/{y}", "zyx": "{z}/{y}/{x}", "tms": "{z}/{x}/{-y}"}[self.order]
        return f"{self.url}/{path}.png" + ("?access_token={key}" if self.key else "")

    @property
    def tiles(self) -> list[Tile]:
        """What was asked for."""
        return [tile for asked in self.asked if (tile := self._tile(asked.path)) is not None]

    def answer(self, asked: Asked) -> Reply:
        """One tile, or why not."""
        if refusal := self._refusal(asked):
            return refusal
        tile = self._tile(asked.path)
        if tile is None:
            return Reply(404, b"Not found", content_type="text/plain")
        if tile in self.strange:
            return self.strange[tile]
        if tile.z > self.deepest or not (0 <= tile.x < 1 << tile.z and 0 <= tile.y < 1 << tile.z):
            return self.refuse("tiles-depth", Reply(404, b'{"message":"Zoom level is too deep"}'))
        if self.coverage is not None and not _touches(tile, self.coverage):
            return self.refuse("tiles-coverage", self.outside)
        return self._picture(asked, self.paint(tile, self.tile_size))

    def _picture(self, asked: Asked, data: bytes) -> Reply:
        mark = f'"{hashlib.sha256(data).hexdigest()[:16]}"'
        headers = {"ETag": mark, "Cache-Control": f"max-age={self.max_age}"}
        if asked.headers.get("if-none-match") == mark:
            return Reply(304, b"", headers)
        kind = "image/jpeg" if data[:2] == b"\xff\xd8" else "image/png"
        return Reply(200, data, headers, kind)

    def _refusal(self, asked: Asked) -> Reply | None:
        if self._most is not None and self._now > self._most:
            return self.refuse("tiles-at-once", Reply(429, b"Too many requests at once"))
        if self.identified and (_STRANGER.search(asked.agent) or not _CONTACT.search(asked.agent)):
            # With status 200, as a picture: a client that does not look takes it for the ground.
            return self.refuse("tiles-agent", Reply(200, blocked_picture(), content_type="image/png"))
        if self.key and asked.query.get("access_token") != self.key:
            text = f'{{"message":"Not Authorized - Invalid Token {asked.query.get("access_token", "")}"}}'
            return self.refuse("tiles-key", Reply(401, text.encode()))
        if self._window is not None and (wait := self._window.take(asked.at)) is not None:
            return self.refuse("tiles-rate", Reply(429, b"", {"Retry-After": str(max(1, math.ceil(wait)))}))
        return None

    def _tile(self, path: str) -> Tile | None:
        match = _PATH.fullmatch(path)
        if match is None:
            return None
        z, first, second = (int(part) for part in match.groups()[:3])
        x, y = (second, first) if self.order == "zyx" else (first, second)
        return Tile(z, x, Tile(z, x, y).flipped if self.order == "tms" else y)


def blocked_picture() -> bytes:
    """What a blocked client gets to see instead of the ground."""
    image = Image.new("RGB", (256, 256), "white")
    ImageDraw.Draw(image).text((40, 120), "403 Access blocked", fill="red")
    written = io.BytesIO()
    image.save(written, "PNG")
    return written.getvalue()


def _touches(tile: Tile, area: Box) -> bool:
    low, high = pixel(LonLat(area.west, area.north), tile.z), pixel(LonLat(area.east, area.south), tile.z)
    return (
        low.x < (tile.x + 1) * 256
        and high.x > tile.x * 256
        and low.y < (tile.y + 1) * 256
        and high.y > tile.y * 256
    )
