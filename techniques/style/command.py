"""``deepdesign style``: the command line's view of the settings."""

from pathlib import Path
from typing import Any

import click

from techniques.options import picture_size_options, shared_options
from techniques.setting_options import setting_options
from techniques.style.options import network_options, texture_options
from techniques.style.settings import StyleSettings

_setting = setting_options(StyleSettings())


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
@picture_size_options(_setting)
@_setting("content_weight", "How strongly forms are kept.")
@_setting("style_weight", "How strongly textures and colours are sought.")
@_setting("smoothness", "How strongly noise is held down.")
@texture_options(_setting)
@_setting("keep_colors", "Take the style's light and dark only; the content keeps its colours.")
@_setting("colors", "Whose colours: the style's, or (in three ways) the content's.")
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
@_setting("regions", "Instead of masks: so many regions by the pictures' own colours, dark to light.")
@_setting("style_loss", "What is compared of textures.")
@_setting("pooling", "How the network's layers are made smaller.")
@_setting("padding", "What the network sees beyond the edge.")
@_setting("iterations", "Steps in all, over all sizes of the pyramid.")
@_setting("optimizer", "adam takes less memory.")
@_setting("start", "What the first picture is.")
@network_options(_setting)
@_setting(
    "memory",
    "What the run may hold in all, such as 6GB; larger pictures are then made in tiles. "
    "Default: most of what is free.",
    metavar="AMOUNT",
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
    inputs: dict[str, Any] = {
        "output": None if output is None else Path(output),
        "settings": settings,
        "mask": None if mask is None else Path(mask),
        "style_masks": [Path(one) for one in style_masks],
        "resume": resume,
        "preview": preview,
    }
    paints = [Path(path) for path in styles]
    said = progress_for(quiet=quiet, as_json=as_json)

    def announce(planned: StyleSettings) -> None:
        if preview:
            said.say(f"A preview: {planned.size} px at most, {planned.iterations} steps.")

    if many := batch.plan_many(Path(content), paints, sweep=sweep, sequence=sequence, **inputs):
        announce(many.items[0].settings)
        record = batch.run_batch(many, said)
    else:
        one = job.plan_job(Path(content), paints, **inputs)
        announce(one.settings)
        from techniques.style.run import run_job

        record = run_job(one, said)
    show_results(record, quiet=quiet, as_json=as_json)
