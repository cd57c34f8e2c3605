"""What work on a mesh will hold in memory: estimated before it begins, and said in words if it runs out."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from techniques.device import Device
from techniques.errors import BadInputError, WorkFailedError
from techniques.memory import in_words, out_of_memory
from techniques.plans import limit_for

__all__ = ["Budget", "Costs"]


@dataclass(frozen=True)
class Costs:
    """What the work holds, in bytes: for each pixel of all views of a step, each triangle and view, each
    texel, and all that does not grow. Peaks as measured on a processor (``run.json`` has every run's own).
    """

    pixel: float
    triangle: float
    texel: float = 0.0
    fixed: int = 600 << 20


@dataclass(frozen=True)
class Budget:
    """``estimate`` bytes beside the ``limit`` that is there; ``advice`` is what to do about too much."""

    estimate: int
    limit: int
    advice: str

    @classmethod
    def of(
        cls, costs: Costs, device: Device, *, pixels: int, triangles: int, texels: int = 0, advice: str
    ) -> "Budget":
        """The budget of a step over ``pixels`` and ``triangles`` of all its views together.

        Raises:
            BadInputError: it will not fit.
        """
        grown = costs.pixel * pixels + costs.triangle * triangles + costs.texel * texels
        made = cls(int(costs.fixed + grown), limit_for(None, device), advice)
        if made.estimate > made.limit:
            raise BadInputError(
                f"This takes about {in_words(made.estimate)} of memory, and there are "
                f"{in_words(made.limit)}. {advice}"
            )
        return made

    def __str__(self) -> str:
        return f"Memory: about {in_words(self.estimate)} of {in_words(self.limit)}."

    def record(self) -> dict[str, Any]:
        """For ``run.json``."""
        return {"limit_mb": self.limit >> 20, "estimate_mb": self.estimate >> 20}

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Say in one line if memory runs out in this block after all.

        Raises:
            WorkFailedError: it did; the last checkpoint is still there.
        """
        try:
            yield
        except (MemoryError, RuntimeError) as error:
            if not out_of_memory(error):
                raise
            raise WorkFailedError(
                f"Memory ran out, though about {in_words(self.estimate)} of {in_words(self.limit)} should "
                f"have done. {self.advice}"
            ) from error
