"""The processes that train together: one, or those that ``torchrun`` started on one or more machines."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any, TypeVar

from techniques.errors import BadInputError, DeepdesignError

__all__ = ["ALONE", "Team", "shares", "team_of", "together"]

Value = TypeVar("Value")


@dataclass(frozen=True)
class Team:
    """The place of this process among ``size`` processes; ``here`` of them are on this machine."""

    rank: int = 0
    size: int = 1
    local: int = 0
    here: int = 1

    store: Any = field(default=None, repr=False, compare=False)
    """What the processes can leave notes in for each other."""

    @property
    def leads(self) -> bool:
        """Whether this process speaks and writes for all."""
        return self.rank == 0

    def gathered(self, value: Value) -> list[Value]:
        """The ``value`` of every process, by rank; all processes call this together."""
        if self.size == 1:
            return [value]
        import torch.distributed as dist

        values: list[Any] = [None] * self.size
        dist.all_gather_object(values, value)
        return values

    def led(self, work: Callable[[], Value]) -> Value:
        """What ``work`` returns in the leading process, the only one to do it; errors are raised in all."""
        if self.size == 1:
            return work()
        import torch.distributed as dist

        box: list[Any] = [None, None]
        if self.leads:
            try:
                box[0] = work()
            except DeepdesignError as error:
                box[1] = error
        dist.broadcast_object_list(box, src=0)
        if box[1] is not None:
            raise box[1]
        result: Value = box[0]
        return result

    def speaks_first(self) -> bool:
        """Whether no other process has said yet why all end. One error stops all of them, some by an error of
        their own and the others because these are gone; a person wants to read the first, once.
        """
        if self.store is None:
            return True
        try:
            return bool(self.store.add("deepdesign/said", 1) == 1)
        except RuntimeError:  # whoever keeps the notes is gone as well
            return self.leads

    def any(self, flag: bool) -> bool:
        """Whether ``flag`` is set in any process; all call this together."""
        if self.size == 1:
            return flag
        import torch
        import torch.distributed as dist

        found = torch.tensor(int(flag))
        dist.all_reduce(found, dist.ReduceOp.MAX)
        return bool(found)


ALONE = Team()


def team_of(environment: Mapping[str, str]) -> Team:
    """The place that ``torchrun`` gave this process in ``environment``; alone without it.

    Raises:
        BadInputError: the variables are there, but are not what torchrun sets.
    """
    if "TORCHELASTIC_RUN_ID" not in environment and "RANK" not in environment:
        return ALONE
    try:
        team = Team(
            rank=int(environment["RANK"]),
            size=int(environment["WORLD_SIZE"]),
            local=int(environment["LOCAL_RANK"]),
            here=int(environment["LOCAL_WORLD_SIZE"]),
        )
    except (KeyError, ValueError) as error:
        raise BadInputError(
            f"RANK is set, but {error} is not as torchrun sets it. Start with torchrun, or unset RANK."
        ) from error
    return team


@contextmanager
def together(environment: Mapping[str, str] = os.environ, *, cuda: bool = False) -> Iterator[Team]:
    """Join the other processes, if there are any, and leave them at the end.

    Objects travel over gloo in any case; with ``cuda`` tensors on cards travel over NCCL.
    """
    team = team_of(environment)
    if team.size == 1:
        yield team
        return
    import torch
    import torch.distributed as dist
    from torch.distributed.rendezvous import rendezvous

    if cuda:
        torch.cuda.set_device(team.local)
    store, rank, size = next(rendezvous("env://"))
    dist.init_process_group("cpu:gloo,cuda:nccl" if cuda else "gloo", store=store, rank=rank, world_size=size)
    try:
        yield replace(team, store=store)
    finally:
        dist.destroy_process_group()


def shares(items: Sequence[Value], parts: int) -> list[Sequence[Value]]:
    """``items`` in order as ``parts`` pieces whose lengths differ by one at most, longer ones first."""
    length, longer = divmod(len(items), parts)
    edges = [part * length + min(part, longer) for part in range(parts + 1)]
    return [items[low:high] for low, high in pairwise(edges)]
