"""The optimiser for preconditioned vertices: Adam with one step size for all of them."""

import math
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor

__all__ = ["UniformAdam"]


class UniformAdam(torch.optim.Optimizer):
    r"""Adam whose second moment is one number for a whole tensor (Nicolet, Jacobson and Jakob 2021).

    .. math:: u \leftarrow u - \eta_t \, \hat m / (10^{-8} + \max_j \sqrt{\hat s_j})

    with bias-corrected moments of the gradient. Adam's own division, one for each coordinate, would undo the
    smoothing that the preconditioner has put into the direction. The step size falls from ``rate`` to
    ``rate * last`` along a half cosine over ``steps`` steps, so that the end does not wander.
    """

    def __init__(
        self,
        parameters: Iterable[Tensor],
        *,
        rate: float,
        steps: int,
        betas: tuple[float, float] = (0.9, 0.999),
        last: float = 0.1,
    ) -> None:
        super().__init__(parameters, {"lr": rate, "steps": steps, "betas": betas, "last": last})

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Evaluate ``closure`` with gradients, move, and return what it gave."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        with torch.no_grad():
            for group in self.param_groups:
                for parameter in group["params"]:
                    if parameter.grad is not None:
                        self._move(parameter, group)
        return loss

    def _move(self, parameter: Tensor, group: dict[str, Any]) -> None:
        state = self.state[parameter]
        if not state:
            state["step"] = 0
            state["mean"], state["square"] = torch.zeros_like(parameter), torch.zeros_like(parameter)
        first, second = group["betas"]
        state["mean"].lerp_(parameter.grad, 1 - first)
        state["square"].mul_(second).addcmul_(parameter.grad, parameter.grad, value=1 - second)
        done = min(1.0, state["step"] / max(1, group["steps"] - 1))
        rate = group["lr"] * (group["last"] + (1 - group["last"]) * 0.5 * (1 + math.cos(math.pi * done)))
        state["step"] += 1
        largest = (state["square"].max() / (1 - second ** state["step"])).sqrt()
        parameter.sub_(state["mean"] * (rate / (1 - first ** state["step"])) / (1e-8 + largest))
