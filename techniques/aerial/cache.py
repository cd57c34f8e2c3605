"""Tiles kept on disk between runs, as long as their service allows."""

import json
import os
import re
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from techniques.aerial.grid import Tile
from techniques.aerial.services import Service

__all__ = ["Cache", "Kept", "cache_folder", "lifetime"]

_MISSING_DAYS = 1.0  # a hole may be filled
_DAY = 86400.0
_SKEW = 60.0  # seconds by which a kept tile may come from the future before the clock is not believed


@dataclass(frozen=True)
class Kept:
    """A tile as it came, or that there was none (no ``data``); times in seconds since 1970."""

    data: bytes
    etag: str = ""
    modified: str = ""
    at: float = 0.0
    until: float = 0.0

    def fresh(self, now: float) -> bool:
        """Whether it need not be asked for; one from the future is not believed (the clock was set back)."""
        return self.at <= now + _SKEW and now < self.until


def cache_folder() -> Path:
    """``deepdesign/tiles`` in the user's cache."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    root = Path(base) if base and Path(base).is_absolute() else Path.home() / ".cache"
    return root / "deepdesign" / "tiles"


def lifetime(control: str, service: Service, *, missing: bool) -> float:
    """Seconds for which an answer with this Cache-Control may be kept (RFC 9111), within the terms' limit."""
    most = min(service.cache_days, _MISSING_DAYS if missing else service.cache_days) * _DAY
    if most <= 0 or re.search(r"\bno-store\b", control):
        return 0.0
    if re.search(r"\bno-cache\b", control):
        return 1e-9  # kept, but asked about every time
    match = re.search(r"\bmax-age=(\d+)", control)
    return min(most, float(match.group(1))) if match else min(most, 7 * _DAY)


class Cache:
    """The tiles of one service. Its folder's name has the address without any key."""

    def __init__(self, root: Path, service: Service) -> None:
        self.folder = root / f"{re.sub(r'[^a-z0-9-]', '_', service.name.lower())}-{service.identity}"

    def get(self, tile: Tile) -> Kept | None:
        """What is kept; a file that was cut short counts as none."""
        try:
            head, _, data = self._path(tile).read_bytes().partition(b"\n")
            facts = json.loads(head)
            if len(data) != facts.pop("bytes"):
                return None
            return Kept(data, **facts)
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            return None

    def keep(self, tile: Tile, kept: Kept) -> None:
        """Keep a tile; a cache that cannot be written is no reason to stop."""
        path = self._path(tile)
        facts = {**asdict(kept), "bytes": len(kept.data)}
        del facts["data"]
        draft = path.with_name(f".{path.name}.{os.getpid()}.part")
        with suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                draft.write_bytes(json.dumps(facts).encode() + b"\n" + kept.data)
                draft.replace(path)
            finally:
                draft.unlink(missing_ok=True)

    def trim(self, most_bytes: int) -> None:
        """Throw the oldest tiles away until the rest takes at most ``most_bytes``."""
        with suppress(OSError):
            found = sorted(
                ((path.stat().st_mtime, path.stat().st_size, path) for path in self.folder.rglob("*.tile")),
                reverse=True,
            )
            total = 0
            for _, size, path in found:
                total += size
                if total > most_bytes:
                    path.unlink(missing_ok=True)

    def _path(self, tile: Tile) -> Path:
        return self.folder / str(tile.z) / str(tile.x) / f"{tile.y}.tile"
