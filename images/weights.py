"""The networks that travel in an image, as a layer of their own: fetched and compared by our own program."""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Gathered:
    """What is in, and the folder that BuildKit is given."""

    folder: Path
    names: tuple[str, ...]


@contextmanager
def gathered(names: Sequence[str], say: Callable[[str], None]) -> Iterator[Gathered]:
    """A folder with the files of those of ``names`` that can be had, each compared with its hash.

    ``say`` is told of every one that cannot be had: the image does without it and its label does not name it,
    and a technique that needs it fetches it on first use.
    """
    with tempfile.TemporaryDirectory(prefix="deepdesign-weights-") as room:
        folder, there = Path(room), []
        for name in names:
            found = _fetch(name, say)
            if found is not None:
                shutil.copyfile(found, folder / found.name)
                there.append(name)
        yield Gathered(folder, tuple(there))


def _fetch(name: str, say: Callable[[str], None]) -> Path | None:
    # `images` does not import `techniques`; the program knows sources, hashes and this machine's cache.
    program = Path(sys.executable).with_name("deepdesign")
    line = [str(program), "weights", "fetch", name, "--quiet"]
    try:
        done = subprocess.run(line, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    except OSError as error:
        say(f"without {name}: {program} cannot be run ({error.strerror})")
        return None
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or [f"status {done.returncode}"])[-1]
        say(f"without {name}: {reason}")
        return None
    return Path(done.stdout.strip().splitlines()[-1])
