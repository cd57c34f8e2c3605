"""What a run says while it works: a bar on a terminal, plain lines elsewhere, JSON lines for programs."""

import json
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any, Protocol, TextIO

from tqdm import tqdm

__all__ = ["JsonLines", "PlainLines", "Progress", "Quiet", "TerminalBar", "progress_for", "show_results"]

_LINE_EVERY = 5.0  # seconds


class Progress(Protocol):
    """Told of what happens; never slows the work down, never decides anything."""

    def say(self, text: str) -> None:
        """One sentence for the person who waits."""

    def advance(self, what: str, done: int, total: int, facts: Mapping[str, float]) -> None:
        """``done`` of ``total`` steps (or bytes) of ``what``, with figures worth showing."""

    def end(self) -> None:
        """Nothing more will come."""


class Quiet:
    """Says nothing."""

    def say(self, text: str) -> None:
        """Ignore ``text``."""

    def advance(self, what: str, done: int, total: int, facts: Mapping[str, float]) -> None:
        """Ignore the step."""

    def end(self) -> None:
        """Nothing to end."""


class PlainLines:
    """A line every few seconds, for logs and pipes."""

    def __init__(self, stream: TextIO, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream, self._clock = stream, clock
        self._next = 0.0
        self._what = ""

    def say(self, text: str) -> None:
        """Print ``text`` as one line."""
        print(text, file=self._stream, flush=True)

    def advance(self, what: str, done: int, total: int, facts: Mapping[str, float]) -> None:
        """Print a line if some seconds have passed, or something begins or ends."""
        if what != self._what or done == total or self._clock() >= self._next:
            figures = "".join(f"  {name} {value:.4g}" for name, value in facts.items())
            share = 100 * done // total if total else 0
            print(f"{what}: {done} of {total} ({share} %){figures}", file=self._stream, flush=True)
            self._what, self._next = what, self._clock() + _LINE_EVERY

    def end(self) -> None:
        """Nothing to end."""


class TerminalBar:
    """A bar that grows in place."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._bar: tqdm[Any] | None = None

    def say(self, text: str) -> None:
        """Print ``text`` above the bar."""
        tqdm.write(text, file=self._stream)

    def advance(self, what: str, done: int, total: int, facts: Mapping[str, float]) -> None:
        """Move the bar; another ``what`` begins another bar."""
        if self._bar is None or self._bar.desc.removesuffix(": ") != what:
            self.end()
            self._bar = tqdm(
                desc=what, total=total, initial=done, file=self._stream, unit="", unit_scale=total > 10**5
            )
        self._bar.set_postfix({name: f"{value:.4g}" for name, value in facts.items()}, refresh=False)
        self._bar.update(done - self._bar.n)
        if done >= total:
            self.end()

    def end(self) -> None:
        """Leave the bar as it stands."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None


class JsonLines:
    """One JSON object a line, for programs."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def say(self, text: str) -> None:
        """Write ``{"event": "note", "text": ...}``."""
        self._write({"event": "note", "text": text})

    def advance(self, what: str, done: int, total: int, facts: Mapping[str, float]) -> None:
        """Write ``{"event": "progress", "what": ..., "done": ..., "total": ..., ...}``."""
        self._write({"event": "progress", "what": what, "done": done, "total": total, **facts})

    def end(self) -> None:
        """Nothing to end: the result is the command's own last line."""

    def _write(self, event: dict[str, Any]) -> None:
        print(json.dumps(event), file=self._stream, flush=True)


def progress_for(*, quiet: bool, as_json: bool) -> Progress:
    """What fits: nothing, JSON lines on standard output, or a bar or plain lines on standard error."""
    if quiet:
        return Quiet()
    if as_json:
        return JsonLines(sys.stdout)
    return TerminalBar(sys.stderr) if sys.stderr.isatty() else PlainLines(sys.stderr)


def show_results(record: Mapping[str, Any], *, quiet: bool, as_json: bool) -> None:
    """A run's last words on standard output: its record as one JSON line, else where its results are."""
    if as_json:
        print(json.dumps(record))
    elif not quiet:
        print("\n".join(record["results"]))
