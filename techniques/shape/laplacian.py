"""The combinatorial Laplacian of a mesh, and systems with it solved by conjugate gradients."""

import warnings
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from techniques.raster.edges import EdgeTable

__all__ = ["Laplacian", "smoothed"]

_TOLERANCE = 1e-6  # of the residual, relative to the right-hand side
_MOST = 500
_LOOK_EVERY = 8  # iterations: looking at the residual makes a GPU wait


@dataclass(frozen=True)
class Laplacian:
    """L of a mesh with V vertices: its diagonal holds each vertex' number of neighbours, and -1 stands for
    each neighbour. ``neighbours`` is the sparse adjacency matrix (V, V), ``valence`` is (V, 1).
    """

    neighbours: Tensor
    valence: Tensor

    @classmethod
    def of(cls, edges: EdgeTable, count: int, *, like: Tensor) -> "Laplacian":
        """The Laplacian of a mesh of ``count`` vertices, in the type and on the device of ``like``."""
        a, b = edges.ends.to(like.device).unbind(1)
        rows, columns = torch.cat([a, b]), torch.cat([b, a])
        order = (rows * count + columns).argsort()
        valence = torch.bincount(rows, minlength=count)
        starts = torch.cat([valence.new_zeros(1), valence.cumsum(0)])
        values = torch.ones(len(rows), dtype=like.dtype, device=like.device)
        with warnings.catch_warnings():
            # PyTorch calls its sparse rows a beta, once a process; products are all that is used of them.
            warnings.filterwarnings("ignore", message="Sparse CSR tensor support")
            neighbours = torch.sparse_csr_tensor(
                starts, columns[order], values, (count, count), check_invariants=False
            )
        return cls(neighbours, valence.to(like).unsqueeze(1))

    def __matmul__(self, values: Tensor) -> Tensor:
        """L ``values``, for ``values`` (V, C)."""
        return self.valence * values - self.neighbours @ values

    def solve(self, right: Tensor, stiffness: float) -> Tensor:
        """X with (I + stiffness L) x = ``right`` (V, C), by conjugate gradients with the diagonal as
        preconditioner. The matrix is symmetric and positive definite, and the number of iterations does not
        grow with the mesh.
        """
        diagonal = 1 + stiffness * self.valence
        size = right.square().sum(0)
        x = right / diagonal
        residual = right - x - stiffness * (self @ x)
        scaled = residual / diagonal
        direction, product = scaled, (residual * scaled).sum(0)
        for number in range(_MOST):
            if number % _LOOK_EVERY == 0 and bool((residual.square().sum(0) <= _TOLERANCE**2 * size).all()):
                break
            image = direction + stiffness * (self @ direction)
            step = product / (direction * image).sum(0).clamp(min=torch.finfo(x.dtype).tiny)
            x = x + step * direction
            residual = residual - step * image
            scaled = residual / diagonal
            before, product = product, (residual * scaled).sum(0)
            direction = scaled + product / before.clamp(min=torch.finfo(x.dtype).tiny) * direction
        return x


def smoothed(values: Tensor, laplacian: Laplacian, stiffness: float) -> Tensor:
    """(I + stiffness L)^-1 ``values`` (V, C), differentiable in ``values``."""
    if stiffness == 0:
        return values
    solved: Tensor = _Smoothed.apply(values, laplacian, stiffness)
    return solved


class _Smoothed(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, values: Tensor, laplacian: Laplacian, stiffness: float) -> Tensor:
        ctx.laplacian, ctx.stiffness = laplacian, stiffness
        return laplacian.solve(values, stiffness)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        # The matrix is symmetric: the gradient goes through the same system.
        return ctx.laplacian.solve(gradients[0], ctx.stiffness), None, None
