"""``deepdesign dream``: the command line's view of the settings."""

import json
from pathlib import Path
from typing import Any

import click

from techniques.dream.settings import DreamSettings
from techniques.options import picture_size_options, shared_options
from techniques.setting_options import setting_options

# Something has to be dreamt of; the other defaults are the same whatever it is.
_setting = setting_options(DreamSettings(classes=("fountain",)))


@click.command(short_help="Let a network see something in a picture that was not there.")
@click.argument("image", required=False)
@click.option(
    "--class",
    "classes",
    multiple=True,
    metavar="NAME",
    help="What to dream of. Given several times: all in one picture; NAME=2 or NAME=-0.5 weighs it. "
    "`all`: one picture for each class.",
)
@click.option("--each", is_flag=True, help="One picture for each --class, and a sheet of them all.")
@click.option(
    "--list", "list_classes", is_flag=True, help="Show the classes that the network knows, and end."
)
@click.option(
    "--layer",
    "layers",
    multiple=True,
    metavar="NAME",
    help="Dream of a layer: MODULE, MODULE:CHANNEL, or MODULE:CHANNEL:X,Y for one neuron.",
)
@_setting("amplify", "More of what the network sees there already.")
@_setting(
    "weights",
    "Networks of `deepdesign weights list`, or folders of `deepdesign train`; several with commas.",
    metavar="NAMES",
)
@_setting("judges", "Networks that judge the result; `none` for none.", metavar="NAMES")
@_setting("strength", "How far the picture may change.")
@click.option("--mask", metavar="PICTURE", help="Of IMAGE's size: white where the picture may change.")
@picture_size_options(_setting)
@_setting("iterations", "Steps in all, over all octaves.")
@_setting("octaves", "How many sizes, from coarse to fine. Default: as many as the size needs.")
@_setting("smoothness", "How strongly noise is held down.")
@_setting("views", "Random parts of the picture that a step looks at.")
@_setting(
    "closest", "The smallest of those parts, as a share of the shorter side: smaller makes smaller things."
)
@_setting("turn", "How far they are turned, degrees.")
@_setting("mirror", "Whether half are mirrored.")
@_setting("start", "What the first picture is.")
@click.option(
    "--zoom", type=int, metavar="FRAMES", help="A film: each frame goes deeper into the one before."
)
@click.option("--zoom-by", type=float, default=1.04, show_default=True, help="How much larger each frame is.")
@click.option(
    "--zoom-iterations", type=int, default=8, show_default=True, help="Steps for each frame after the first."
)
@shared_options
def dream(
    image: str | None,
    output: str | None,
    mask: str | None,
    each: bool,
    list_classes: bool,
    zoom: int | None,
    zoom_by: float,
    zoom_iterations: int,
    quiet: bool,
    as_json: bool,
    resume: bool,
    **chosen: Any,
) -> None:
    """Dream into the picture IMAGE (or "noise") until networks see in it what was asked for.

    Networks that took no part say what they see before and after: in the output, in run.json, and on the
    report page beside the picture. --list shows the classes.
    """
    if list_classes:
        _list(chosen["weights"], as_json=as_json)
        return
    if image is None:
        raise click.UsageError("Missing argument 'IMAGE'.", click.get_current_context())
    # Imported here: --help answers at once, and a mistake is reported before PyTorch is loaded.
    from techniques.progress import progress_for, show_results

    said = progress_for(quiet=quiet, as_json=as_json)
    settings = DreamSettings(**chosen)
    place = None if output is None else Path(output)
    where = None if mask is None else Path(mask)
    if zoom is not None:
        if each or "all" in settings.classes:
            raise click.UsageError("--zoom makes one film of one dream; leave --each and `all` away.")
        from techniques.dream.zoom import Zoom, dream_zoom

        record = dream_zoom(
            Path(image),
            Zoom(frames=zoom, factor=zoom_by, iterations=zoom_iterations),
            mask=where,
            output=place,
            settings=settings,
            resume=resume,
            progress=said,
        )
    elif each or "all" in settings.classes:
        from techniques.dream.sheet import dream_each

        record = dream_each(
            Path(image), mask=where, output=place, settings=settings, resume=resume, progress=said
        )
    else:
        from techniques.dream.job import plan_job

        job = plan_job(Path(image), mask=where, output=place, settings=settings, resume=resume)
        from techniques.dream.run import run_job

        record = run_job(job, said)
    show_results(record, quiet=quiet, as_json=as_json)


def _list(weights: str, *, as_json: bool) -> None:
    from techniques.classifiers.classifier import obtain_classifier
    from techniques.progress import progress_for

    said = progress_for(quiet=False, as_json=False)
    for name in weights.split(","):
        found = obtain_classifier(
            name.strip(),
            announce=said.say,
            report=lambda done, total: said.advance("fetching", done, total, {}),
        )
        said.end()
        if as_json:
            click.echo(json.dumps({"network": found.name, "classes": list(found.classes)}))
        else:
            click.echo("\n".join(found.classes))
