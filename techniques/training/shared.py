"""Layers that compute the same whether one process or several share a step.

PyTorch's own SyncBatchNorm works on CUDA cards only, and its dropout draws in each process by itself.
"""

from dataclasses import dataclass, field
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torchvision.ops import StochasticDepth

__all__ = ["Draws", "share_batch_norms", "share_dropouts"]


@dataclass
class Draws:
    """What dropout layers draw from: for the whole step in every process, each of which takes its rows."""

    generator: torch.Generator = field(default_factory=torch.Generator)
    first: int = 0
    total: int = 0

    def begin(self, seed: int, step: int, first: int, total: int) -> None:
        """A step begins: the share of this process starts at row ``first`` of ``total``."""
        self.generator.manual_seed((seed * 1_000_003 + step) % 2**63)
        self.first, self.total = first, total

    def kept(self, x: Tensor, shape: tuple[int, ...], chance: float) -> Tensor:
        """Which of ``x`` is kept: of ``shape`` behind the rows, 0 or 1 / (1 - chance)."""
        drawn = torch.rand((self.total, *shape), generator=self.generator)
        mine = drawn[self.first : self.first + len(x)]
        return ((mine >= chance) / (1 - chance)).to(x.device, x.dtype)


class _Dropout(nn.Module):
    def __init__(self, draws: Draws, chance: float, *, rows: bool) -> None:
        super().__init__()
        self._draws, self._chance, self._rows = draws, chance, rows

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or self._chance == 0 or self._draws.total == 0:
            return x
        shape = (1,) * (x.ndim - 1) if self._rows else tuple(x.shape[1:])
        return x * self._draws.kept(x, shape, self._chance)


class _TeamBatchNorm(nn.BatchNorm2d):
    """Batch normalisation over the rows of all processes; Ioffe and Szegedy (2015), algorithm 1."""

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - nn.BatchNorm2d's name
        if not self.training:
            return super().forward(input)
        x = input.float()
        count = torch.tensor([x.numel() / x.shape[1]], device=x.device)
        dist.all_reduce(count)
        mean = _summed(x.sum((0, 2, 3))) / count
        centred = x - mean.view(1, -1, 1, 1)
        variance = _summed(centred.square().sum((0, 2, 3))) / count
        with torch.no_grad():
            self.num_batches_tracked.add_(1)  # type: ignore[union-attr]
            momentum = self.momentum or 0.1
            self.running_mean.lerp_(mean, momentum)  # type: ignore[union-attr]
            self.running_var.lerp_(variance * count / (count - 1).clamp(min=1), momentum)  # type: ignore[union-attr]
        scale = (variance + self.eps).rsqrt() * self.weight
        result = centred * scale.view(1, -1, 1, 1) + self.bias.view(1, -1, 1, 1)
        return result.to(input.dtype)


class _Sum(torch.autograd.Function):
    """The sum over all processes; its gradient is the sum of theirs."""

    @staticmethod
    def forward(context: Any, x: Tensor) -> Tensor:  # noqa: ARG004 - nothing is kept for the way back
        total = x.clone()
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(context: Any, *gradients: Tensor) -> Tensor:  # noqa: ARG004
        total = gradients[0].clone()
        dist.all_reduce(total)
        return total


def _summed(x: Tensor) -> Tensor:
    result: Tensor = _Sum.apply(x)
    return result


def share_dropouts(network: nn.Module, draws: Draws) -> None:
    """Let every dropout and stochastic-depth layer of ``network`` draw from ``draws``, in place."""
    for name, child in network.named_children():
        if isinstance(child, nn.Dropout | StochasticDepth):
            rows = isinstance(child, StochasticDepth)
            setattr(network, name, _Dropout(draws, float(child.p), rows=rows))
        else:
            share_dropouts(child, draws)


def share_batch_norms(network: nn.Module, *, cuda: bool) -> nn.Module:
    """``network`` with batch normalisation over all processes: PyTorch's on CUDA cards, else our own."""
    if cuda:
        converted: nn.Module = nn.SyncBatchNorm.convert_sync_batchnorm(network)  # type: ignore[no-untyped-call]
        return converted
    for name, child in network.named_children():
        if type(child) is nn.BatchNorm2d:
            shared = _TeamBatchNorm(
                child.num_features, child.eps, child.momentum, child.affine, child.track_running_stats
            )
            shared.load_state_dict(child.state_dict())
            setattr(network, name, shared)
        else:
            share_batch_norms(child, cuda=cuda)
    return network
