"""The folders that weights lie in, and the way into them: fetch, compare, rename."""

import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from techniques.errors import BadInputError, WorkFailedError
from techniques.files import sha256_of
from techniques.locks import lock
from techniques.weights.registry import Entry, entry_named, registry
from techniques.weights.sources import Report, download

__all__ = ["IMAGE_FOLDER", "Weights", "cache_folder", "checked", "fetch", "find", "obtain"]

# Where our container images keep the weights that may be published; never written to.
IMAGE_FOLDER = Path("/opt/deepdesign/weights")
_ABANDONED = 24 * 3600  # seconds


@dataclass(frozen=True)
class Weights:
    """A file of weights whose hash has been compared: ``sha256`` is the whole one, as computed."""

    entry: Entry
    path: Path
    sha256: str

    @property
    def facts(self) -> dict[str, str]:
        """What ``run.json`` says of the weights."""
        return {"name": self.entry.name, "sha256": self.sha256, **self.entry.facts}


def cache_folder() -> Path:
    """``$DEEPDESIGN_WEIGHTS``, else ``deepdesign/weights`` in the user's cache. May not exist yet."""
    if own := os.environ.get("DEEPDESIGN_WEIGHTS"):
        return Path(own).absolute()
    base = os.environ.get("XDG_CACHE_HOME")
    try:
        cache = Path(base) if base and Path(base).is_absolute() else Path.home() / ".cache"
    except RuntimeError as error:
        raise WorkFailedError(
            "There is no home folder to keep weights in. Set DEEPDESIGN_WEIGHTS."
        ) from error
    return cache / "deepdesign" / "weights"


def find(entry: Entry) -> Path | None:
    """Where the file of ``entry`` lies, or None; nothing is compared yet."""
    return next(
        (path for folder in (cache_folder(), IMAGE_FOLDER) if (path := folder / entry.file).is_file()), None
    )


def checked(entry: Entry, path: Path) -> Weights:
    """The file at ``path`` as weights of ``entry``, after comparing its size and hash.

    Raises:
        BadInputError: it is another file; the message says so and nothing else is used in its place.
    """
    size = path.stat().st_size
    if abs(size - entry.bytes) <= entry.slack:
        digest = sha256_of(path)
        if digest.startswith(entry.sha256):
            return Weights(entry, path, digest)
        what = f"has the sha256 {digest[:12]}..., not {entry.sha256[:12]}..."
    else:
        what = f"has {size} bytes, not {entry.bytes}"
    raise BadInputError(
        f"{path} is not the file of {entry.name}: it {what}. It is not used; remove it, and the next "
        "run fetches "
        "the right one."
    )


def fetch(entry: Entry, report: Report) -> Weights:
    """Fetch the file of ``entry`` into the cache, unless it is there; it gets its name only with the right
    hash.

    Raises:
        WorkFailedError: it cannot be fetched, has another hash, or the cache cannot be written.
        BadInputError: the cache holds another file of that name.
    """
    if path := find(entry):
        return checked(entry, path)
    folder = cache_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _one_at_a_time(folder):
            if path := find(entry):  # another process has fetched it in the meantime
                return checked(entry, path)
            return _fetched(entry, folder, report)
    except OSError as error:
        raise WorkFailedError(
            f"{folder} cannot be written: {error.strerror or error}. Set DEEPDESIGN_WEIGHTS to a "
            "folder that can."
        ) from error


def _fetched(entry: Entry, folder: Path, report: Report) -> Weights:
    _remove_abandoned(folder)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".fetching-") as room:
        arrived = download(entry, Path(room), report)
        try:
            weights = checked(entry, arrived)
        except BadInputError as error:
            raise WorkFailedError(
                f"What came for {entry.name} from {entry.source} is another file than the "
                "registry's; not used."
            ) from error
        arrived.chmod(0o644)
        arrived.replace(folder / entry.file)
    return Weights(entry, folder / entry.file, weights.sha256)


@contextmanager
def _one_at_a_time(folder: Path) -> Iterator[None]:
    """Wait for the other processes of this machine that fetch into ``folder``: the processes of a training
    all start at once, and each would fetch the same file. Where the disk knows no locks, each does.
    """
    handle = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        lock(handle, wait=True)
        yield
    finally:
        os.close(handle)


def _remove_abandoned(folder: Path) -> None:
    # What fetches left that were killed; a day is longer than any that is still at work.
    for room in folder.glob(".fetching-*"):
        with suppress(FileNotFoundError):  # another process's, which has just ended
            if time.time() - room.stat().st_mtime > _ABANDONED:
                shutil.rmtree(room, ignore_errors=True)


def obtain(
    name: str,
    *,
    networks: tuple[str, ...],
    announce: Callable[[str], None],
    report: Report,
    classifier: bool = False,
) -> Weights:
    """The weights that ``--weights name`` means: ``auto`` is the first that is present, else that can be
    fetched.

    ``networks`` are the architectures that the caller can use; others are passed over by ``auto`` and refused
    by name. With ``classifier`` only those fit that come with their last layers. ``announce`` is told of
    every fetch, and of every entry that ``auto`` had to pass over.

    Raises:
        BadInputError: no such name, an unfit architecture, or a file with another hash.
        WorkFailedError: nothing could be fetched.
    """
    if name != "auto":
        entry = entry_named(name)
        if entry.network not in networks:
            raise BadInputError(f"--weights: {name} is a {entry.network}, which does not fit here.")
        if classifier and not entry.classifies:
            raise BadInputError(f"--weights: {name} has no classes. It is a {entry.title}.")
        return _present_or_fetched(entry, announce, report)
    fit = [
        entry
        for entry in registry().values()
        if entry.network in networks and (entry.classifies or not classifier)
    ]
    if entry_here := next((entry for entry in fit if find(entry)), None):
        return _present_or_fetched(entry_here, announce, report)
    failures = []
    for entry in fit:
        try:
            return _present_or_fetched(entry, announce, report)
        except WorkFailedError as error:
            failures.append(error)
            announce(f"{error}")
    raise failures[0]


def _present_or_fetched(entry: Entry, announce: Callable[[str], None], report: Report) -> Weights:
    if path := find(entry):
        return checked(entry, path)
    announce(f"Fetching {entry.name} ({entry.bytes / 1e6:.0f} MB, once): {entry.title}")
    return fetch(entry, report)
