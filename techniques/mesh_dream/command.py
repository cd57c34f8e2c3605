"""``deepdesign mesh-dream``: the command line's view of the settings."""

from pathlib import Path
from typing import Any

import click

from techniques.options import shared_options

_HELP = {
    "iterations": "Steps in all.",
    "views": "Cameras a step.",
    "strength": "How far a step goes; 0.5 is subtle, 2 is bold.",
    "smoothness": "How strongly noise (for geometry: crumpling) is held down.",
    "keep": "How strongly the form stays where it was; for geometry.",
    "texture-size": "Side of the texture in texels, a power of two.",
    "turntable": "Pictures of the turntable; 0: none.",
}
_DEFAULTS: dict[str, int | float] = {
    "iterations": 100,
    "views": 4,
    "strength": 1.0,
    "smoothness": 1.0,
    "keep": 1.0,
    "texture-size": 512,
    "turntable": 36,
}


def _numbers(command: Any) -> Any:
    for name, default in reversed(_DEFAULTS.items()):
        command = click.option(
            f"--{name}", type=type(default), default=default, show_default=True, help=_HELP[name]
        )(command)
    return command


@click.command("mesh-dream", short_help="Change a mesh until networks see in it what was asked for.")
@click.argument("mesh")
@click.option(
    "--class",
    "classes",
    multiple=True,
    metavar="NAME[=WEIGHT]",
    help="What is to be seen; may be given more than once. `deepdesign dream --list` shows all.",
)
@click.option(
    "--layer",
    "layers",
    multiple=True,
    metavar="MODULE[:CHANNEL][=WEIGHT]",
    help="A layer of the network, or a channel of it.",
)
@click.option("--amplify", is_flag=True, help="More of what the network sees there already.")
@click.option(
    "--what",
    type=click.Choice(["texture", "geometry", "both"]),
    default="texture",
    show_default=True,
    help="What changes: the colours, the form, or first the form and then the colours.",
)
@_numbers
@click.option(
    "--cameras", "camera_file", metavar="FILE", help="Cameras as a list in a YAML file. Default: random."
)
@click.option(
    "--up",
    type=click.Choice(["auto", "y", "z"]),
    default="auto",
    show_default=True,
    help="Which axis of the file points upwards.",
)
@click.option(
    "--weights",
    metavar="NAMES",
    default="auto",
    show_default=True,
    help="Networks that dream: names of `deepdesign weights list`, or folders of `train`, commas between.",
)
@click.option(
    "--judges",
    metavar="NAMES",
    default="auto",
    show_default=True,
    help="Networks that only look at what comes out; none: nobody.",
)
@shared_options
def mesh_dream(
    mesh: str,
    camera_file: str | None,
    output: str | None,
    quiet: bool,
    as_json: bool,
    resume: bool,
    **chosen: Any,
) -> None:
    """Change colours or form of MESH (.obj, .glb, .gltf, .ply, .stl) until networks see a class in it.

    The mesh comes back in its own units, axes, groups and polygons, with a record (run.json) and a report
    page in which it can be turned about. Networks that took no part say what they see, from cameras that
    took no part. -o takes a mesh's name (.obj, .glb) or a folder.
    """
    # Imported here: --help answers at once.
    from techniques.mesh_dream.job import plan_job
    from techniques.mesh_dream.settings import MeshDreamSettings
    from techniques.progress import progress_for, show_results
    from techniques.raster.views import read_cameras

    job = plan_job(
        Path(mesh),
        cameras=tuple(read_cameras(Path(camera_file))) if camera_file is not None else (),
        output=None if output is None else Path(output),
        settings=MeshDreamSettings(**chosen),
        resume=resume,
    )
    from techniques.mesh_dream.run import run_job

    record = run_job(job, progress_for(quiet=quiet, as_json=as_json))
    show_results(record, quiet=quiet, as_json=as_json)
