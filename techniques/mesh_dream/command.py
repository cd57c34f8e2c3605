"""``deepdesign mesh-dream``: the command line's view of the settings."""

from pathlib import Path
from typing import Any

import click

from techniques.mesh_dream.settings import MeshDreamSettings
from techniques.meshes.options import faces_option, turntable_option, up_option
from techniques.options import shared_options
from techniques.setting_options import setting_options

# Something has to be dreamt of; the other defaults are the same whatever it is.
_setting = setting_options(MeshDreamSettings(classes=("fountain",)))


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
@_setting("amplify", "More of what the network sees there already.")
@_setting("what", "What changes: the colours, the form, or first the form and then the colours.")
@_setting("iterations", "Steps in all.")
@_setting("views", "Cameras a step.")
@_setting("strength", "How far a step goes; 0.5 is subtle, 2 is bold.")
@_setting("smoothness", "How strongly noise (for geometry: crumpling) is held down.")
@_setting("keep", "How strongly the form stays where it was; for geometry.")
@_setting("texture_size", "Side of the texture in texels, a power of two.")
@turntable_option(_setting)
@click.option(
    "--cameras", "camera_file", metavar="FILE", help="Cameras as a list in a YAML file. Default: random."
)
@faces_option(_setting)
@up_option(_setting)
@_setting(
    "weights",
    "Networks that dream: names of `deepdesign weights list`, or folders of `train`, commas between.",
    metavar="NAMES",
)
@_setting("judges", "Networks that only look at what comes out; none: nobody.", metavar="NAMES")
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
