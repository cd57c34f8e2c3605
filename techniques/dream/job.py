"""What is to be dreamt, checked before anything slow begins. Needs no PyTorch."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from techniques.dream.regions import white
from techniques.dream.settings import DreamSettings
from techniques.dream.wishes import class_wish, layer_wish
from techniques.errors import BadInputError
from techniques.pictures import Picture, fit, read_mask, read_picture, require_holds
from techniques.runs import PICTURE, Kind, Place, occupied, place_for
from techniques.sizes import result_size
from techniques.weights.registry import entry_named, registry

__all__ = ["NOISE", "Job", "names_folder", "plan_job"]

NOISE = "noise"  # in the place of a picture, as in the course's command


@dataclass(frozen=True)
class Job:
    """A dream whose inputs are in order. ``size`` is width and height in pixels, and ``mask`` has it already;
    ``source`` None is noise.
    """

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
    photo = read_picture(source) if source else None
    size = result_size(
        photo.size if photo else (settings.size, settings.size),
        size=settings.size,
        width=settings.width,
        height=settings.height,
    )
    before = photo or Picture(np.full((size[1], size[0], 3), 0.5, dtype=np.float32))
    where = None if mask is None else _mask(mask, before, image, size)
    for text in settings.classes:
        class_wish(text)
    for text in settings.layers:
        layer_wish(text)
    for name in settings.weights.split(","):
        if not names_folder(name.strip()) and name.strip() != "auto":
            entry_named(name.strip())
    place = place_for(output, resume=resume, kind=kind)
    require_holds(place.picture, size)
    for taken in (source, mask):
        if taken is not None and place.picture.resolve() == taken.resolve():
            raise BadInputError(
                f"-o {place.picture} is one of the inputs, which would be lost. Choose another name."
            )
    with occupied(place):
        pass  # so that an output that cannot be written is refused now; the run itself enters again
    return Job(source, mask, before, where, size, place, settings, resume)


def _mask(path: Path, before: Picture, image: Path, size: tuple[int, int]) -> Picture:
    """The mask at ``path``, cropped to ``size`` as the picture is."""
    drawn = read_mask(path, "--mask", before, image)
    mask = fit(drawn, size)
    if not white(mask).any():
        cropped = f" behind cropping to {size[0]} x {size[1]} pixels" if white(drawn).any() else ""
        raise BadInputError(
            f"--mask: nothing in {path} is white{cropped}. White is where the picture may change."
        )
    return mask


def names_folder(name: str) -> bool:
    """Whether ``--weights name`` means a folder that ``train`` wrote rather than a registered network."""
    return name not in registry() and name != "auto" and ("/" in name or Path(name).is_dir())
