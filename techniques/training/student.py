"""The network that is to be trained: built, given what it starts from, and told which layers may learn."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from techniques.classifiers.architectures import ARCHITECTURES, Architecture, architecture_named
from techniques.classifiers.classifier import is_folder
from techniques.classifiers.preprocessing import Normalise, Preprocessing
from techniques.classifiers.record import read_record, read_tensors
from techniques.errors import BadInputError, WorkFailedError
from techniques.training.settings import TrainSettings
from techniques.weights import InputConvention, Weights, entry_named, obtain
from techniques.weights.formats import read_weights
from techniques.weights.registry import View, registry

__all__ = ["Origin", "Student", "check_view", "find_origin", "make_student"]

_IMAGENET = InputConvention("RGB", 1.0, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
_DEFAULT = "mobilenet_v2"  # where neither an architecture nor weights are named
_NORMS = (nn.modules.batchnorm._BatchNorm, nn.LayerNorm, nn.GroupNorm)

Report = Callable[[int, int], None]


@dataclass(frozen=True)
class Origin:
    """What a training starts from: nothing (``name`` "none"), registered ``weights``, or a ``folder`` whose
    network knows ``classes``.
    """

    name: str
    sha256: str
    title: str
    architecture: Architecture
    numbers: InputConvention
    weights: Weights | None = None
    folder: Path | None = None
    classes: tuple[str, ...] = ()

    @property
    def trained(self) -> bool:
        """Whether there is anything that was learnt before."""
        return self.weights is not None or self.folder is not None


@dataclass(frozen=True, eq=False)
class Student:
    """``network`` takes RGB in 0..1 and gives logits; its ``core`` is what is saved. The parameters of
    ``head`` are those of the last layer. ``fixed_norms``: batch normalisation keeps its trained statistics.
    ``keeps_head``: the last layer was trained on the same classes, and is taken over.
    """

    network: nn.Module
    core: nn.Module
    origin: Origin
    preprocessing: Preprocessing
    fixed_norms: bool
    keeps_head: bool

    @property
    def head(self) -> list[nn.Parameter]:
        """The parameters of the last layer."""
        return list(self.core.get_submodule(self.origin.architecture.head).parameters())

    def learn(self, *, head_only: bool) -> None:
        """Say which parameters may change from now on."""
        self.core.requires_grad_(not head_only)
        for parameter in self.head:
            parameter.requires_grad_(True)

    def train(self, *, head_only: bool) -> None:
        """Behave as in training: dropout on, batch statistics only where they are to be learnt."""
        self.network.train()
        if self.fixed_norms or head_only:
            for module in self.core.modules():
                if isinstance(module, nn.modules.batchnorm._BatchNorm):
                    module.eval()

    def groups(self) -> Iterator[tuple[list[nn.Parameter], bool, bool]]:
        """The parameters, as (parameters, of the head, with weight decay)."""
        head = {id(parameter) for parameter in self.head}
        plain = {
            id(parameter)
            for module in self.core.modules()
            for name, parameter in module.named_parameters(recurse=False)
            if isinstance(module, _NORMS) or name == "bias"
        }
        for of_head in (True, False):
            for decays in (True, False):
                found = [
                    parameter
                    for parameter in self.core.parameters()
                    if (id(parameter) in head) is of_head and (id(parameter) not in plain) is decays
                ]
                if found:
                    yield found, of_head, decays


def find_origin(settings: TrainSettings, *, announce: Callable[[str], None], report: Report) -> Origin:
    """What ``--weights`` and ``--arch`` mean together, fetched if need be.

    Raises:
        BadInputError: there is no such thing, or the two do not fit.
        WorkFailedError: the weights cannot be fetched.
    """
    wanted = None if settings.arch == "auto" else architecture_named(settings.arch)
    if settings.weights == "none":
        return _scratch(wanted or architecture_named(_DEFAULT))
    if is_folder(settings.weights):
        return _from_folder(Path(settings.weights), wanted)
    if settings.weights != "auto":
        entry = entry_named(settings.weights)
        if wanted and entry.network != wanted.name:
            raise BadInputError(
                f"--weights {entry.name} is a {entry.network}, and --arch says {wanted.name}. Leave one away."
            )
    elif wanted and not any(e.classifies and e.network == wanted.name for e in registry().values()):
        known = sorted({e.network for e in registry().values() if e.classifies})
        raise BadInputError(
            f"--arch {wanted.name}: there are no trained weights for it. Say --weights none to start from "
            f"scratch (many more pictures and epochs), or choose one of: {', '.join(known)}."
        )
    weights = obtain(
        settings.weights,
        networks=(wanted.name,) if wanted else tuple(ARCHITECTURES),
        announce=announce,
        report=report,
        classifier=True,
    )
    entry = weights.entry
    return Origin(
        entry.name,
        weights.sha256,
        entry.title,
        architecture_named(entry.network),
        entry.input,
        weights=weights,
    )


def make_student(
    origin: Origin, classes: tuple[str, ...], *, view: tuple[int, int], seed: int, new_head: bool = False
) -> Student:
    """The network of ``origin`` for ``classes``, on the CPU. What is new in it depends on ``seed``.

    ``view`` is width and height in pixels. ``new_head`` lets a folder's network learn other classes.

    Raises:
        BadInputError: the view is smaller than the architecture takes, or the folder's classes are others.
        WorkFailedError: the weights do not fit the architecture.
    """
    architecture = origin.architecture
    check_view(architecture, view)
    if origin.folder and origin.classes != classes and not new_head:
        raise BadInputError(
            f"--weights {origin.folder} knows other classes ({_some(origin.classes)}) than the dataset "
            f"({_some(classes)}). Add --new-head to keep its features and learn these classes anew."
        )
    keeps_head = origin.folder is not None and not new_head
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        core = architecture.build(len(classes))
    preprocessing = Preprocessing(
        View(width=view[0], height=view[1], crop=1.0, rule="crop", interpolation="bilinear"), origin.numbers
    )
    if origin.trained:
        _take_over(core, origin, keeps_head=keeps_head)
    network = nn.Sequential(Normalise(origin.numbers), core)
    return Student(network, core, origin, preprocessing, fixed_norms=origin.trained, keeps_head=keeps_head)


def _scratch(architecture: Architecture) -> Origin:
    return Origin("none", "", f"{architecture.name} from scratch", architecture, _IMAGENET)


def check_view(architecture: Architecture, view: tuple[int, int]) -> None:
    """Refuse a ``view`` (width, height) that ``architecture`` cannot look at; raises `BadInputError`."""
    if min(view) < architecture.least:
        raise BadInputError(
            f"{view[0]} x {view[1]} pixels are too few for {architecture.name}: each side needs "
            f"{architecture.least}. Choose a larger --size."
        )


def _from_folder(folder: Path, wanted: Architecture | None) -> Origin:
    record = read_record(folder)
    architecture = architecture_named(record.architecture)
    if wanted and wanted != architecture:
        raise BadInputError(
            f"--weights {folder} is a {architecture.name}, and --arch says {wanted.name}. Leave --arch away."
        )
    return Origin(
        folder.resolve().name,
        record.weights_sha256,
        f"{architecture.name} trained before on {_some(record.classes)}",
        architecture,
        record.preprocessing.numbers,
        folder=folder,
        classes=record.classes,
    )


def _take_over(core: nn.Module, origin: Origin, *, keeps_head: bool) -> None:
    if origin.folder is not None:
        tensors = dict(read_tensors(origin.folder, read_record(origin.folder)))
    else:
        assert origin.weights is not None
        tensors = dict(read_weights(origin.weights.path, origin.weights.entry.format))
    head = f"{origin.architecture.head}."
    if not keeps_head:
        own = core.state_dict()
        tensors = {name: value for name, value in tensors.items() if not name.startswith(head)}
        tensors |= {name: value for name, value in own.items() if name.startswith(head)}
    try:
        core.load_state_dict(tensors, strict=True)
    except RuntimeError as error:
        raise WorkFailedError(f"The weights of {origin.name} do not fit their network; not used.") from error


def _some(names: tuple[str, ...]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
