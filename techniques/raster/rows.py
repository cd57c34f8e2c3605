"""Weighted sums of table rows: the one gather that interpolation, texturing and antialiasing stand on.

PyTorch's own backward of ``table[index]`` is the slowest part of a rasteriser on a CPU. Summing each column
with ``bincount`` is about ten times faster there, and always adds in the same order.
"""

from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812 - the name that everybody reads
from torch import Tensor

__all__ = ["distinct_rows", "rows", "weighted_rows"]


def rows(table: Tensor, index: Tensor) -> Tensor:
    """``table[index]`` with a fast backward: ``table`` (N, C), ``index`` int64 (...): (..., C)."""
    picked: Tensor = _Rows.apply(table, index.reshape(-1))
    return picked.view(*index.shape, table.shape[1])


def distinct_rows(table: Tensor, index: Tensor) -> Tensor:
    """``table[index]`` (P, C) for an ``index`` (P,) that names no row twice: its backward has no sums."""
    picked: Tensor = _DistinctRows.apply(table, index)
    return picked


def weighted_rows(table: Tensor, index: Tensor, weights: Tensor) -> Tensor:
    """The weighted sum of K rows for each of P places.

    ``table`` (N, C), ``index`` int64 (P, K), ``weights`` (P, K): (P, C). Differentiable in ``table`` and
    ``weights``.
    """
    summed: Tensor = _WeightedRows.apply(table, index, weights)
    return summed


class _Rows(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, table: Tensor, index: Tensor) -> Tensor:
        ctx.save_for_backward(index)
        ctx.size = len(table)
        return table.index_select(0, index)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        (index,) = ctx.saved_tensors
        return _scattered(gradients[0], index, ctx.size), None


class _DistinctRows(_Rows):
    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        (index,) = ctx.saved_tensors
        empty = gradients[0].new_zeros(ctx.size, gradients[0].shape[1])
        return empty.index_copy_(0, index, gradients[0]), None


class _WeightedRows(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, table: Tensor, index: Tensor, weights: Tensor) -> Tensor:
        ctx.save_for_backward(table, index, weights)
        return F.embedding_bag(index, table.detach(), mode="sum", per_sample_weights=weights.detach())

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, None, Tensor | None]:
        table, index, weights = ctx.saved_tensors
        gradient = gradients[0]
        to_table = to_weights = None
        if ctx.needs_input_grad[0]:
            to_table = _spread(gradient, index, weights, len(table))
        if ctx.needs_input_grad[2]:
            picked = table.index_select(0, index.reshape(-1)).view(*index.shape, -1)
            to_weights = (picked @ gradient.unsqueeze(2)).squeeze(2)
        return to_table, None, to_weights


def _spread(gradient: Tensor, index: Tensor, weights: Tensor, size: int) -> Tensor:
    """The sum of ``gradient`` (P, C) times ``weights`` (P, K) over equal ``index`` (P, K): (size, C)."""
    flat = index.reshape(-1)
    if gradient.device.type != "cpu":
        return _scattered((gradient.unsqueeze(1) * weights.unsqueeze(2)).flatten(0, 1), flat, size)
    # bincount adds doubles: converted once, and column by column, nothing has to be laid out anew.
    doubles = weights.double()
    columns = [
        torch.bincount(flat, (column.double().unsqueeze(1) * doubles).view(-1), minlength=size)
        for column in gradient.unbind(1)
    ]
    return torch.stack(columns, dim=1).to(gradient.dtype) if columns else gradient.new_zeros(size, 0)


def _scattered(values: Tensor, index: Tensor, size: int) -> Tensor:
    """The sum of ``values`` (M, C) over equal ``index`` (M,): (size, C)."""
    if values.device.type == "cpu":
        columns = [torch.bincount(index, column, minlength=size) for column in values.unbind(1)]
        return torch.stack(columns, dim=1).to(values.dtype) if columns else values.new_zeros(size, 0)
    return values.new_zeros(size, values.shape[1]).index_add_(0, index, values)
