"""``deepdesign mesh-fit``: the command line's view of the settings."""

from pathlib import Path
from typing import Any

import click

from techniques.mesh_fit.job import DEFAULT_VIEWS
from techniques.mesh_fit.settings import FitSettings
from techniques.options import shared_options

_DEFAULT = FitSettings()


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
@click.option(
    "--size",
    type=int,
    default=_DEFAULT.size,
    show_default=True,
    help="Side in pixels at which outlines are compared.",
)
@click.option("--iterations", type=int, default=_DEFAULT.iterations, show_default=True, help="Steps in all.")
@click.option(
    "--stiffness",
    type=float,
    default=_DEFAULT.stiffness,
    show_default=True,
    help="How far a vertex takes its neighbours along; 0 crumples, 100 moves big parts.",
)
@click.option(
    "--step",
    type=float,
    default=_DEFAULT.step,
    show_default=True,
    help="How far a vertex may go in a step, in radii of the mesh.",
)
@click.option(
    "--smoothness",
    type=float,
    default=_DEFAULT.smoothness,
    show_default=True,
    help="How strongly neighbours move alike.",
)
@click.option(
    "--planarity",
    type=float,
    default=_DEFAULT.planarity,
    show_default=True,
    help="How strongly flat faces stay flat, and straight edges straight.",
)
@click.option(
    "--shading",
    type=float,
    default=_DEFAULT.shading,
    show_default=True,
    help="How strongly light and dark inside the outline follow the guide's.",
)
@click.option(
    "--light",
    default=",".join(f"{angle:g}" for angle in _DEFAULT.light),
    show_default=True,
    callback=_angles,
    metavar="ACROSS,ABOVE",
    help="Where the guides' light comes from, in degrees to the right of the eye and above it.",
)
@click.option(
    "--threshold",
    type=float,
    default=_DEFAULT.threshold,
    show_default=True,
    help="The lightness that divides a guide's shape from its ground.",
)
@click.option("--invert", is_flag=True, help="Take the guides' ground for the shape.")
@click.option("--align", is_flag=True, help="Move and scale each guide's shape to where the mesh is seen.")
@click.option(
    "--up",
    type=click.Choice(["auto", "y", "z"]),
    default=_DEFAULT.up,
    show_default=True,
    help="Which axis of the file points upwards.",
)
@click.option(
    "--turntable/--no-turntable",
    default=_DEFAULT.turntable,
    show_default=True,
    help="Leave a GIF and a WebP of the mesh turning once.",
)
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
