"""Where a run's results go, and the record that lies beside them."""

import json
import os
import platform
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from techniques.errors import BadInputError
from techniques.files import write_text
from techniques.locks import lock
from techniques.pictures import FORMATS
from techniques.report import GENERATOR

__all__ = [
    "MESH",
    "PICTURE",
    "Kind",
    "Place",
    "data_folder",
    "default_folder",
    "finished_record",
    "is_ours",
    "is_record",
    "names_file",
    "occupied",
    "place_for",
    "place_in",
    "refuse_taken",
    "versions",
    "weights_folder",
    "write_record",
]


@dataclass(frozen=True)
class Kind:
    """What a run makes: the word for it, the suffixes that it is written as, its name in a folder."""

    word: str
    suffixes: tuple[str, ...]
    in_folder: str


PICTURE = Kind("picture", tuple(FORMATS), "result.png")
MESH = Kind("mesh", (".obj", ".glb"), "result.obj")

# Names that look like a picture or a mesh, whatever a run makes.
_FILES = {
    *FORMATS, ".gif", ".heic", ".heif", ".avif", ".svg", ".pdf", ".psd", ".eps", ".jp2", ".exr", ".ico",
    ".raw", ".obj", ".ply", ".stl", ".glb", ".gltf", ".off", ".3ds", ".fbx", ".dae", ".3dm", ".skp", ".blend",
}  # fmt: skip


@dataclass(frozen=True)
class Place:
    """The files of one run. The checkpoint is there only while the run is not finished."""

    result: Path
    record: Path
    report: Path
    checkpoint: Path

    @property
    def picture(self) -> Path:
        """The result, where it is a picture."""
        return self.result

    @property
    def lock(self) -> Path:
        """Held while a run writes here."""
        return self.checkpoint.with_suffix(".lock")


def place_for(output: Path | None, *, resume: bool = False, kind: Kind = PICTURE) -> Place:
    """Where a run with ``-o output`` writes: a file with its record and report beside it, or a folder.

    Without ``output`` it is the default folder; one that already holds a run is not written over, the next
    free of its subfolders ``2``, ``3`` ... is taken instead (with ``resume``: the one that was interrupted).

    Raises:
        BadInputError: the suffix is one that ``kind`` is not written as, or the path is taken by
            something else.
    """
    if output is None:
        return place_in(default_folder(os.environ), kind, fresh=True, resume=resume)
    output = output.absolute()
    suffix = output.suffix.lower()
    known = ", ".join(sorted(kind.suffixes))
    if names_file(output) and suffix not in kind.suffixes:
        raise BadInputError(
            f"-o {output}: a {kind.word} is not written as {suffix}. Choose one of {known}, or a folder."
        )
    if suffix not in kind.suffixes:
        if output.exists() and not output.is_dir():
            raise BadInputError(
                f"-o {output} is a file without a {kind.word}'s suffix. Name a folder, or one of {known}."
            )
        return place_in(output, kind, fresh=False)
    if output.is_dir():
        raise BadInputError(
            f"-o {output} is a folder, though it is named like a {kind.word}. Choose another name."
        )
    hidden = output.with_name(f".{output.name}.checkpoint")
    place = Place(output, output.with_suffix(".run.json"), output.with_suffix(".html"), hidden)
    _refuse_strangers(place, output)
    return place


def names_file(output: Path) -> bool:
    """Whether ``-o output`` names one picture or mesh; any other name, also with a dot, is a folder's."""
    return output.suffix.lower() in _FILES


def default_folder(environment: Mapping[str, str], root: Path = Path("/")) -> Path:
    """Where results go without ``-o``, so that the platform collects them.

    ``$DEEPDESIGN_OUTPUT``, else the folder under ``/outputs`` if there is exactly one (a workflow step
    declares it), else ``/artifacts`` if it is a mount (elsewhere it would be lost), else ``./outputs``.
    """
    if own := environment.get("DEEPDESIGN_OUTPUT"):
        return Path(own)
    with suppress(OSError):
        declared = [
            path for path in (root / "outputs").iterdir() if path.is_dir() and not path.name.startswith(".")
        ]
        if len(declared) == 1:
            return declared[0]
    artifacts = root / "artifacts"
    return artifacts if artifacts.is_mount() else Path("outputs")


def data_folder(environment: Mapping[str, str], root: Path = Path("/")) -> Path:
    """Where datasets go without ``-o``, which must outlive the job.

    ``$DEEPDESIGN_DATA``, else ``datasets`` in the storage if there is one, else ``./datasets``.
    """
    if own := environment.get("DEEPDESIGN_DATA"):
        return Path(own)
    return _storage(environment, root) / "datasets"


def weights_folder(environment: Mapping[str, str], root: Path = Path("/")) -> Path:
    """Where trained networks go without ``-o``: ``weights`` under ``$DEEPDESIGN_DATA``, else in the storage
    if there is one, else ``./weights``.
    """
    if own := environment.get("DEEPDESIGN_DATA"):
        return Path(own) / "weights"
    return _storage(environment, root) / "weights"


def _storage(environment: Mapping[str, str], root: Path) -> Path:
    """``$DEEPDESIGN_STORAGE`` if it is a folder (the bootstrap sets it), else ``/storage`` if it is a mount
    (elsewhere it would be lost), else the current folder.
    """
    if (named := environment.get("DEEPDESIGN_STORAGE")) and Path(named).is_dir():
        return Path(named)
    storage = root / "storage"
    return storage if storage.is_mount() else Path()


def place_in(folder: Path, kind: Kind, *, fresh: bool, resume: bool = False) -> Place:
    """The files of a run in ``folder`` whose first result is of a ``kind``.

    With ``fresh`` a folder that holds a run is left alone, and the next free of its subfolders ``2``, ``3``
    ... is taken (with ``resume``: the one that was interrupted); else a finished run of ours is replaced.

    Raises:
        BadInputError: the path is taken by something that is not a run of ours.
    """
    folder = folder.absolute()
    if fresh:
        folder = _unused(folder, kind, resume=resume)
        place = _in_folder(folder, kind)
        _refuse_strangers(place, folder)
        return place
    if folder.exists() and not folder.is_dir():
        raise BadInputError(f"-o {folder} is a file. Name a folder.")
    place = _in_folder(folder, kind)
    _refuse_strangers(place, folder)
    if place.result.exists() and not (place.record.exists() or place.checkpoint.exists()):
        raise BadInputError(
            f"-o {folder}: {place.result} is there, and no run of ours made it. Choose another folder."
        )
    return place


@contextmanager
def occupied(place: Place) -> Iterator[None]:
    """Make the folder of ``place``, see that it can be written, and keep other runs out of it meanwhile.

    Folders that were made here and stayed empty are removed again.

    Raises:
        BadInputError: it cannot be written, or another run is at work there.
    """
    folder = place.result.parent
    made = [path for path in (folder, *folder.parents) if not path.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle = _locked(place.lock)
    except BlockingIOError as error:
        raise BadInputError(
            f"-o: another run is writing to {place.result}. Wait for it, or choose another -o."
        ) from error
    except OSError as error:
        _remove_empty(made)
        raise BadInputError(
            f"{_asked(folder)}: {folder} cannot be written: {error.strerror or error}. "
            "Choose another folder with -o."
        ) from error
    try:
        yield
    finally:
        place.lock.unlink(missing_ok=True)
        os.close(handle)
        _remove_empty(made)


def _locked(path: Path) -> int:
    while True:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            lock(handle, wait=False)
        except OSError:
            os.close(handle)
            raise
        # A run that ended meanwhile has removed what we hold: the next one would lock a new file beside it.
        if path.exists() and os.path.samestat(os.fstat(handle), path.stat()):
            return handle
        os.close(handle)


def write_record(place: Place, record: Mapping[str, Any]) -> None:
    """Write ``run.json``."""
    write_text(place.record, json.dumps(record, indent=2, ensure_ascii=False) + "\n")


def finished_record(
    place: Place, arguments: Mapping[str, Any], inputs: Callable[[], Mapping[str, Any]] = dict
) -> dict[str, Any] | None:
    """The record of the run that has already been finished at ``place``; None if there is none.

    ``inputs``, asked for only if there is one, are what its record has under that name: what the files held
    that it worked on.

    Raises:
        BadInputError: its arguments were others than ``arguments``, or its inputs others than ``inputs``.
    """
    if place.checkpoint.exists() or not place.result.exists():
        return None
    try:
        record: dict[str, Any] = json.loads(place.record.read_text(encoding="utf-8"))
        before, used = dict(record["arguments"]), dict(record.get("inputs", {}))
    except (OSError, ValueError, KeyError, TypeError):
        return None
    for name in sorted({*before, *arguments}):
        if before.get(name) != arguments.get(name):
            raise BadInputError(
                f"--resume: the finished run at {place.result} had {name} {before.get(name)}, not "
                f"{arguments.get(name)}. Choose another -o, or leave --resume away to replace it."
            )
    now = inputs() if used else {}
    for name in sorted({*used, *now}):
        if used.get(name) != now.get(name):
            raise BadInputError(
                f"--resume: the {name.replace('_', ' ')} changed since the finished run at {place.result}. "
                "Choose another -o, or leave --resume away to replace it."
            )
    return record


def versions() -> dict[str, str]:
    """The versions that a result depends on."""
    found = {"python": platform.python_version()}
    for package in ("deepdesign", "torch", "torchvision", "pillow", "numpy"):
        with suppress(PackageNotFoundError):
            found[package] = version(package)
    return found


def _refuse_strangers(place: Place, output: Path) -> None:
    """Refuse to write over a report or a record that is not of a run with this very result."""
    if place.report.exists() and GENERATOR.encode() not in place.report.read_bytes()[:4096]:
        raise BadInputError(
            f"-o {output}: the report would replace {place.report}, which is not ours. Choose another name."
        )
    if place.record.exists() and _result_of(place.record) != place.result.name:
        raise BadInputError(
            f"-o {output}: {place.record} is there and belongs to another result. Choose another name."
        )


def refuse_taken(
    output: Path, files: Iterable[Path], *, ours: bool, advice: str, inputs: Iterable[Path] = ()
) -> None:
    """Refuse to write ``files`` for ``-o output`` if one is read as an input, or is there and not ``ours``.

    Raises:
        BadInputError: one of them would be lost; the text ends with ``advice``.
    """
    read = [path for path in inputs if path.exists()]
    for path in files:
        if path.exists() and any(path.samefile(other) for other in read):
            raise BadInputError(f"-o {output}: {path} is read by this run and would be lost. {advice}")
        if os.path.lexists(path) and not ours:
            raise BadInputError(f"-o {output}: {path} is there, and is not of this result. {advice}")


def is_record(record: Path, *, command: str, result: Path) -> bool:
    """Whether ``record`` is there and says that ``command`` made ``result``."""
    return _result_of(record, command) == result.name


def is_ours(place: Place, command: str) -> bool:
    """Whether a run of ``command`` made what lies at ``place``, or was interrupted while it did."""
    return place.checkpoint.exists() or is_record(place.record, command=command, result=place.result)


def _result_of(record: Path, command: str | None = None) -> str | None:
    """The name of what the run (of ``command``) made that ``record`` is of; None if it is no such record."""
    try:
        known = json.loads(record.read_text(encoding="utf-8"))
        name = Path(known["results"][0]).name
        return name if command in (None, known.get("command")) else None
    except (OSError, ValueError, KeyError, TypeError, IndexError):
        return None


def _in_folder(folder: Path, kind: Kind) -> Place:
    return Place(
        folder / kind.in_folder,
        folder / "run.json",
        folder / "report.html",
        folder / ".deepdesign.checkpoint",
    )


def _unused(folder: Path, kind: Kind, *, resume: bool) -> Path:
    """The first of ``folder``, ``folder/2`` ... without a run.

    To resume: the first in which one was interrupted, else the last with a finished one of this ``kind``,
    else the one without a run.
    """
    number, candidate, finished = 1, folder, None
    while True:
        place = _in_folder(candidate, kind)
        # A run that was killed before its first checkpoint has left its lock.
        if resume and (place.checkpoint.exists() or place.lock.exists()):
            return candidate
        if not any(path.exists() for path in (place.result, place.record, place.report, place.checkpoint)):
            return finished if resume and finished else candidate
        if _result_of(place.record) == place.result.name:
            finished = candidate
        number += 1
        candidate = folder / str(number)


def _asked(folder: Path) -> str:
    """What sent the results to ``folder``."""
    named = os.environ.get("DEEPDESIGN_OUTPUT")
    return "$DEEPDESIGN_OUTPUT" if named and Path(named).absolute() in (folder, *folder.parents) else "-o"


def _remove_empty(folders: list[Path]) -> None:
    for folder in folders:
        with suppress(OSError):
            folder.rmdir()
