"""What is to be dreamt, checked before anything slow begins. Needs no PyTorch."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from techniques.dream.settings import DreamSettings
from techniques.dream.wishes import class_wish, layer_wish
from techniques.errors import BadInputError
from techniques.pictures import Picture, read_picture
from techniques.runs import PICTURE, Kind, Place, occupied, place_for
from techniques.sizes import result_size
from techniques.weights.registry import entry_named, registry

__all__ = ["NOISE", "Job", "names_folder", "plan_job"]

NOISE = "noise"  # in the place of a picture, as in the course's command


@dataclass(frozen=True)
class Job:
    """A dream whose inputs are in order. ``size`` is width and height in pixels; ``source`` None is noise."""

    source: Path | None
    mask_source: Path | None
    before: Picture
    mask: Picture | None
    size: tuple[int, int]
    place: Place
    settings: DreamSettings
    resume: bool


def plan_job(
    image: Path,
    *,
    mask: Path | None = None,
    output: Path | None,
    settings: DreamSettings,
    resume: bool,
    kind: Kind = PICTURE,
) -> Job:
    """Read the pictures and decide size and place.

    Raises:
        BadInputError: a picture, a size, a name or the output cannot be used.
    """
    source = None if str(image) == NOISE and not image.exists() else image
    before = (
        read_picture(source)
        if source
        else Picture(np.full((settings.size, settings.size, 3), 0.5, dtype=np.float32))
    )
    where = None if mask is None else read_picture(mask)
    if where is not None and not (where.over_white().mean(axis=-1) > 0.5).any():
        raise BadInputError(f"--mask: nothing in {mask} is white. White is where the picture may change.")
    size = result_size(before.size, size=settings.size, width=settings.width, height=settings.height)
    for text in settings.classes:
        class_wish(text)
    for text in settings.layers:
        layer_wish(text)
    for name in settings.weights.split(","):
        if not names_folder(name.strip()) and name.strip() != "auto":
            entry_named(name.strip())
    place = place_for(output, resume=resume, kind=kind)
    for taken in (source, mask):
        if taken is not None and place.picture.resolve() == taken.resolve():
            raise BadInputError(
                f"-o {place.picture} is one of the inputs, which would be lost. Choose another name."
            )
    with occupied(place):
        pass  # so that an output that cannot be written is refused now; the run itself enters again
    return Job(source, mask, before, where, size, place, settings, resume)


def names_folder(name: str) -> bool:
    """Whether ``--weights name`` means a folder that ``train`` wrote rather than a registered network."""
    return name not in registry() and name != "auto" and ("/" in name or Path(name).is_dir())
