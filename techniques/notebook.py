"""Progress in a notebook cell: a bar that grows in place, and the picture as it comes."""

import base64
import html
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from techniques.progress import Progress, Quiet

__all__ = ["NotebookProgress", "progress_here"]

_EVERY = 0.5  # seconds: a browser that is sent more falls behind


class NotebookProgress:
    """A ``Progress`` of plain HTML, which every Jupyter shows without an extension.

    ``update`` is told the page's new content each time. ``preview`` is a picture file that may come to be
    there; it is shown below the bar, as it is then.
    """

    def __init__(self, update: Callable[[str], None], preview: Path | None = None) -> None:
        self._update = update
        self.preview = preview
        self._notes: list[str] = []
        self._bar = ""
        self._next = 0.0

    def say(self, text: str) -> None:
        """Show ``text`` above the bar."""
        self._notes.append(html.escape(text))
        self._show()

    def advance(self, what: str, done: int, total: int, facts: Mapping[str, float]) -> None:
        """Move the bar."""
        now = time.monotonic()
        if now < self._next and done < total:
            return
        self._next = now + _EVERY
        figures = "".join(f" &nbsp; {html.escape(name)} {value:.4g}" for name, value in facts.items())
        self._bar = (
            f'<progress value="{done}" max="{max(total, 1)}" style="width:60%"></progress> '
            f"{html.escape(what)}: {done} of {total}{figures}"
        )
        self._show()

    def end(self) -> None:
        """Leave the bar as it stands."""
        self._show()

    def _show(self) -> None:
        picture = ""
        if self.preview is not None and self.preview.is_file():
            data = base64.b64encode(self.preview.read_bytes()).decode()
            picture = f'<br><img style="max-width:60%" src="data:image/jpeg;base64,{data}">'
        self._update("<br>".join([*self._notes, self._bar]) + picture)


def progress_here(preview: Path | None = None) -> Progress:
    """What fits here: a ``NotebookProgress`` in a notebook's kernel, else nothing."""
    shell: Any = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    if type(shell).__name__ != "ZMQInteractiveShell":
        return Quiet()
    from IPython.display import HTML, display

    handle: Any = display(HTML(""), display_id=True)
    return NotebookProgress(lambda page: handle.update(HTML(page)), preview)
