"""A run that can be interrupted at any step and taken up again: what every optimising command does alike."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from techniques.checkpoints import Checkpointer, load_checkpoint
from techniques.errors import InterruptedRunError
from techniques.interrupts import Interrupts
from techniques.optimise import Callback, State, Step, Verdict
from techniques.progress import Progress
from techniques.runs import Place

__all__ = ["Session", "session"]


@dataclass(frozen=True)
class Session:
    """What ``optimise`` is given: the state to go on from, if any, and the callbacks of this run."""

    state: State | None
    callbacks: tuple[Callback, ...]
    seconds: Callable[[], float]
    """Wall time so far, with that of interrupted parts."""


@contextmanager
def session(place: Place, identity: Mapping[str, Any], said: Progress, *, resume: bool) -> Iterator[Session]:
    """Run the block with progress shown, checkpoints at ``place`` and Ctrl-C or SIGTERM caught.

    ``identity`` is what must be the same for a checkpoint to fit. The last step leaves one too, so that a run
    that is stopped while it writes its results has not lost its work. Removing it is the caller's, once the
    results are on disk.

    Raises:
        BadInputError: ``resume``, and the checkpoint is damaged or of other settings.
        InterruptedRunError: the run was asked to stop; a checkpoint is kept.
    """
    checkpoint = place.checkpoint
    state = load_checkpoint(checkpoint, identity) if resume and checkpoint.exists() else None
    if state:
        said.say(f"Going on behind step {state['number']}.")
    elif resume:
        said.say("There is no checkpoint here; starting from the beginning.")
    elif checkpoint.exists():
        said.say("An interrupted run is replaced; --resume would have continued it.")
    checkpointer = Checkpointer(checkpoint, identity)
    began, earlier = time.monotonic(), float(state["seconds"]) if state else 0.0
    latest: Step | None = None
    with Interrupts() as interrupts:

        def show(step: Step) -> Verdict:
            nonlocal latest
            latest = step
            said.advance(step.stage, step.number, step.steps, {"loss": step.loss, **step.parts})
            return Verdict.GO_ON

        def halt(step: Step) -> Verdict:
            if interrupts.requested:
                checkpointer.save(step)
                raise InterruptedRunError(
                    f"Stopped behind step {step.number} of {step.steps}. "
                    "The same command with --resume goes on."
                )
            return Verdict.GO_ON

        try:
            yield Session(state, (show, checkpointer, halt), lambda: earlier + time.monotonic() - began)
            # Nothing was left to do for a run that goes on behind its last step, or has no steps at all.
            unchanged = state or {"number": 0, "seconds": 0.0}
            checkpointer.keep(latest.state() if latest else unchanged, ended=True)
            if interrupts.requested:
                raise InterruptedRunError(
                    "Stopped before the results were written. The same command with --resume writes them."
                )
        finally:
            said.end()
