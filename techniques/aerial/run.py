"""From windows to placed pictures on disk; may be run again, and then makes only what is missing."""

from collections import Counter, deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from PIL import Image

from techniques.aerial.grid import Tile
from techniques.aerial.mosaic import Cut, TileError, cut, is_flat, needed, repeated
from techniques.aerial.placing import beside, footprint, footprints, save
from techniques.aerial.record import facts_of, row_of, write_sheets
from techniques.aerial.services import Service
from techniques.aerial.tiles import Got, Tiles
from techniques.aerial.windows import Window
from techniques.datasets.client import Client
from techniques.datasets.errors import BlockedError, ContactNeededError, RateLimitedError, SourceError
from techniques.datasets.manifest import Manifest
from techniques.datasets.places import settle
from techniques.datasets.rows import rows
from techniques.errors import BadInputError
from techniques.files import sha256_of, write_text

__all__ = ["Made", "Order", "files_of_one", "make", "make_one", "refuse_others"]

_WORKERS = 8
_AHEAD = 64  # tiles under way at most

Progress = Callable[[int, int], None]
"""Called with how many pictures are done, and how many there will be."""


@dataclass(frozen=True)
class Order:
    """How pictures are made; ``suffix`` is one of `placing.SUFFIXES`."""

    suffix: str = ".tif"
    max_overzoom: int = 0
    keep_blank: bool = False


@dataclass(frozen=True)
class Made:
    """What came of it: ``kept`` counts pictures (or pairs), ``reasons`` what could not be made."""

    kept: int
    reasons: dict[str, int]
    examples: dict[str, str]
    """The first explanation for each reason."""
    overzoomed: int
    dropped: int = 0
    """Those that a person has thrown out, which stay out."""
    stopped: str = ""
    """Why the rest was not tried, if it was not."""


def make(
    pairs: list[tuple[Window, ...]],
    layers: list[Tiles],
    root: Path,
    client: Client,
    order: Order,
    progress: Progress,
) -> Made:
    """Make a picture of each window of each pair, in the window's folder; a pair is kept whole or not at all.

    Each tuple has one window a layer, all of the same ground. Raises `manifest.InUseError` if another run
    is at work in ``root``.
    """
    root.mkdir(parents=True, exist_ok=True)
    with Manifest(root) as manifest:
        settle(manifest, root)
        run = _Run(root, manifest, layers, client, order)
        made = run.all(pairs, progress)
        write_sheets(root)
    return made


def refuse_others(pairs: list[tuple[Window, ...]], services: list[Service], root: Path) -> None:
    """Refuse to make a picture where one of another service lies: a name says the place, not the source.

    Of another format, too: its side-car has the same name.

    Raises:
        BadInputError: it would be replaced, or taken for what is asked for now.
    """
    asked = {
        f"{window.label}/{window.name}": service
        for pair in pairs
        for window, service in zip(pair, services, strict=True)
    }
    for row in rows(root):
        service = asked.get(row["source_id"].rpartition(".")[0])
        if service is None or row["status"] not in ("kept", "dropped"):
            continue
        if row["status"] == "kept" and not (root / row["file"]).is_file():
            continue
        if (row["source"], row.get("service", service.identity)) != (service.name, service.identity):
            raise BadInputError(
                f"-o {root}: {row['source_id']} is of another source, {row['source']} "
                f"({row.get('file_url')}). Choose another folder for the pictures of {service.name}."
            )


def files_of_one(path: Path) -> tuple[Path, ...]:
    """Everything that `make_one` writes for ``path``, the footprint last."""
    # Not NAME.geojson: that is what the polygon is called that the picture is asked for with.
    return (path, *beside(path), path.with_suffix(".footprint.geojson"))


def make_one(window: Window, tiles: Tiles, path: Path, order: Order) -> dict[str, Any]:
    """Make one picture at ``path``, and say what is known of it.

    Raises a kind of `SourceError`, or `TileError`.
    """
    known = {tile: tiles.get(tile) for tile in needed(window, tiles.service.tile_size)}
    finished = _cut(window, tiles, known, order)
    _refuse_repeats(tiles, [finished], order)
    facts = facts_of(window, tiles, finished)
    save(path, finished.image, window, facts)
    write_text(files_of_one(path)[-1], footprints([footprint(window, path.name, facts)]))
    return facts


class _Run:
    def __init__(
        self, root: Path, manifest: Manifest, layers: list[Tiles], client: Client, order: Order
    ) -> None:
        self.root, self.manifest, self.layers, self.client, self.order = root, manifest, layers, client, order
        self.reasons: Counter[str] = Counter()
        self.examples: dict[str, str] = {}
        self.made: list[tuple[tuple[Window, ...], list[Cut]]] = []
        self.overzoomed = 0

    def all(self, pairs: list[tuple[Window, ...]], progress: Progress) -> Made:
        """Make what is missing, then take away what turns out to be a placeholder."""
        missing = [pair for pair in pairs if not (self._dropped(pair) or self._there(pair))]
        done = len(pairs) - len(missing)
        stopped = ""
        progress(done, len(pairs))
        with ThreadPoolExecutor(_WORKERS) as pool:
            try:
                for pair, futures in self._ahead(missing, pool):
                    try:
                        self._make(pair, futures)
                    except (TileError, SourceError) as error:
                        self._fail(pair, error)
                        if isinstance(error, BlockedError | RateLimitedError | ContactNeededError):
                            stopped = str(error)
                            self.client.stopped.set()
                            break
                    done += 1
                    progress(done, len(pairs))
            except BaseException:
                self.client.stopped.set()
                raise
        self._take_back_repeats()
        kept = sum(self._there(pair) for pair in pairs)
        dropped = sum(map(self._dropped, pairs))
        return Made(kept, dict(self.reasons), self.examples, self.overzoomed, dropped, stopped)

    def _ahead(
        self, pairs: list[tuple[Window, ...]], pool: ThreadPoolExecutor
    ) -> Iterator[tuple[tuple[Window, ...], list[dict[Tile, Future[Got]]]]]:
        """Each pair with its tiles under way; the next ones' are begun meanwhile."""
        waiting: deque[tuple[tuple[Window, ...], list[dict[Tile, Future[Got]]]]] = deque()
        under_way = 0
        for pair in pairs:
            futures = [
                {tile: pool.submit(tiles.get, tile) for tile in needed(window, tiles.service.tile_size)}
                for window, tiles in zip(pair, self.layers, strict=True)
            ]
            waiting.append((pair, futures))
            under_way += sum(map(len, futures))
            while waiting and under_way > _AHEAD:
                first = waiting.popleft()
                under_way -= sum(map(len, first[1]))
                yield first
        yield from waiting

    def _make(self, pair: tuple[Window, ...], futures: list[dict[Tile, Future[Got]]]) -> None:
        cuts = []
        for window, tiles, asked in zip(pair, self.layers, futures, strict=True):
            known = {tile: future.result() for tile, future in asked.items()}
            cuts.append(_cut(window, tiles, known, self.order))
        for window, tiles, finished in zip(pair, self.layers, cuts, strict=True):
            self._keep(window, tiles, finished)
        self.overzoomed += any(finished.overzoom for finished in cuts)
        # The pixels are on disk; only what repeats is asked about later.
        none = Image.new("RGB", (1, 1))
        self.made.append((pair, [replace(finished, image=none) for finished in cuts]))

    def _keep(self, window: Window, tiles: Tiles, finished: Cut) -> None:
        file = self._file(window)
        facts = facts_of(window, tiles, finished)
        path = self.root / file
        path.parent.mkdir(exist_ok=True)
        # First the picture, then its row: what has no row is made again, to the same bytes.
        save(path, finished.image, window, facts)
        row = row_of(window, tiles, finished, file)
        row |= {"file": file, "status": "kept", "sha256": sha256_of(path)}
        self.manifest.decide(row)

    def _fail(self, pair: tuple[Window, ...], error: TileError | SourceError) -> None:
        reason = error.reason if isinstance(error, TileError) else _word(error)
        self.reasons[reason] += 1
        self.examples.setdefault(reason, f"{pair[0].centre.lat:.5f}, {pair[0].centre.lon:.5f}: {error}")
        for window, tiles in zip(pair, self.layers, strict=True):
            row = row_of(window, tiles, None, self._file(window))
            row |= {"status": "failed", "reason": reason, "why": str(error)}
            self.manifest.decide(row)

    def _take_back_repeats(self) -> None:
        for index, tiles in enumerate(self.layers):
            if tiles.service.kind != "photo" or self.order.keep_blank:
                continue
            same = repeated((cuts[index].tiles, cuts[index].digests) for _, cuts in self.made)
            for pair, cuts in list(self.made):
                if same & set(cuts[index].digests):
                    for window in pair:
                        _remove(self.root / self._file(window))
                    self.made.remove((pair, cuts))
                    text = "several different tiles are the same to the last bit: a 'nothing here' picture"
                    self._fail(pair, TileError("placeholder", text))

    def _there(self, pair: tuple[Window, ...]) -> bool:
        return all(
            self.manifest.decided.get(f"{tiles.service.name}:{self._file(window)}") == "kept"
            and (self.root / self._now(window)).is_file()
            for window, tiles in zip(pair, self.layers, strict=True)
        )

    def _dropped(self, pair: tuple[Window, ...]) -> bool:
        return any(not self._now(window) for window in pair)

    def _now(self, window: Window) -> str:
        """Where its picture belongs since a person has curated the set; empty if it was dropped."""
        file = self._file(window)
        later = self.manifest.places.get(file)
        return file if not later else later[-1].now if later[-1].folder else ""

    def _file(self, window: Window) -> str:
        return f"{window.label}/{window.name}{self.order.suffix}"


def _cut(window: Window, tiles: Tiles, known: dict[Tile, Got], order: Order) -> Cut:
    service = tiles.service
    finished = cut(
        window,
        service.tile_size,
        tiles.get,
        known=known,
        max_overzoom=order.max_overzoom,
        placeholders=service.placeholders,
    )
    if service.kind == "photo" and not order.keep_blank and is_flat(finished.image):
        raise TileError("flat", "it is one flat colour, as pictures of nothing are (--keep-blank takes it)")
    return finished


def _refuse_repeats(tiles: Tiles, cuts: list[Cut], order: Order) -> None:
    looked_at = tiles.service.kind == "photo" and not order.keep_blank
    if looked_at and repeated((one.tiles, one.digests) for one in cuts):
        raise TileError("placeholder", "several different tiles are the same to the last bit")


def _remove(path: Path) -> None:
    for file in (path, *beside(path)):
        file.unlink(missing_ok=True)


def _word(error: SourceError) -> str:
    return {"BlockedError": "blocked", "RateLimitedError": "rate-limited", "TooLargeError": "too-large"}.get(
        type(error).__name__, "unreachable"
    )
