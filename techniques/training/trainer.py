"""The training itself: epochs of steps, a validation behind each, and a state between any two steps.

Whatever is random follows from the seed, the epoch and the picture, so the state holds no random generators,
and a resumed run is the uninterrupted one.
"""

import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import torch
import torch.distributed as dist
import torch.nn.functional as F  # noqa: N812 - the name that everybody reads
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from techniques.device import Device
from techniques.errors import WorkFailedError
from techniques.optimise import State
from techniques.training.batches import Batch, Feed
from techniques.training.dataset import Dataset
from techniques.training.measures import measured
from techniques.training.schedule import rate_at
from techniques.training.settings import TrainSettings
from techniques.training.shared import Draws, share_batch_norms, share_dropouts
from techniques.training.student import Student
from techniques.training.team import Team, shares
from techniques.training.views import Views

__all__ = ["Epoch", "Outcome", "Pause", "Trainer"]

_BODY = 0.1  # the learning rate of trained layers beside the head's
_DECAY = 0.01
_CLIP = 5.0  # the gradient's norm
_ASK_CUDA = 10  # steps between looks at the loss: each look waits for the card


@dataclass(frozen=True)
class Epoch:
    """Figures of one epoch. ``phase`` is "head" or "all". Training figures are over pictures as they were
    varied, and while the network changed; those of the validation are None where nothing is held back.
    """

    number: int
    phase: str
    loss: float
    accuracy: float
    val_loss: float | None
    val_accuracy: float | None
    rate: float
    pictures_per_second: float


@dataclass(frozen=True)
class Pause:
    """Between two steps: ``done`` of ``total`` in all, and ``state`` to keep them. ``epoch`` is the one that
    has just ended, or None in the middle of one.
    """

    done: int
    total: int
    loss: float
    epoch: Epoch | None
    epochs: int
    state: Callable[[], State]


@dataclass(frozen=True)
class Outcome:
    """What a training came to: the best epoch's tensors, and all epochs."""

    tensors: dict[str, Tensor]
    history: tuple[Epoch, ...]
    best: int
    stopped_early: bool


class Trainer:
    """Trains a `Student`; every process of the team has one, and all do the same steps together."""

    def __init__(
        self,
        student: Student,
        dataset: Dataset,
        feed: Feed,
        views: Views,
        settings: TrainSettings,
        *,
        device: Device,
        precision: torch.dtype,
        team: Team,
    ) -> None:
        self.student, self.dataset, self.feed, self.views = student, dataset, feed, views
        self.settings, self.team, self.precision = settings, team, precision
        self.where = torch.device("cuda", team.local) if device.kind == "cuda" else torch.device("cpu")
        self.head_epochs = (
            min(settings.head_epochs, settings.epochs)
            if student.origin.trained and not student.keeps_head
            else 0
        )
        self.draws = Draws()
        share_dropouts(student.core, self.draws)
        if team.size > 1 and not student.fixed_norms:
            share_batch_norms(student.core, cuda=device.kind == "cuda")
        # 1.3 to 1.7 times as fast on CPUs as the default order, and what tensor cores want.
        student.network.to(self.where).to(memory_format=torch.channels_last)
        self.core = student.core
        self.optimizer = _optimizer(student, settings.learning_rate)
        self.weights = _class_weights(dataset, settings.class_weights).to(self.where)
        self.epoch = self.step = 0
        self.sums = torch.zeros(3, dtype=torch.float64, device=self.where)  # loss, right, pictures
        self.history: list[Epoch] = []
        self.best: dict[str, Tensor] | None = None
        self.best_epoch, self.lowest = 0, math.inf

    @property
    def total(self) -> int:
        """Steps in all, if nothing stops earlier."""
        return self.settings.epochs * self.feed.steps

    def run(self, between: Callable[[Pause], None]) -> Outcome:
        """Train until the epochs are over or the validation gets no better; ``between`` may raise to stop.

        Raises:
            WorkFailedError: the loss is not a number any more, or a picture changed on the disk.
        """
        while self.epoch < self.settings.epochs and not self._exhausted():
            self._one_epoch(between)
        assert self.best is not None
        return Outcome(self.best, tuple(self.history), self.best_epoch, self.epoch < self.settings.epochs)

    def probabilities(self, indices: tuple[int, ...]) -> Tensor:
        """What the network as it is now says of held-out pictures: (n, classes), in all processes alike."""
        mine = shares(indices, self.team.size)[self.team.rank]
        self.student.network.eval()
        found = [torch.zeros(0, len(self.dataset.classes))]
        with torch.inference_mode():
            for images in self.views.batches(mine):
                logits = self.student.network(images.to(self.where, memory_format=torch.channels_last))
                found.append(logits.float().softmax(1).cpu())
        return torch.cat(self.team.gathered(torch.cat(found)))

    def adopt(self, tensors: dict[str, Tensor]) -> None:
        """Give the network these ``tensors``."""
        self.core.load_state_dict(tensors)

    def state(self) -> State:
        """Everything that the rest of the training depends on."""
        return {
            "epoch": self.epoch,
            "step": self.step,
            "sums": self.sums.cpu(),
            "network": self.core.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "history": [asdict(epoch) for epoch in self.history],
            "best": self.best,
            "best_epoch": self.best_epoch,
            "lowest": self.lowest,
        }

    def restore(self, state: State) -> None:
        """Become the training that ``state`` was taken from."""
        self.epoch, self.step, self.sums = state["epoch"], state["step"], state["sums"].to(self.where)
        self.core.load_state_dict(state["network"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.history = [Epoch(**figures) for figures in state["history"]]
        self.best, self.best_epoch, self.lowest = state["best"], state["best_epoch"], state["lowest"]

    def _one_epoch(self, between: Callable[[Pause], None]) -> None:
        head_only = self.epoch < self.head_epochs
        self.student.learn(head_only=head_only)
        model = self._shared()
        began, first = time.monotonic(), self.step
        ask = _ASK_CUDA if self.where.type == "cuda" else 1
        for batch in self.feed.epoch(self.epoch, start=self.step):
            self.student.train(head_only=head_only)
            self._one_step(model, batch)
            self.step += 1
            if self.step % ask == 0 and self.step < self.feed.steps:
                between(self._pause(None))
        self._loss()
        done = (self.step - first) * len(self.dataset.part("train")) / self.feed.steps
        epoch = self._validated("head" if head_only else "all", done / (time.monotonic() - began))
        self.history.append(epoch)
        self.epoch, self.step = self.epoch + 1, 0
        self.sums.zero_()
        between(self._pause(epoch))

    def _one_step(self, model: nn.Module, batch: Batch) -> None:
        place = self.epoch * self.feed.steps + self.step
        rates = rate_at(place, head_steps=self.head_epochs * self.feed.steps, steps=self.total)
        for group in self.optimizer.param_groups:
            group["lr"] = group["highest"] * rates[0 if group["of_head"] else 1]
        self.draws.begin(self.settings.seed, place, batch.first, len(batch.all_labels))
        images = batch.images.to(self.where, memory_format=torch.channels_last).float() / 255
        labels = batch.labels.to(self.where)
        with torch.autocast(self.where.type, self.precision, enabled=self.precision is not torch.float32):
            logits = model(images).float()
        each = F.cross_entropy(logits, labels, reduction="none") * self.weights[labels]
        # DistributedDataParallel takes the mean over processes; what is wanted is that over all pictures.
        whole = self.weights[batch.all_labels.to(self.where)].sum()
        loss = each.sum() / whole
        self.optimizer.zero_grad(set_to_none=True)
        (loss * self.team.size).backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_([p for p in self.core.parameters() if p.requires_grad], _CLIP)
        self.optimizer.step()
        with torch.no_grad():
            found = torch.stack([loss * len(batch.all_labels), (logits.argmax(1) == labels).sum()])
            if self.team.size > 1:
                dist.all_reduce(found)
            self.sums[:2] += found
            self.sums[2] += len(batch.all_labels)

    def _shared(self) -> nn.Module:
        """The network, its gradients averaged over all processes if there are several."""
        if self.team.size == 1:
            return self.student.network
        # The batch normalisations' averages are the same everywhere: nothing to hand round.
        return DistributedDataParallel(self.student.network, broadcast_buffers=False)

    def _loss(self) -> float:
        loss = float(self.sums[0] / self.sums[2])
        if not math.isfinite(loss):
            raise self._diverged()
        return loss

    def _diverged(self) -> WorkFailedError:
        return WorkFailedError(
            f"Epoch {self.epoch + 1}, step {self.step}: the loss is not a number any more. Start again with "
            f"a lower --learning-rate, such as {self.settings.learning_rate / 10:g}."
        )

    def _pause(self, epoch: Epoch | None) -> Pause:
        loss = epoch.loss if epoch else self._loss()
        done = self.epoch * self.feed.steps + self.step
        return Pause(done, self.total, loss, epoch, self.settings.epochs, self.state)

    def _validated(self, phase: str, speed: float) -> Epoch:
        held = self.dataset.part("val")
        labels = [self.dataset.examples[index].label for index in held]
        figures = measured(self.probabilities(held).numpy(), labels) if held else None
        loss = figures.loss if figures else None
        if loss is not None and not math.isfinite(loss):
            raise self._diverged()
        if loss is None or loss < self.lowest:
            self.lowest, self.best_epoch = loss if loss is not None else math.inf, self.epoch
            self.best = {name: value.detach().cpu().clone() for name, value in self.core.state_dict().items()}
        return Epoch(
            number=self.epoch + 1,
            phase=phase,
            loss=self._loss(),
            accuracy=float(self.sums[1] / self.sums[2]),
            val_loss=loss,
            val_accuracy=figures.accuracy if figures else None,
            rate=max(group["lr"] for group in self.optimizer.param_groups),
            pictures_per_second=round(speed, 1),
        )

    def _exhausted(self) -> bool:
        """Whether the validation has got no better for the epochs that were allowed."""
        patience = self.settings.patience
        waited = self.epoch - 1 - max(self.best_epoch, self.head_epochs)
        return bool(patience and self.dataset.part("val") and self.history and waited >= patience)


def _optimizer(student: Student, rate: float) -> torch.optim.Optimizer:
    groups: list[dict[str, Any]] = [
        {
            "params": parameters,
            "highest": rate * (1.0 if of_head or not student.origin.trained else _BODY),
            "of_head": of_head,
            "weight_decay": _DECAY if decays else 0.0,
        }
        for parameters, of_head, decays in student.groups()
    ]
    return torch.optim.AdamW(groups, lr=rate)


def _class_weights(dataset: Dataset, kind: str) -> Tensor:
    """A weight for each class, with which a picture's weight is 1 on average."""
    counts = torch.tensor(dataset.counts("train"), dtype=torch.float32)
    if kind == "none":
        return torch.ones(len(counts))
    return counts.sum() / (len(counts) * counts)
