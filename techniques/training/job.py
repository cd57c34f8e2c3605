"""What is to be trained, checked before anything slow begins."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from techniques.classifiers.record import RECORD, WEIGHTS
from techniques.errors import BadInputError
from techniques.runs import Kind, Place, is_ours, occupied, place_in, refuse_taken, weights_folder
from techniques.training.settings import TrainSettings

__all__ = ["Job", "plan_job"]


_CLASSIFIER = Kind("classifier", (), WEIGHTS)
_BOARDS = "tensorboard"


@dataclass(frozen=True)
class Job:
    """A training whose arguments are in order; ``place.result`` is the file of weights."""

    dataset: Path
    place: Place
    settings: TrainSettings
    resume: bool

    @property
    def boards(self) -> Path:
        """The folder of the curves."""
        return self.place.result.parent / _BOARDS

    @property
    def arguments(self) -> dict[str, Any]:
        """What ``run.json`` says was asked for."""
        return {
            "dataset": str(self.dataset),
            "output": str(self.place.result.parent),
            **asdict(self.settings),
        }


def plan_job(
    dataset: Path,
    *,
    output: Path | None,
    settings: TrainSettings,
    resume: bool,
    environment: dict[str, str],
) -> Job:
    """Choose the folder, and see that dataset and folder are there and can be used.

    Raises:
        BadInputError: one of them cannot.
    """
    if not dataset.is_dir():
        what = "is not a folder" if dataset.exists() else "does not exist"
        raise BadInputError(
            f"{dataset} {what}. Name a folder that has one folder of pictures for each class."
        )
    dataset = dataset.absolute()
    name = dataset.resolve().name or "classifier"
    if output is None:
        place = place_in(weights_folder(environment) / name, _CLASSIFIER, fresh=True, resume=resume)
    else:
        place = place_in(output, _CLASSIFIER, fresh=False)
    folder = place.result.parent
    if folder.resolve().is_relative_to(dataset.resolve()):
        raise BadInputError(
            f"-o {folder} is inside the dataset, where it would count as a class. Choose another folder."
        )
    advice = "Choose another folder."
    refuse_taken(folder, [folder / RECORD], ours=is_ours(place, "train"), advice=advice)
    if not (boards := folder / _BOARDS).is_dir():
        refuse_taken(folder, [boards], ours=False, advice=advice)
    with occupied(place):
        pass  # so that a folder that cannot be written is refused now; the run itself enters again
    return Job(dataset, place, settings, resume)
