"""Classifying files: pictures in, answers out, kept in a folder if one is named."""

import csv
import io
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from techniques.classifiers.answers import Answer, answer
from techniques.classifiers.classifier import Classifier, obtain_classifier
from techniques.device import DeviceChoice, choose_device
from techniques.errors import BadInputError
from techniques.files import write_text
from techniques.pictures import read_picture
from techniques.progress import Progress, Quiet
from techniques.runs import names_file, versions

__all__ = ["classify_files", "weights_facts"]

_ANSWERS, _RECORD = "answers.csv", "run.json"


def classify_files(
    images: Sequence[Path],
    *,
    weights: str = "auto",
    top: int = 5,
    device: DeviceChoice = "auto",
    seed: int = 0,
    output: Path | None = None,
    progress: Progress | None = None,
    began: float | None = None,
) -> tuple[list[Answer], dict[str, Any]]:
    """The ``top`` likeliest classes of each of ``images``, and what ``run.json`` says of the run.

    With ``output``, a folder, the answers are written there as ``answers.csv`` with ``run.json`` beside them.

    Raises:
        BadInputError: a picture, the weights or the folder cannot be used; nothing has been written.
        WorkFailedError: weights cannot be fetched, or the disk is full.
    """
    said, began = progress or Quiet(), time.monotonic() if began is None else began
    if output is not None:
        _check_folder(output)
    for image in images:
        if not image.exists():
            read_picture(image)  # which says so, before anything is fetched
    where = choose_device(device, "float32")
    classifier = obtain_classifier(
        weights, announce=said.say, report=lambda done, all_: said.advance("fetching", done, all_, {})
    ).to(where.torch)
    said.end()
    said.say(f"Network: {classifier.name}, {classifier.source['title']}")
    answers = []
    for number, image in enumerate(images, start=1):
        answers.append(answer(image, read_picture(image, convert=True), classifier, top))
        if len(images) > 1:
            said.advance("classifying", number, len(images), {})
    said.end()
    record: dict[str, Any] = {
        "command": "classify",
        "arguments": {
            "images": [str(image) for image in images],
            "weights": weights,
            "top": top,
            "device": device,
            "output": None if output is None else str(output),
        },
        "seed": seed,
        "device": where.kind,
        "machine": str(where),
        "weights": weights_facts(classifier),
        "versions": versions(),
        "results": [],
        "metrics": {"pictures": len(answers), "sure": sum(one.sure for one in answers)},
        "seconds": round(time.monotonic() - began, 3),
    }
    if output is not None:
        _write(output, answers, record)
    return answers, record


def weights_facts(classifier: Classifier) -> dict[str, str]:
    """What ``run.json`` says of a classifier: its name, sha256, title, source and licence."""
    return {"name": classifier.name, "sha256": classifier.sha256, **classifier.source}


def _check_folder(output: Path) -> None:
    if names_file(output) or output.is_file():
        raise BadInputError(f"-o {output}: the answers are several files. Name a folder.")
    for name in (_ANSWERS, _RECORD):
        if (output / name).exists() and not _ours(output):
            raise BadInputError(
                f"-o {output}: {output / name} is there, and no `classify` made it. Choose another folder."
            )


def _ours(output: Path) -> bool:
    try:
        return bool(json.loads((output / _RECORD).read_text(encoding="utf-8"))["command"] == "classify")
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _write(output: Path, answers: Sequence[Answer], record: dict[str, Any]) -> None:
    try:
        output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInputError(
            f"-o: {output} cannot be written: {error.strerror or error}. Choose another folder with -o."
        ) from error
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(["picture", "rank", "class", "index", "probability", "sure"])
    for one in answers:
        for rank, guess in enumerate(one.guesses, start=1):
            rows.writerow([one.picture, rank, guess.name, guess.index, f"{guess.probability:.6f}", one.sure])
    write_text(output / _ANSWERS, text.getvalue())
    record["results"] = [str((output / _ANSWERS).absolute())]
    write_text(output / _RECORD, json.dumps(record, indent=2, ensure_ascii=False) + "\n")
