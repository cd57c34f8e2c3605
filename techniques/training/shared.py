"""Layers that compute the same whether one process or several share a step.

PyTorch's own SyncBatchNorm works on CUDA cards only, and its dropout draws in each process by itself.
"""

from dataclasses import dataclass, field
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torchvision.ops import StochasticDepth

from techniques.seeds import seed_of

__all__ = ["Draws", "share_batch_norms", "share_dropouts"]


@dataclass
class Draws:
    """What dropout layers draw from: for the whole step in every process, each of which takes its rows."""

    generator: torch.Generator = field(default_factory=torch.Generator)
    first: int = 0
    total: int = 0

    def begin(self, seed: int, step: int, first: int, total: int) -> None:
        """A step begins: the share of this process starts at row ``first`` of ``total``."""
        self.generator.manual_seed(seed_of(seed, step))
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
        mean, variance, count = _moments(x.detach())
        with torch.no_grad():
            self.num_batches_tracked.add_(1)  # type: ignore[union-attr]
            momentum = self.momentum or 0.1
            self.running_mean.lerp_(mean, momentum)  # type: ignore[union-attr]
            self.running_var.lerp_(variance * count / max(count - 1, 1), momentum)  # type: ignore[union-attr]
        result: Tensor = _Normalised.apply(
            x, self.weight, self.bias, mean, (variance + self.eps).rsqrt(), count
        )
        return result.to(input.dtype)


def _moments(x: Tensor) -> tuple[Tensor, Tensor, float]:
    """Mean and variance (C,) of ``x`` (N, C, H, W) over the rows of all processes, and how many values each
    is of. One message, because between processes each costs more than the sums: means and squared distances
    from them are joined as Chan, Golub and LeVeque (1979) do, without the cancellation of plain squares.
    """
    mean = x.mean((0, 2, 3))
    # torch.var_mean takes ten times as long on a CPU.
    distance = (x - _over(mean)).square_().sum((0, 2, 3))
    mine = torch.stack([mean, distance, torch.full_like(mean, x.numel() / x.shape[1])])
    means, distances, counts = _of_everybody(mine).unbind(1)
    total = counts.sum(0)
    joint = (means * counts).sum(0) / total
    spread = (distances + counts * (means - joint).square()).sum(0)
    return joint, spread / total, float(total[0])


class _Normalised(torch.autograd.Function):
    """``x`` less its mean, times the inverse of its deviation, scaled and shifted; mean and deviation are of
    ``count`` values in all processes, so the gradient's two sums are, too: one message.
    """

    @staticmethod
    def forward(context: Any, *given: Any) -> Tensor:
        x, scale, shift, mean, inverse, context.count = given
        context.save_for_backward(x, scale, mean, inverse)
        return torch.addcmul(_over(shift - mean * inverse * scale), x, _over(inverse * scale))

    @staticmethod
    def backward(context: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        x, scale, mean, inverse = context.saved_tensors
        gradient = gradients[0]
        of_shift = gradient.sum((0, 2, 3))
        of_scale = (gradient * (x - _over(mean))).sum((0, 2, 3)) * inverse
        sums = _of_everybody(torch.stack([of_shift, of_scale])).sum(0)
        # d result / d x of algorithm 1, sorted by what multiplies the gradient, x, and nothing.
        of_mean, of_deviation = (sums / context.count).unbind()
        fixed = _over((mean * inverse * of_deviation - of_mean) * inverse * scale)
        slope = torch.addcmul(fixed, x, _over(-inverse.square() * of_deviation * scale))
        return slope.addcmul_(gradient, _over(inverse * scale)), of_scale, of_shift, None, None, None


def _of_everybody(mine: Tensor) -> Tensor:
    """``mine`` of all processes, (processes, ...): for values twice as fast as gloo's `all_reduce`."""
    everybody = mine.new_empty(dist.get_world_size() * len(mine), *mine.shape[1:])
    dist.all_gather_into_tensor(everybody, mine)
    return everybody.view(-1, *mine.shape)


def _over(values: Tensor) -> Tensor:
    """Values (C,) of channels, to go with pictures (N, C, H, W)."""
    return values.view(1, -1, 1, 1)


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
