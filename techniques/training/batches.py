"""Which pictures make which step, and the way from the pool to the network."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
import torch
from torch import Tensor

from techniques.training.augment import RECIPES, varied
from techniques.training.dataset import Dataset
from techniques.training.examine import in_order
from techniques.training.pool import Pool
from techniques.training.team import Team, shares

__all__ = ["Batch", "Feed", "order_of"]


@dataclass(frozen=True)
class Batch:
    """One step's pictures: this process's share, and what it must know of the whole.

    ``images`` is (n, 3, height, width) uint8; ``labels`` (n,) int64. The share begins at ``first`` of the
    ``all_labels`` of the step.
    """

    step: int
    images: Tensor
    labels: Tensor
    first: int
    all_labels: Tensor


def order_of(indices: Sequence[int], *, seed: int, epoch: int, batch_size: int) -> list[Sequence[int]]:
    """The steps of an ``epoch``: every index once, in steps whose lengths differ by one at most.

    Even steps, rather than a short last one whose few pictures would count as much as all of another step.
    """
    random = np.random.default_rng([seed, epoch])
    shuffled = [indices[place] for place in random.permutation(len(indices))]
    return shares(shuffled, max(1, round(len(shuffled) / batch_size)))


class Feed:
    """The training pictures of a dataset, step by step, prepared by threads a little ahead."""

    def __init__(
        self,
        dataset: Dataset,
        pool: Pool,
        *,
        size: tuple[int, int],
        augment: str,
        batch_size: int,
        seed: int,
        team: Team,
        threads: int,
    ) -> None:
        self._pool, self._size, self._recipe = pool, size, RECIPES[augment]
        self._seed, self._team, self._threads, self._batch_size = seed, team, threads, batch_size
        self._labels = [example.label for example in dataset.examples]
        self._indices = dataset.part("train")
        self.steps = len(order_of(self._indices, seed=0, epoch=0, batch_size=batch_size))

    def epoch(self, number: int, *, start: int = 0) -> Iterator[Batch]:
        """The steps of epoch ``number`` from ``start`` on."""
        steps = order_of(self._indices, seed=self._seed, epoch=number, batch_size=self._batch_size)[start:]
        mine = [shares(step, self._team.size)[self._team.rank] for step in steps]
        firsts = [
            sum(len(share) for share in shares(step, self._team.size)[: self._team.rank]) for step in steps
        ]

        def prepared(index: int) -> Tensor:
            pixels = varied(self._pool.pixels(index), self._size, self._recipe, (self._seed, number, index))
            return torch.from_numpy(np.ascontiguousarray(pixels.transpose(2, 0, 1)))

        images = in_order(prepared, (index for share in mine for index in share), threads=self._threads)
        for place, (step, share, first) in enumerate(zip(steps, mine, firsts, strict=True)):
            yield Batch(
                start + place,
                torch.stack(list(islice(images, len(share)))),
                torch.tensor([self._labels[index] for index in share]),
                first,
                torch.tensor([self._labels[index] for index in step]),
            )
