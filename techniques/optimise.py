"""The one optimisation loop: stages from coarse to fine, one evaluation a step, callbacks after each.

A state taken between any two steps holds all that the rest depends on, so that an interrupted run
continues to the same numbers as one that was left alone.
"""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Literal

import torch
from torch import Tensor

from techniques.errors import WorkFailedError
from techniques.losses import Terms

__all__ = [
    "Callback",
    "DivergedError",
    "History",
    "Keep",
    "OptimizerName",
    "Parameters",
    "Stage",
    "State",
    "Step",
    "Verdict",
    "method_named",
    "optimise",
]

OptimizerName = Literal["lbfgs", "adam"]
Keep = Literal["best", "average"]
Parameters = dict[str, Tensor]
History = dict[str, list[float]]  # by name: "total" and each loss before weighting; one number a step
State = dict[str, Any]  # tensors, lists, numbers and strings only, so that loading one runs no code

_LBFGS_PAIRS = 10  # PyTorch's default of 100 takes 2.4 kB a pixel, more than VGG's activations
_FIRST_MOVE = 0.02  # mean change of a value in the first L-BFGS step; one level of an 8-bit picture is 0.004
_ADAM_RATE, _ADAM_BETAS, _ADAM_EPSILON = 0.02, (0.9, 0.99), 1e-8
_AVERAGED = 0.95  # decay of the averaged iterate


class DivergedError(WorkFailedError):
    """The loss is not a number any more. ``last`` is the best or averaged result of the steps before."""

    def __init__(self, message: str, last: Parameters | None) -> None:
        super().__init__(message)
        self.last = last


class Verdict(Enum):
    """What a callback wants next."""

    GO_ON = "go on"
    NEXT_STAGE = "next stage"


@dataclass(frozen=True)
class Stage:
    """One part of a run, such as one size of a pyramid.

    ``start`` makes the parameters from the previous stage's result (None for the first stage); ``objective``
    prepares the function that rates them. Both are called again on resumption, and must give the same again.
    """

    name: str
    steps: int
    start: Callable[[Parameters | None], Parameters]
    objective: Callable[[], Callable[[Parameters], Terms]]
    at_step: Callable[[int], None] | None = None
    """Told the number of a step, from 0 in this stage, before it is evaluated: objectives that draw
    something at random seed themselves by it, so that a resumed run draws the same again."""
    method: Callable[[list[Tensor]], torch.optim.Optimizer] | None = None
    """Makes the stage's own optimiser, whose ``step`` takes a closure; None: the one that the run names."""


@dataclass(frozen=True)
class Step:
    """One step that has just been made: ``number`` of ``steps`` over all stages, both from 1."""

    number: int
    steps: int
    stage: str
    loss: float
    parts: Mapping[str, float]
    seconds: float
    state: Callable[[], State]
    """All that the rest of the run depends on, as tensors, lists and numbers: for a checkpoint."""
    parameters: Callable[[], Parameters]
    """What the run would return if it ended here."""


Callback = Callable[[Step], Verdict]


def optimise(
    stages: Sequence[Stage],
    *,
    optimizer: OptimizerName = "lbfgs",
    rate: float = _ADAM_RATE,
    keep: Keep = "best",
    callbacks: Sequence[Callback] = (),
    state: State | None = None,
    device: torch.device | None = None,
) -> tuple[Parameters, History]:
    """Minimise each stage's objective in turn, and return the last stage's parameters and the losses.

    ``keep`` says what a stage hands on: the parameters with the lowest loss that was evaluated, or (for
    optimisers that wander) their moving average. ``rate`` is Adam's. ``state`` is one that
    a callback took from a ``Step``: the run goes on behind that step, on ``device`` (None: where the state's
    tensors are). A loss is that of the parameters *before* the step.

    Raises:
        DivergedError: a loss is not a number; the message names the step.
    """
    run = _Run(stages, optimizer, keep, rate)
    if state is not None:
        run.restore(state, device)
    while run.stage < len(stages):
        run.begin()
        while run.step < stages[run.stage].steps:
            step = run.advance()
            if Verdict.NEXT_STAGE in [callback(step) for callback in callbacks]:
                break
        run.finish()
    return run.result(), run.history


class _Run:
    """The moving parts of one optimisation."""

    def __init__(
        self, stages: Sequence[Stage], optimizer: OptimizerName, keep: Keep, rate: float = _ADAM_RATE
    ) -> None:
        self.stages, self.optimizer, self.keep, self.rate = stages, optimizer, keep, rate
        self.stage, self.step, self.number = 0, 0, 0
        self.history: History = {}
        self.parameters: Parameters | None = None
        self.kept: Parameters | None = None
        self.lowest = math.inf
        self.saved_optimizer: dict[str, Any] | None = None
        self.before = 0.0
        self.began = time.monotonic()

    def begin(self) -> None:
        """Set up the current stage, from the previous one's result or from a restored state."""
        stage = self.stages[self.stage]
        if self.parameters is None:
            self.parameters, self.lowest = stage.start(self.kept), math.inf
            self.kept = None
        self.leaves = {
            name: value.detach().clone(memory_format=torch.contiguous_format).requires_grad_()
            for name, value in self.parameters.items()
        }
        self.parameters = self.leaves
        self.objective = stage.objective()
        leaves = list(self.leaves.values())
        self.method = (
            stage.method(leaves) if stage.method else method_named(self.optimizer, leaves, rate=self.rate)
        )
        if self.saved_optimizer is not None:
            self.method.load_state_dict(self.saved_optimizer)
            self.saved_optimizer = None

    def advance(self) -> Step:
        """Evaluate once and move."""
        if at_step := self.stages[self.stage].at_step:
            at_step(self.step)
        evaluated: list[Terms] = []

        def closure() -> Tensor:
            self.method.zero_grad(set_to_none=True)
            terms = self.objective(self.leaves)
            terms.total.backward()  # type: ignore[no-untyped-call]
            evaluated.append(terms)
            return terms.total.detach()

        before: Parameters = {}
        if self.keep == "best" or self.kept is None:  # an average has nothing yet to fall back on
            before = {name: value.detach().clone() for name, value in self.leaves.items()}
        self.method.step(closure)  # type: ignore[arg-type]
        loss, parts = float(evaluated[0].total.detach()), {k: float(v) for k, v in evaluated[0].parts.items()}
        moved = all(math.isfinite(float(leaf.detach().sum())) for leaf in self.leaves.values())
        if not math.isfinite(loss) or not moved:
            remedy = ", or try --optimizer adam" if isinstance(self.method, torch.optim.LBFGS) else ""
            raise DivergedError(
                f"Step {self.number + 1} ({self.stages[self.stage].name}): the loss is not a number any "
                f"more. Lower the weights{remedy}.",
                (self.kept or before or None) if self.number else None,
            )
        self._keep(before, loss)
        self.step, self.number = self.step + 1, self.number + 1
        for name, value in {"total": loss, **parts}.items():
            self.history.setdefault(name, []).append(value)
        return Step(
            number=self.number,
            steps=self.number - self.step + sum(stage.steps for stage in self.stages[self.stage :]),
            stage=self.stages[self.stage].name,
            loss=loss,
            parts=parts,
            seconds=self.seconds,
            state=self.state,
            parameters=self.result,
        )

    def finish(self) -> None:
        """Close the current stage; its result becomes the next one's start."""
        self.kept = self.result()
        self.parameters = None
        self.stage, self.step = self.stage + 1, 0

    def result(self) -> Parameters:
        """What is handed on: the best or averaged parameters, or the start where no step was made."""
        chosen = self.kept if self.kept is not None else self.parameters
        return {name: value.detach().clone() for name, value in (chosen or {}).items()}

    @property
    def seconds(self) -> float:
        """Wall time, with that of interrupted parts of this run."""
        return self.before + time.monotonic() - self.began

    def state(self) -> State:
        """Everything that the rest of the run depends on."""
        return {
            "stage": self.stage,
            "step": self.step,
            "number": self.number,
            "lowest": self.lowest,
            "history": self.history,
            "seconds": self.seconds,
            "parameters": {name: value.detach() for name, value in (self.parameters or {}).items()},
            "kept": self.kept,
            "optimizer": self.method.state_dict(),
        }

    def restore(self, state: State, device: torch.device | None = None) -> None:
        """Become the run that ``state`` was taken from, its tensors moved to ``device``."""

        def moved(tensors: Parameters | None) -> Parameters | None:
            return tensors and {name: value.to(device) for name, value in tensors.items()}

        self.stage, self.step, self.number = state["stage"], state["step"], state["number"]
        self.lowest, self.history, self.before = state["lowest"], state["history"], state["seconds"]
        # A checkpoint comes back to main memory, wherever its run was.
        self.parameters, self.kept = moved(state["parameters"]), moved(state["kept"])
        self.saved_optimizer = state["optimizer"]

    def _keep(self, before: Parameters, loss: float) -> None:
        if self.keep == "average":
            # Weighted so that the first iterates do not count for more than the last ones.
            share = max(1 - _AVERAGED, 1 / (self.step + 1))
            if self.kept is None:
                self.kept = {name: value.detach().clone() for name, value in self.leaves.items()}
            for name, value in self.leaves.items():
                self.kept[name].lerp_(value.detach(), share)
        elif loss < self.lowest:
            self.lowest, self.kept = loss, before


class _LBFGS(torch.optim.LBFGS):
    """One evaluation a step, so that there is a state between any two, and a first move that can be seen."""

    def __init__(self, leaves: list[Tensor], first_move: float) -> None:
        # The tolerances are off because they are absolute, and mean losses of large pictures have small
        # gradients.
        super().__init__(leaves, max_iter=1, history_size=_LBFGS_PAIRS, tolerance_grad=0, tolerance_change=0)
        self._leaves, self._first_move = leaves, first_move

    def step(self, closure: Any) -> Any:  # type: ignore[override]
        # PyTorch's first step moves all values together by 1: nothing that a bfloat16 network would see, so
        # the first curvature pairs would be noise. As 1 in total it is scaled to a mean of its own.
        values = sum(leaf.numel() for leaf in self._leaves)
        begun = self.state[self._leaves[0]].get("n_iter", 0)
        self.param_groups[0]["lr"] = 1.0 if begun else self._first_move * values
        return super().step(closure)  # type: ignore[no-untyped-call]


def method_named(
    name: OptimizerName,
    leaves: list[Tensor],
    *,
    rate: float = _ADAM_RATE,
    epsilon: float = _ADAM_EPSILON,
    first_move: float = _FIRST_MOVE,
) -> torch.optim.Optimizer:
    """The optimiser of ``leaves`` that a run calls ``name``: Adam at ``rate``, which takes gradients below
    ``epsilon`` for small, or L-BFGS, whose first step changes a value by ``first_move`` on average.
    """
    if name == "adam":
        return torch.optim.Adam(leaves, lr=rate, betas=_ADAM_BETAS, eps=epsilon)
    return _LBFGS(leaves, first_move)
