"""A classifier that is ready to look at pictures, wherever its weights came from."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from techniques.classifiers.architectures import ARCHITECTURES, architecture_named
from techniques.classifiers.classes import CLASS_LISTS
from techniques.classifiers.preprocessing import Normalise, Preprocessing, view
from techniques.classifiers.record import RECORD, read_record, read_tensors
from techniques.errors import BadInputError, WorkFailedError
from techniques.pictures import Picture
from techniques.weights import Weights, entry_named, obtain
from techniques.weights.formats import read_weights
from techniques.weights.registry import View, registry

__all__ = ["Classifier", "from_folder", "from_weights", "in_memory", "is_folder", "obtain_classifier"]

Report = Callable[[int, int], None]


@dataclass(frozen=True, eq=False)
class Classifier:
    """A network in evaluation mode, and all that its answers mean.

    ``network`` takes RGB in 0..1, (N, 3, H, W), normalises it by itself, and gives logits, (N, classes).
    ``source`` is what ``run.json`` and the report say of the weights.
    """

    name: str
    architecture: str
    network: nn.Module
    classes: tuple[str, ...]
    preprocessing: Preprocessing
    sha256: str
    source: dict[str, str]

    @property
    def view(self) -> View:
        """Which part of a picture it looks at, at which size."""
        return self.preprocessing.view

    def probabilities(self, picture: Picture) -> Tensor:
        """The probability of each class for ``picture``: (classes,), float32 on the CPU, in 0..1."""
        device = next(self.network.parameters()).device
        with torch.inference_mode():
            logits: Tensor = self.network(view(picture, self.view).unsqueeze(0).to(device))
        return logits.float().softmax(1)[0].cpu()

    def to(self, device: torch.device) -> "Classifier":
        """The same classifier, its network moved to ``device``."""
        self.network.to(device)
        return self


def is_folder(name: str) -> bool:
    """Whether ``--weights name`` means a folder rather than a name of the registry."""
    return name not in registry() and name != "auto" and ("/" in name or Path(name).is_dir())


def obtain_classifier(name: str, *, announce: Callable[[str], None], report: Report) -> Classifier:
    """The classifier that ``--weights name`` means: a name of the registry, "auto", or a folder of ``train``.

    Raises:
        BadInputError: no such name or folder, one without classes, or a damaged one.
        WorkFailedError: the weights cannot be fetched.
    """
    if is_folder(name):
        return from_folder(Path(name))
    if name != "auto":
        entry_named(name)
    weights = obtain(name, networks=tuple(ARCHITECTURES), announce=announce, report=report, classifier=True)
    return from_weights(weights)


def from_weights(weights: Weights) -> Classifier:
    """The classifier of a registered network, on the CPU.

    Raises:
        WorkFailedError: the file does not fit the architecture.
    """
    entry = weights.entry
    if entry.view is None or entry.classes is None:
        raise BadInputError(f"--weights: {entry.name} has no classes. It is a {entry.title}.")
    classes = CLASS_LISTS[entry.classes]
    preprocessing = Preprocessing(entry.view, entry.input)
    network = _built(
        entry.network, len(classes), read_weights(weights.path, entry.format), preprocessing, weights.path
    )
    return Classifier(entry.name, entry.network, network, classes, preprocessing, weights.sha256, entry.facts)


def from_folder(folder: Path) -> Classifier:
    """The classifier in a ``folder`` that ``train`` wrote, on the CPU.

    Raises:
        BadInputError: there is none, or it is damaged.
    """
    record = read_record(folder)
    tensors = read_tensors(folder, record)
    try:
        network = _built(record.architecture, len(record.classes), tensors, record.preprocessing, folder)
    except WorkFailedError as error:
        raise BadInputError(f"--weights: {error}") from error
    return Classifier(
        name=folder.resolve().name,
        architecture=record.architecture,
        network=network,
        classes=record.classes,
        preprocessing=record.preprocessing,
        sha256=record.weights_sha256,
        source={
            "title": f"{record.architecture} trained on {len(record.classes)} classes of one's own",
            "source": str(folder / RECORD),
            "licence": "that of the pictures it was trained on",
            "unclear": "",
            "credit": "",
        },
    )


def in_memory(
    architecture: str, classes: tuple[str, ...], preprocessing: Preprocessing, tensors: Mapping[str, Tensor]
) -> Classifier:
    """The classifier that ``tensors`` make, on the CPU; it was never on a disk, so it has no hash."""
    network = _built(architecture, len(classes), tensors, preprocessing, Path("memory"))
    return Classifier("trained here", architecture, network, classes, preprocessing, "", {})


def _built(
    architecture: str, classes: int, tensors: Any, preprocessing: Preprocessing, where: Path
) -> nn.Module:
    with torch.device("meta"):  # no memory and no time for values that are replaced at once
        network = architecture_named(architecture).build(classes)
    try:
        network.load_state_dict(dict(tensors), strict=True, assign=True)
    except RuntimeError as error:
        raise WorkFailedError(
            f"{where} does not fit {architecture} with {classes} classes; it is not used."
        ) from error
    whole = nn.Sequential(Normalise(preprocessing.numbers), network).eval().requires_grad_(False)
    # Thin layers, and dreams are made of those, are a quarter faster on processors with channels last.
    whole.to(memory_format=torch.channels_last)
    return whole
