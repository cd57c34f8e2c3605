"""``deepdesign style``: the command line's view of the settings."""

from pathlib import Path
from typing import Any

import click

from techniques.options import shared_options
from techniques.style.settings import StyleSettings

_DEFAULT = StyleSettings()


def _names(context: click.Context, parameter: click.Parameter, value: str) -> tuple[str, ...]:  # noqa: ARG001
    return tuple(name.strip() for name in value.split(",") if name.strip())


def _shares(context: click.Context, parameter: click.Parameter, value: str) -> tuple[float, ...]:
    try:
        return tuple(float(share) for share in value.split(",") if share.strip())
    except ValueError:
        raise click.BadParameter(
            "give numbers with commas between, such as 2,1.", context, parameter
        ) from None


@click.command(short_help="Paint a picture in the manner of others.")
@click.argument("content")
@click.argument("styles", nargs=-1, required=True, metavar="STYLE...")
@click.option(
    "--preset",
    type=click.Choice(["subtle", "balanced", "bold"]),
    default="balanced",
    show_default=True,
    help="Weights by intent; options that are given come before it.",
)
@click.option(
    "--preview", is_flag=True, help="The same at 224 px in seconds, to look at before the long run."
)
@click.option(
    "--sweep",
    metavar="VALUES",
    help="A picture for each style weight, such as 0.3,1,3 (or content-weight=1,5,20), on a contact sheet.",
)
@click.option(
    "--sequence",
    is_flag=True,
    help="CONTENT is a folder of frames: each begins with the one before, so that a film does not flicker.",
)
@click.option(
    "--size",
    type=int,
    default=_DEFAULT.size,
    show_default=True,
    help="Longer side in pixels; the aspect is kept.",
)
@click.option(
    "--width", type=int, help="In pixels. With --height: crop to fill, never stretch. Alone: keep the aspect."
)
@click.option("--height", type=int, help="In pixels; see --width.")
@click.option(
    "--content-weight",
    type=float,
    default=_DEFAULT.content_weight,
    show_default=True,
    help="How strongly forms are kept.",
)
@click.option(
    "--style-weight",
    type=float,
    default=_DEFAULT.style_weight,
    show_default=True,
    help="How strongly textures and colours are sought.",
)
@click.option(
    "--smoothness",
    type=float,
    default=_DEFAULT.smoothness,
    show_default=True,
    help="How strongly noise is held down.",
)
@click.option(
    "--blend",
    metavar="SHARES",
    default="",
    callback=_shares,
    help="How much of each style, such as 2,1. Default: equally.",
)
@click.option(
    "--style-scale",
    type=float,
    default=_DEFAULT.style_scale,
    show_default=True,
    help="Size of the style's textures; below 1 is finer.",
)
@click.option(
    "--keep-colors", is_flag=True, help="Take the style's light and dark only; the content keeps its colours."
)
@click.option(
    "--colors",
    type=click.Choice(["style", "luminance", "histogram", "wasserstein"]),
    default=_DEFAULT.colors,
    show_default=True,
    help="Whose colours: the style's, or (in three ways) the content's.",
)
@click.option(
    "--mask",
    metavar="PNG",
    help="Regions of CONTENT by colour, of its size: black keeps the content. See docs/style.md.",
)
@click.option(
    "--style-mask",
    "style_masks",
    metavar="PNG",
    multiple=True,
    help="The same regions, by the same colours, of a STYLE; once for each.",
)
@click.option(
    "--regions",
    type=int,
    default=_DEFAULT.regions,
    show_default=True,
    help="Instead of masks: so many regions by the pictures' own colours, dark to light.",
)
@click.option(
    "--style-loss",
    type=click.Choice(["gram", "moments", "wasserstein"]),
    default=_DEFAULT.style_loss,
    show_default=True,
    help="What is compared of textures.",
)
@click.option(
    "--pooling",
    type=click.Choice(["max", "average", "l2"]),
    default=_DEFAULT.pooling,
    show_default=True,
    help="How the network's layers are made smaller.",
)
@click.option(
    "--padding",
    type=click.Choice(["replicate", "zeros"]),
    default=_DEFAULT.padding,
    show_default=True,
    help="What the network sees beyond the edge.",
)
@click.option(
    "--iterations",
    type=int,
    default=_DEFAULT.iterations,
    show_default=True,
    help="Steps in all, over all sizes of the pyramid.",
)
@click.option(
    "--optimizer",
    type=click.Choice(["lbfgs", "adam"]),
    default=_DEFAULT.optimizer,
    show_default=True,
    help="adam takes less memory.",
)
@click.option(
    "--start",
    type=click.Choice(["content", "noise"]),
    default=_DEFAULT.start,
    show_default=True,
    help="What the first picture is.",
)
@click.option(
    "--content-layers",
    metavar="NAMES",
    default=",".join(_DEFAULT.content_layers),
    show_default=True,
    callback=_names,
    help="Where forms are compared.",
)
@click.option(
    "--style-layers",
    metavar="NAMES",
    default=",".join(_DEFAULT.style_layers),
    show_default=True,
    callback=_names,
    help="Where textures are compared.",
)
@click.option(
    "--weights",
    metavar="NAME",
    default=_DEFAULT.weights,
    show_default=True,
    help="The network, as `deepdesign weights list` names it.",
)
@click.option(
    "--precision",
    type=click.Choice(["auto", "float32", "bfloat16"]),
    default=_DEFAULT.precision,
    show_default=True,
    help="Of the convolutions; auto takes bfloat16 where the processor has it.",
)
@click.option(
    "--memory",
    metavar="AMOUNT",
    help="What the run may hold in all, such as 6GB; larger pictures are then made in tiles. "
    "Default: most of what is free.",
)
@shared_options
@click.pass_context
def style(
    context: click.Context,
    /,
    content: str,
    styles: tuple[str, ...],
    output: str | None,
    quiet: bool,
    as_json: bool,
    resume: bool,
    mask: str | None,
    style_masks: tuple[str, ...],
    preset: str,
    preview: bool,
    sweep: str | None,
    sequence: bool,
    **chosen: Any,
) -> None:
    """Paint the picture CONTENT in the manner of one or more STYLE pictures.

    CONTENT may be a folder of pictures. The defaults are a balance that holds at every size; --preset bold
    and --preset subtle lean from it. Beside the picture come a record (run.json) and a report page (HTML)
    with a before/after slider.
    """
    # Imported here: --help answers at once, and a mistake is reported before PyTorch is loaded.
    from techniques.progress import progress_for, show_results
    from techniques.style import batch, job, presets

    given = {
        name: value
        for name, value in chosen.items()
        if context.get_parameter_source(name) is not click.core.ParameterSource.DEFAULT
    }
    settings = presets.preset(preset, **given)
    if preview:
        settings = presets.preview_of(settings)
    inputs: dict[str, Any] = {
        "output": None if output is None else Path(output),
        "settings": settings,
        "mask": None if mask is None else Path(mask),
        "style_masks": [Path(one) for one in style_masks],
        "resume": resume,
    }
    paints = [Path(path) for path in styles]
    said = progress_for(quiet=quiet, as_json=as_json)
    many = batch.plan_many(Path(content), paints, sweep=sweep, sequence=sequence, **inputs)
    one = None if many else job.plan_job(Path(content), paints, **inputs)
    if preview:
        said.say(f"A preview: {settings.size} px at most, {settings.iterations} steps.")
    if many:
        record = batch.run_batch(many, said)
    elif one:
        from techniques.style.run import run_job

        record = run_job(one, said)
    show_results(record, quiet=quiet, as_json=as_json)
