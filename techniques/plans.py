"""The memory plan of an optimisation over a picture: whole, or in tiles, decided before the work begins."""

import ctypes
import gc
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeVar

import torch

from techniques.device import Device
from techniques.errors import BadInputError, WorkFailedError
from techniques.memory import available, in_words, out_of_memory, parse_memory

__all__ = ["LADDER", "Costs", "Planner", "Way", "limit_for", "restored"]

T = TypeVar("T")
Size = tuple[int, int]

_SHARE = 0.85  # of what is free: other programs breathe too
_M_MMAP_THRESHOLD, _LARGE_BLOCK = -3, 1 << 20  # malloc.h's number, and bytes
_PICTURE = 12  # bytes a pixel: three float32


@dataclass(frozen=True)
class Way:
    """How a picture is computed: in tiles of ``tile`` px a side (None: whole), with activations kept or
    computed twice.
    """

    tile: int | None = None
    checkpointed: bool = False

    def __str__(self) -> str:
        shape = "whole" if self.tile is None else f"in tiles of {self.tile} px"
        return f"{shape}, activations computed twice" if self.checkpointed else shape


LADDER = (
    Way(),
    Way(checkpointed=True),
    *(Way(tile) for tile in (2048, 1536, 1024, 768, 512, 384, 256, 192, 128)),
    Way(128, checkpointed=True),
    Way(64, checkpointed=True),
)
"""From the fastest way to the one that takes least memory."""


@dataclass(frozen=True)
class Costs:
    """What the work holds, in bytes.

    ``pixel`` and ``pixel_checkpointed`` are the peak of one evaluation, for each pixel computed at a time
    (halo included); ``copies`` are the pictures that optimiser and loop keep; ``targets`` what is kept for
    each pixel of the whole picture beside them; ``fixed`` all that does not grow.
    """

    pixel: float
    pixel_checkpointed: float
    halo: int
    copies: float
    targets: float
    fixed: int

    def of(self, size: Size, way: Way) -> int:
        """The peak for a picture of ``size`` (width, height)."""
        width, height = size
        if way.tile is not None:
            width, height = min(width, way.tile + 2 * self.halo), min(height, way.tile + 2 * self.halo)
        one = self.pixel_checkpointed if way.checkpointed else self.pixel
        kept = size[0] * size[1] * (self.copies * _PICTURE + self.targets)
        return int(self.fixed + kept + width * height * one)


class Planner:
    """Chooses the way for each size, and a thriftier one when memory runs out after all.

    ``limit`` is bytes in all. ``lowest`` is the first rung of ``LADDER`` that is still tried: with the limit
    it says all that decides, so that a resumed run takes the same ways.
    """

    def __init__(self, limit: int, costs: Costs, *, lowest: int = 0) -> None:
        self.limit, self.costs, self.lowest = limit, costs, lowest
        self.changes: list[str] = []

    def way(self, size: Size) -> Way:
        """The fastest way that should fit; the thriftiest if none does."""
        rungs = self._rungs(size)
        return next((rung for rung in rungs if self.costs.of(size, rung) <= self.limit), rungs[-1])

    def require(self, size: Size, advice: str) -> None:
        """Refuse a picture that will not fit in any way.

        Raises:
            BadInputError: the message ends with ``advice``.
        """
        least = self.costs.of(size, self.way(size))
        if least > self.limit:
            raise BadInputError(
                f"{size[0]} x {size[1]} px take about {in_words(least)} of memory even in small tiles, and "
                f"there are {in_words(self.limit)}. {advice}"
            )

    def attempt(self, size: Size, work: Callable[[Way], T], announce: Callable[[str], None]) -> T:
        """Do ``work``; whenever memory runs out, take a step down, say so, and do it again.

        Raises:
            WorkFailedError: there is no thriftier way.
        """
        while True:
            way = self.way(size)
            try:
                return work(way)
            except (MemoryError, RuntimeError) as error:
                if not out_of_memory(error):
                    raise
            # Behind the handler, because its traceback holds on to the memory.
            self._step_down(size, way)
            _give_back()
            self.changes.append(f"{size[0]} x {size[1]}: {self.way(size)}")
            announce(f"Memory ran out; going on {self.way(size)}.")

    def state(self) -> dict[str, int]:
        """What a resumed run has to know."""
        return {"limit": self.limit, "lowest": self.lowest}

    def record(self, size: Size) -> dict[str, Any]:
        """For ``run.json``: the plan of ``size``, and what became of it."""
        way = self.way(size)
        return {
            "limit_mb": self.limit >> 20,
            "estimate_mb": self.costs.of(size, way) >> 20,
            "tile": way.tile,
            "checkpointed": way.checkpointed,
            "changes": list(self.changes),
        }

    def describe(self, size: Size) -> str:
        """One line for the person who waits."""
        way = self.way(size)
        return f"Memory: about {in_words(self.costs.of(size, way))} of {in_words(self.limit)}, {way}."

    def _rungs(self, size: Size) -> list[Way]:
        useful = [rung for rung in LADDER if rung.tile is None or rung.tile < max(size)]
        return [rung for rung in useful if LADDER.index(rung) >= self.lowest] or useful[-1:]

    def _step_down(self, size: Size, way: Way) -> None:
        rungs = self._rungs(size)
        if way == rungs[-1]:
            raise WorkFailedError(
                f"There is not enough memory for {size[0]} x {size[1]} px, even {way}. "
                "Choose a smaller --size."
            )
        self.lowest = LADDER.index(rungs[rungs.index(way) + 1])


def _give_back() -> None:
    # A way back that failed leaves tasks in the autograd engine's queue, which hold the graph with all of its
    # activations until the next way back on this thread sweeps them out.
    torch.zeros((), requires_grad=True).mul(1).backward()  # type: ignore[no-untyped-call]
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    with suppress(OSError, AttributeError):  # another C library than glibc
        library = ctypes.CDLL(None)
        # Left to itself glibc comes to keep blocks of up to 32 MB side by side, and the holes between them
        # fit no block of another tile's size. From now on large ones are mapped, and given back, one by one.
        library.mallopt(_M_MMAP_THRESHOLD, _LARGE_BLOCK)
        library.malloc_trim(0)  # what the failed attempt left is freed, but not given back


def limit_for(asked: str | None, device: Device) -> int:
    """The bytes that a run may hold: what ``--memory`` says, else most of what is free on ``device``.

    Raises:
        BadInputError: ``asked`` is not an amount.
    """
    if asked:
        return parse_memory(asked)
    if device.kind == "cuda":
        free, _ = torch.cuda.mem_get_info()
        return int(_SHARE * (free + torch.cuda.memory_reserved()))
    return int(_SHARE * available())


def restored(saved: Mapping[str, int] | None, limit: int, costs: Costs, *, forced: bool) -> Planner:
    """The planner of a new run, or of one resumed from ``saved``; a ``forced`` other limit is a new plan."""
    if saved is None or (forced and saved["limit"] != limit):
        return Planner(limit, costs)
    return Planner(saved["limit"], costs, lowest=saved["lowest"])
