"""What is to be done, checked before anything slow begins: pictures read, size known, place chosen."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from techniques.errors import BadInputError
from techniques.layers import LAYERS, require_layers
from techniques.pictures import Picture, read_picture, require_holds
from techniques.runs import Place, occupied, place_for, refuse_taken
from techniques.sizes import SMALLEST, result_size
from techniques.style.masks import Masks, colour_regions, drawn_regions
from techniques.style.presets import preview_of
from techniques.style.settings import StyleSettings
from techniques.weights.registry import entry_named

__all__ = ["Job", "plan_job", "preview_file"]


@dataclass(frozen=True)
class Job:
    """A run of style transfer whose inputs are in order. ``size`` is width and height in pixels."""

    sources: tuple[Path, ...]
    before: Picture
    styles: tuple[Picture, ...]
    size: tuple[int, int]
    place: Place
    settings: StyleSettings
    resume: bool
    mask: Path | None = None
    style_masks: tuple[Path, ...] = ()
    masks: Masks | None = None
    """The regions that the masks, or the pictures' own colours, make."""
    initial: Picture | None = None
    """What the work begins with, at full size: the frame before, in a sequence."""


def plan_job(
    content: Path,
    styles: Sequence[Path],
    *,
    output: Path | None,
    settings: StyleSettings,
    resume: bool,
    mask: Path | None = None,
    style_masks: Sequence[Path] = (),
    preview: bool = False,
) -> Job:
    """Read the pictures and decide size and place. Needs no PyTorch, so that mistakes are reported at once.

    With ``preview``, what is planned is a small picture in a few steps.

    Raises:
        BadInputError: a picture, a mask, a size, the network or the output cannot be used.
    """
    if not styles:
        raise BadInputError("At least one style picture is needed. Name it behind the content picture.")
    if settings.blend and len(settings.blend) != len(styles):
        raise BadInputError(
            f"--blend has {len(settings.blend)} shares for {len(styles)} style pictures. Give one for each."
        )
    before = read_picture(content)
    if preview:
        settings = preview_of(settings, before.size)
    size = result_size(before.size, size=settings.size, width=settings.width, height=settings.height)
    paints = tuple(_style(path, before) for path in styles)
    masks = _masks(content, styles, before, paints, settings, mask, style_masks)
    place = place_for(output, resume=resume)
    require_holds(place.picture, size)
    _require_known_layers(settings)
    sources = (content, *styles)
    used = [*sources, *style_masks, *([mask] if mask else [])]
    if place.picture.resolve() in [path.resolve() for path in used]:
        raise BadInputError(
            f"-o {place.picture} is one of the inputs, which would be lost. Choose another name."
        )
    # Written and removed again while a run works; one that was interrupted has left it.
    interrupted, advice = place.checkpoint.exists(), "Move it away, or choose another name."
    refuse_taken(place.picture, [preview_file(place)], ours=interrupted, inputs=used, advice=advice)
    with occupied(place):
        pass  # so that an output that cannot be written is refused now; the run itself enters again
    return Job(sources, before, paints, size, place, settings, resume, mask, tuple(style_masks), masks)


def preview_file(place: Place) -> Path:
    """The picture as it is while a run works at ``place``."""
    return place.result.with_name(f"{place.result.stem}.preview.jpg")


def _masks(
    content: Path,
    styles: Sequence[Path],
    before: Picture,
    paints: Sequence[Picture],
    settings: StyleSettings,
    mask: Path | None,
    style_masks: Sequence[Path],
) -> Masks | None:
    if mask is None and style_masks:
        raise BadInputError("--style-mask needs a --mask that says where its regions lie in the content.")
    if mask is not None and settings.regions:
        raise BadInputError("--mask and --regions both say what the regions are. Leave one away.")
    if mask is not None:
        return drawn_regions(mask, style_masks, before, paints, (content, *styles))
    return colour_regions(settings.regions, before, paints, styles) if settings.regions else None


def _require_known_layers(settings: StyleSettings) -> None:
    wanted = {*settings.content_layers, *settings.style_layers}
    if settings.weights == "auto":
        require_layers(wanted, max(LAYERS.values(), key=len))  # which network it is, is known later
        return
    entry = entry_named(settings.weights)
    if entry.network not in LAYERS:
        raise BadInputError(
            f"--weights {entry.name} is a {entry.network}, which style transfer does not work with. "
            "Choose another; `deepdesign weights list` shows them."
        )
    require_layers(wanted, LAYERS[entry.network])


def _style(path: Path, content: Picture) -> Picture:
    picture = read_picture(path, profile=content.profile, convert=True)
    if min(picture.size) < SMALLEST:
        raise BadInputError(
            f"{path} is {picture.size[0]} x {picture.size[1]} pixels; a style needs at least "
            f"{SMALLEST} a side. Take a larger picture."
        )
    return picture
