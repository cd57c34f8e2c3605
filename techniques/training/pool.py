"""The pictures of a dataset as pixels: in memory as far as that goes, else decoded anew each time."""

import threading
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from techniques.errors import WorkFailedError
from techniques.memory import available
from techniques.training.examine import Pixels, RefusedError, look

__all__ = ["Pool", "memory_for_pictures"]

_SHARE, _MOST = 0.25, 8 << 30  # of the memory that this process may hold, and bytes
_MARGIN = 1.25  # how much larger than the network's view pictures are kept, so that crops stay sharp


class Pool:
    """Pixels by example, scaled down to a little more than the network's view of ``size`` (width, height).

    Files are read again only where ``memory`` bytes do not hold all; one that has changed since it was looked
    at is never trained on as if it were the one that the record names.
    """

    def __init__(self, root: Path, size: tuple[int, int], *, memory: int) -> None:
        self.root = root
        self.least = round(size[0] * _MARGIN), round(size[1] * _MARGIN)
        self._left = memory
        self._kept: dict[str, Pixels] = {}
        self._names: dict[int, tuple[str, str]] = {}
        self._lock = threading.Lock()

    def keep(self, path: str, pixels: Pixels) -> None:
        """Keep ``pixels`` of the file ``path`` if there is room."""
        with self._lock:
            if path not in self._kept and pixels.nbytes <= self._left:
                self._kept[path] = np.ascontiguousarray(pixels)
                self._left -= pixels.nbytes

    def take(self, examples: Mapping[str, tuple[int, str]]) -> None:
        """Know the examples: index and the file's hash by path."""
        self._names = {index: (path, sha256) for path, (index, sha256) in examples.items()}

    def pixels(self, index: int) -> Pixels:
        """The pixels of example ``index``, (height, width, 3).

        Raises:
            WorkFailedError: they had to be read again, and the file is another one now.
        """
        path, sha256 = self._names[index]
        if (found := self._kept.get(path)) is not None:
            return found
        try:
            seen = look(self.root, path, self.least)
        except RefusedError as error:
            raise _changed(path) from error
        if seen.sha256 != sha256:
            raise _changed(path)
        self.keep(path, seen.pixels)
        return seen.pixels


def _changed(path: str) -> WorkFailedError:
    return WorkFailedError(
        f"{path} changed or went away during the training. Put it back and use --resume, or train anew."
    )


def memory_for_pictures(processes: int = 1) -> int:
    """How many bytes each of ``processes`` on this machine may keep pictures in."""
    return int(min(_MOST, _SHARE * available()) / processes)
