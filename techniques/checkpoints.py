"""Checkpoints: an interrupted run's state on disk, and the settings that it belongs to."""

import errno
import pickle
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch

from techniques.errors import BadInputError
from techniques.files import written_whole
from techniques.optimise import State, Step, Verdict

__all__ = ["Checkpointer", "ended_run", "load_checkpoint"]

_FORMAT = 2
_FIRST, _SPACING = (
    1.0,
    10.0,
)  # seconds until the first checkpoint, and between later ones if writing takes little
_SHARE = 0.03  # of the run's time may go into writing them
_DAMAGES = (OSError, RuntimeError, ValueError, KeyError, TypeError, EOFError, pickle.UnpicklingError)


class Checkpointer:
    """A callback that keeps the run's state in ``path``, now and then, and at once when ``save`` is called.

    Writing takes time that grows with the picture, so the spacing grows with it. The file is replaced
    whole: a kill at any moment leaves the previous one.
    """

    def __init__(
        self,
        path: Path,
        settings: Mapping[str, Any],
        beside: Callable[[], Mapping[str, Any]] = dict,
    ) -> None:
        self.path = path
        self.settings = dict(settings)
        self._beside = beside  # more that the rest of the run depends on, added to the state
        self._spacing = _FIRST
        self._next = time.monotonic() + _FIRST

    def __call__(self, step: Step) -> Verdict:
        """Save the state after ``step``, if it is time."""
        self.offer(step.state)
        return Verdict.GO_ON

    def save(self, step: Step) -> None:
        """Save the state after ``step`` now."""
        self.keep(step.state())

    def offer(self, state: Callable[[], State]) -> None:
        """Save what ``state`` gives, if it is time; else it is not asked."""
        if time.monotonic() >= self._next:
            began = time.monotonic()
            self.keep(state())
            now = time.monotonic()
            self._spacing = min(2 * self._spacing, _SPACING)
            self._next = now + max(self._spacing, (now - began) / _SHARE)

    def keep(self, state: State, *, ended: bool = False) -> None:
        """Save ``state`` now; ``ended`` says that it is that of the last step, so only writing is left."""
        content = {
            "format": _FORMAT,
            "settings": self.settings,
            "state": {**state, **self._beside()},
            "ended": ended,
        }
        with written_whole(self.path) as draft:
            try:
                torch.save(content, draft)
            except RuntimeError as error:
                # What PyTorch's writer makes of a full disk.
                raise OSError(errno.ENOSPC, str(error)) from error


def load_checkpoint(path: Path, settings: Mapping[str, Any]) -> State:
    """The state in ``path``, if it belongs to a run with these ``settings``.

    Raises:
        BadInputError: it is damaged, or belongs to other settings; the message names the first that differs.
    """
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
        saved, state, version = content["settings"], content["state"], content["format"]
    except _DAMAGES as error:
        raise BadInputError(
            f"--resume: {path} is damaged or not a checkpoint. Remove it to start again."
        ) from error
    if version != _FORMAT:
        raise BadInputError(
            f"--resume: {path} was made by another version of deepdesign. Remove it to start again."
        )
    for name in sorted({*saved, *settings}):
        if saved.get(name) != settings.get(name):
            raise BadInputError(
                f"--resume: {name} was {_short(saved.get(name))} in the interrupted run and is "
                f"{_short(settings.get(name))} now. Take the same command line, or start again "
                "without --resume."
            )
    return dict(state)


def ended_run(path: Path) -> dict[str, Any] | None:
    """The settings of a run that made all of its steps and was stopped while it wrote its results; None if
    ``path`` is no checkpoint of such a run.
    """
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
        return dict(content["settings"]) if content["ended"] else None
    except _DAMAGES:
        return None


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
