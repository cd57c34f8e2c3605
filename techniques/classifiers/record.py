"""A trained classifier on disk: ``weights.safetensors`` and ``record.yaml`` in one folder.

The record says all that is needed to use the weights as they were trained: the architecture, the classes in
the order of the outputs, and the preprocessing. ``train`` writes such folders; dreaming and classifying read
them. Neither file can hold anything that runs when it is opened.
"""

import errno
import math
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from techniques.classifiers.preprocessing import Preprocessing
from techniques.errors import BadInputError
from techniques.files import sha256_of, write_text, written_whole
from techniques.weights.registry import InputConvention, View

__all__ = [
    "FORMAT",
    "RECORD",
    "WEIGHTS",
    "ClassifierRecord",
    "read_record",
    "read_tensors",
    "write_classifier",
]

FORMAT = 1
RECORD, WEIGHTS = "record.yaml", "weights.safetensors"
_LARGEST_RECORD = 16 << 20  # bytes; a thousand classes take 30 kB
_MOST_CLASSES = 100_000
_LARGEST_VIEW = 4096  # px a side


@dataclass(frozen=True, kw_only=True)
class ClassifierRecord:
    """What ``record.yaml`` holds.

    ``architecture`` is a name in ``architectures.py``. ``classes`` are in the order of the network's outputs.
    ``weights_sha256`` is filled in by ``write_classifier``. ``metrics`` (accuracy and the like, and
    ``classes``: figures by class), ``dataset`` (its ``sha256``, pictures by class) and ``training``
    (settings, versions, where from) are plain mappings of strings, numbers, lists and mappings.
    """

    architecture: str
    classes: tuple[str, ...]
    preprocessing: Preprocessing
    metrics: Mapping[str, Any] = field(default_factory=dict)
    dataset: Mapping[str, Any] = field(default_factory=dict)
    training: Mapping[str, Any] = field(default_factory=dict)
    weights_sha256: str = ""
    format: int = FORMAT


def write_classifier(
    folder: Path, record: ClassifierRecord, tensors: Mapping[str, Tensor]
) -> ClassifierRecord:
    """Write ``tensors`` (a state dict) and ``record`` into ``folder``; returns the record with the hash.

    The record is removed first and written last: a folder with a record is a whole one, also after a crash.

    Raises:
        WorkFailedError: the disk is full, or the folder cannot be written.
    """
    weights = folder / WEIGHTS
    (folder / RECORD).unlink(missing_ok=True)
    with written_whole(weights) as draft:
        # Clones: safetensors refuses tensors that share memory.
        try:
            save_file(
                {name: value.detach().cpu().clone().contiguous() for name, value in tensors.items()}, draft
            )
        except SafetensorError as error:
            # What its writer makes of any error of the disk; it names the number in the text only.
            number = re.search(r"os error (\d+)", str(error))
            raise OSError(int(number[1]) if number else errno.EIO, str(error)) from error
        draft.chmod(0o644)
    record = replace(record, weights_sha256=sha256_of(weights))
    content = {
        "format": record.format,
        "architecture": record.architecture,
        "classes": list(record.classes),
        "preprocessing": {
            **_plain(asdict(record.preprocessing.view)),
            **_numbers(record.preprocessing.numbers),
        },
        "weights": {"file": WEIGHTS, "sha256": record.weights_sha256},
        "metrics": dict(record.metrics),
        "dataset": dict(record.dataset),
        "training": dict(record.training),
    }
    text = yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=100)
    write_text(
        folder / RECORD,
        f"# A classifier of deepdesign; `deepdesign dream --weights FOLDER` reads it.\n{text}",
    )
    return record


def read_record(folder: Path) -> ClassifierRecord:
    """The record in ``folder``, every value of it checked.

    Raises:
        BadInputError: there is none, or it is not one that this version can use; the message says what is
            wrong and what to do.
    """
    path = folder / RECORD
    if not folder.is_dir():
        raise BadInputError(f"--weights: {folder} is not a folder. Name one that `deepdesign train` wrote.")
    if not path.is_file():
        advice = (
            "Its training has not finished: run that again with --resume."
            if _begun(folder)
            else "Name a folder that `deepdesign train` wrote."
        )
        raise BadInputError(
            f"--weights: {folder} has no {RECORD}, so it is not a finished classifier. {advice}"
        )
    try:
        if path.stat().st_size > _LARGEST_RECORD:
            raise ValueError("it is larger than such a record can be")
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        if not isinstance(content, dict):
            raise ValueError("it is not a mapping")
        if content.get("format") != FORMAT:
            raise ValueError(f"it has format {content.get('format')}, and this version reads {FORMAT}")
        return _record(content)
    except (
        OSError,
        UnicodeDecodeError,
        yaml.YAMLError,
        ValueError,
        KeyError,
        TypeError,
        RecursionError,
    ) as error:
        reason = f"{error} is missing" if isinstance(error, KeyError) else " ".join(str(error).split())
        raise BadInputError(
            f"--weights: {path} cannot be used: {reason}. Copy the folder again, or train anew."
        ) from error


def read_tensors(folder: Path, record: ClassifierRecord) -> dict[str, Tensor]:
    """The weights in ``folder``, on the CPU, after comparing their hash with the ``record``'s.

    Raises:
        BadInputError: the file is missing, damaged, or another one than the record was written for.
    """
    path = folder / WEIGHTS
    if not path.is_file():
        raise BadInputError(f"--weights: {path} is missing. Copy the whole folder again.")
    if (found := sha256_of(path)) != record.weights_sha256:
        raise BadInputError(
            f"--weights: {path} is not the file that {RECORD} was written for (sha256 {found[:12]}..., not "
            f"{record.weights_sha256[:12]}...); it is not used. Copy the whole folder again."
        )
    try:
        return load_file(path)
    except SafetensorError as error:
        raise BadInputError(f"--weights: {path} is damaged: {error}. Copy the whole folder again.") from error


def _record(content: dict[str, Any]) -> ClassifierRecord:
    classes = content["classes"]
    if not isinstance(classes, list) or not 1 <= len(classes) <= _MOST_CLASSES:
        raise ValueError("classes is not a list of names")
    names = tuple(str(name) for name in classes)
    if len(set(names)) != len(names):
        raise ValueError("two of its classes have the same name")
    return ClassifierRecord(
        architecture=str(content["architecture"]),
        classes=names,
        preprocessing=_preprocessing(content["preprocessing"]),
        metrics=dict(content.get("metrics") or {}),
        dataset=dict(content.get("dataset") or {}),
        training=dict(content.get("training") or {}),
        weights_sha256=str(content["weights"]["sha256"]),
    )


def _preprocessing(content: dict[str, Any]) -> Preprocessing:
    shape = View(
        width=int(content["width"]),
        height=int(content["height"]),
        crop=float(content["crop"]),
        rule=content["rule"],
        interpolation=content["interpolation"],
    )
    numbers = InputConvention(
        order=content["order"],
        maximum=float(content["maximum"]),
        mean=_three(content["mean"]),
        deviation=_three(content["deviation"]),
    )
    if not (1 <= shape.width <= _LARGEST_VIEW and 1 <= shape.height <= _LARGEST_VIEW and 0 < shape.crop <= 1):
        raise ValueError(f"a view of {shape.width} x {shape.height} px, crop {shape.crop}, cannot be")
    for value, known in (
        (shape.rule, {"crop", "squash"}),
        (shape.interpolation, {"bilinear", "bicubic", "lanczos"}),
        (numbers.order, {"RGB", "BGR"}),
    ):
        if value not in known:
            raise ValueError(f"{value!r} is none of {', '.join(sorted(known))}")
    values = (numbers.maximum, *numbers.mean, *numbers.deviation)
    if not all(math.isfinite(value) for value in values) or 0 in numbers.deviation:
        raise ValueError("mean and deviation must be numbers, and no deviation 0")
    return Preprocessing(shape, numbers)


def _three(values: Any) -> tuple[float, float, float]:
    red, green, blue = values
    return float(red), float(green), float(blue)


def _numbers(numbers: InputConvention) -> dict[str, Any]:
    return {**asdict(numbers), "mean": list(numbers.mean), "deviation": list(numbers.deviation)}


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    return {name: float(value) if name == "crop" else value for name, value in values.items()}


def _begun(folder: Path) -> bool:
    return any(folder.glob(".*checkpoint*")) or (folder / WEIGHTS).exists()
