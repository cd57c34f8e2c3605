"""``deepdesign mesh-fit``: the command line's view of the settings."""

from pathlib import Path
from typing import Any

import click

from techniques.mesh_fit.job import DEFAULT_VIEWS
from techniques.mesh_fit.settings import FitSettings
from techniques.meshes.options import faces_option, up_option
from techniques.options import shared_options
from techniques.setting_options import setting_options

_DEFAULT = FitSettings()
_setting = setting_options(_DEFAULT)


def _angles(context: click.Context, parameter: click.Parameter, value: str) -> tuple[float, float]:
    try:
        across, above = (float(angle) for angle in value.split(","))
    except ValueError:
        raise click.BadParameter(
            "give two angles with a comma, such as -45,45.", context, parameter
        ) from None
    return across, above


@click.command("mesh-fit", short_help="Move a mesh's vertices until its outlines are those of pictures.")
@click.argument("mesh")
@click.argument("guides", nargs=-1, required=True, metavar="GUIDE...")
@click.option(
    "--camera",
    "lines",
    multiple=True,
    metavar="VIEW",
    help="Whence the guide is seen, once for each: a name (front, plan, elevation-left ...), "
    f"AZIMUTH,ELEVATION, or key=value,... Default: {', '.join(DEFAULT_VIEWS[:3])} in order.",
)
@click.option("--cameras", "camera_file", metavar="FILE", help="The same, as a list in a YAML file.")
@_setting("size", "Side in pixels at which outlines are compared.")
@_setting("iterations", "Steps in all.")
@_setting("stiffness", "How far a vertex takes its neighbours along; 0 crumples, 100 moves big parts.")
@_setting("step", "How far a vertex may go in a step, in radii of the mesh.")
@_setting("smoothness", "How strongly neighbours move alike.")
@_setting("planarity", "How strongly flat faces stay flat, and straight edges straight.")
@_setting("shading", "How strongly light and dark inside the outline follow the guide's.")
@click.option(
    "--light",
    default=",".join(f"{angle:g}" for angle in _DEFAULT.light),
    show_default=True,
    callback=_angles,
    metavar="ACROSS,ABOVE",
    help="Where the guides' light comes from, in degrees to the right of the eye and above it.",
)
@_setting("threshold", "The lightness that divides a guide's shape from its ground.")
@_setting("invert", "Take the guides' ground for the shape.")
@_setting("align", "Move and scale each guide's shape to where the mesh is seen.")
@faces_option(_setting)
@up_option(_setting)
@_setting("turntable", "Leave a GIF and a WebP of the mesh turning once.")
@shared_options
def mesh_fit(
    mesh: str,
    guides: tuple[str, ...],
    lines: tuple[str, ...],
    camera_file: str | None,
    output: str | None,
    quiet: bool,
    as_json: bool,
    resume: bool,
    **chosen: Any,
) -> None:
    """Move the vertices of MESH until it has the outlines of the GUIDE pictures, each seen by its own camera.

    A guide is a silhouette: black on white, white on black, or opaque on transparent. The mesh comes back in
    its own units, axes, groups and polygons, with a record (run.json) and a report page beside it. -o takes
    a mesh's name (.obj, .glb) or a folder.
    """
    # Imported here: --help answers at once, and a mistake is reported before PyTorch is loaded.
    from techniques.errors import BadInputError
    from techniques.mesh_fit.job import plan_job
    from techniques.progress import progress_for, show_results
    from techniques.raster.views import read_cameras

    if lines and camera_file is not None:
        raise BadInputError("--camera and --cameras are both given. Take one of them.")
    job = plan_job(
        Path(mesh),
        [Path(path) for path in guides],
        cameras=lines if camera_file is None else read_cameras(Path(camera_file)),
        output=None if output is None else Path(output),
        settings=FitSettings(**chosen),
        resume=resume,
    )
    from techniques.mesh_fit.run import run_job

    record = run_job(job, progress_for(quiet=quiet, as_json=as_json))
    show_results(record, quiet=quiet, as_json=as_json)
