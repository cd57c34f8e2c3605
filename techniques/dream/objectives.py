"""What a dream goes after, as values that can be weighted and added.

Each is something in a network that is to become large: the logit of a class, a layer, one of its channels or
neurons. A negative weight makes it small instead.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol, Self

from torch import Tensor

from techniques.errors import BadInputError

__all__ = ["ClassLogit", "Goal", "Layer", "value_of"]


class Goal(Protocol):
    """What a dream asks of a goal."""

    @property
    def name(self) -> str:
        """How people call it."""

    @property
    def weight(self) -> float:
        """Its share in the sum."""

    @property
    def layers(self) -> tuple[str, ...]:
        """The modules whose activations it looks at."""

    def __call__(self, logits: Tensor, activations: Mapping[str, Tensor]) -> Tensor:
        """How far it is reached, a scalar, from ``logits`` (N, classes) and ``activations`` (N, C, H, W)."""


@dataclass(frozen=True, kw_only=True)
class _Weighted:
    weight: float = 1.0

    def __mul__(self, factor: float) -> Self:
        return replace(self, weight=self.weight * factor)

    __rmul__ = __mul__

    def __neg__(self) -> Self:
        return self * -1.0


@dataclass(frozen=True)
class ClassLogit(_Weighted):
    """The logit of a class: not its probability, which also grows when all the others shrink."""

    index: int
    name: str

    @property
    def layers(self) -> tuple[str, ...]:
        return ()

    def __call__(self, logits: Tensor, activations: Mapping[str, Tensor]) -> Tensor:  # noqa: ARG002
        return logits[:, self.index].float().mean()


@dataclass(frozen=True)
class Layer(_Weighted):
    """What a layer responds to: all of it, one ``channel``, or one neuron of that at ``place``.

    All of a layer is its mean square: whatever is there already becomes more of itself (Mordvintsev et al.,
    Inceptionism, 2015). A channel is its mean; ``place`` is across and down, as shares in 0..1.
    """

    module: str
    channel: int | None = None
    place: tuple[float, float] | None = None

    @property
    def name(self) -> str:
        channel = "" if self.channel is None else f":{self.channel}"
        place = "" if self.place is None else f":{self.place[0]:g},{self.place[1]:g}"
        return f"{self.module}{channel}{place}"

    @property
    def layers(self) -> tuple[str, ...]:
        return (self.module,)

    def __call__(self, logits: Tensor, activations: Mapping[str, Tensor]) -> Tensor:  # noqa: ARG002
        found = activations[self.module].float()
        if self.channel is None:
            return found.square().mean()
        if self.channel >= found.shape[1]:
            raise BadInputError(
                f"--layer {self.name}: {self.module} has {found.shape[1]} channels. Give one from 0 to "
                f"{found.shape[1] - 1}."
            )
        plane = found[:, self.channel]
        if self.place is None or plane.dim() < 3:
            return plane.mean()
        height, width = plane.shape[-2:]
        row, column = int(self.place[1] * (height - 1)), int(self.place[0] * (width - 1))
        return plane[:, row, column].mean()


def value_of(goals: Sequence[Goal], logits: Tensor, activations: Mapping[str, Tensor]) -> Tensor:
    """The weighted sum of ``goals``, a scalar that a dream makes large."""
    total = logits.new_zeros((), dtype=logits.dtype if logits.is_floating_point() else None)
    for goal in goals:
        total = total + goal.weight * goal(logits, activations)
    return total
