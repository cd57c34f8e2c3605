"""``deepdesign mesh-style``: the command line's view of the settings."""

from pathlib import Path
from typing import Any

import click

from techniques.mesh_style.settings import MeshStyleSettings
from techniques.options import shared_options

_DEFAULT = MeshStyleSettings()


def _names(context: click.Context, parameter: click.Parameter, value: str) -> tuple[str, ...]:  # noqa: ARG001
    return tuple(name.strip() for name in value.split(",") if name.strip())


def _shares(context: click.Context, parameter: click.Parameter, value: str) -> tuple[float, ...]:
    try:
        return tuple(float(share) for share in value.split(",") if share.strip())
    except ValueError:
        raise click.BadParameter(
            "give numbers with commas between, such as 2,1.", context, parameter
        ) from None


@click.command("mesh-style", short_help="Paint a mesh in the manner of pictures.")
@click.argument("mesh")
@click.argument("styles", nargs=-1, required=True, metavar="STYLE...")
@click.option(
    "--what",
    type=click.Choice(["texture", "geometry", "both"]),
    default=_DEFAULT.what,
    show_default=True,
    help="What changes: the colours on the surface, its form, or first the form and then the colours.",
)
@click.option(
    "--content-weight",
    type=float,
    default=_DEFAULT.content_weight,
    show_default=True,
    help="How strongly the look and form of the mesh are kept.",
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
    help="How strongly noise is held down; for geometry, crumpling.",
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
@click.option("--iterations", type=int, default=_DEFAULT.iterations, show_default=True, help="Steps in all.")
@click.option("--size", type=int, default=_DEFAULT.size, show_default=True, help="Side of a view in pixels.")
@click.option("--views", type=int, default=_DEFAULT.views, show_default=True, help="Cameras a step.")
@click.option(
    "--cameras",
    "camera_file",
    metavar="FILE",
    help="Cameras as a YAML list, taken in turn. Default: drawn anew each step, all round the mesh.",
)
@click.option(
    "--texture-size",
    type=int,
    default=_DEFAULT.texture_size,
    show_default=True,
    help="Side of the texture, a power of two.",
)
@click.option(
    "--start",
    type=click.Choice(["mesh", "noise"]),
    default=_DEFAULT.start,
    show_default=True,
    help="What the first texture is.",
)
@click.option(
    "--background",
    type=click.Choice(["style", "white", "grey", "black"]),
    default=_DEFAULT.background,
    show_default=True,
    help="Behind the mesh; style is the style's mean colour.",
)
@click.option(
    "--light",
    type=click.Choice(["auto", "flat", "sun"]),
    default=_DEFAULT.light,
    show_default=True,
    help="Whether shading is seen besides the texture; auto: for geometry only.",
)
@click.option(
    "--up",
    type=click.Choice(["auto", "y", "z"]),
    default=_DEFAULT.up,
    show_default=True,
    help="Which axis of the file points upwards.",
)
@click.option(
    "--turntable",
    type=int,
    default=_DEFAULT.turntable,
    show_default=True,
    help="Pictures of the turntable; 0: none.",
)
@click.option("--faces", type=int, help="Reduce the mesh to so many triangles first. Default: never.")
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
@shared_options
def mesh_style(
    mesh: str,
    styles: tuple[str, ...],
    camera_file: str | None,
    output: str | None,
    quiet: bool,
    as_json: bool,
    resume: bool,
    **chosen: Any,
) -> None:
    """Paint MESH (.obj, .glb, .gltf, .ply, .stl) in the manner of one or more STYLE pictures.

    The mesh comes back in its own units, axes, groups and polygons, as OBJ with MTL and PNG and as GLB, with
    a turntable, a record (run.json) and a report page in which it can be turned about, before and after.
    -o takes a mesh's name (.obj, .glb) or a folder.
    """
    # Imported here: --help answers at once.
    from techniques.mesh_style.job import plan_job
    from techniques.progress import progress_for, show_results
    from techniques.raster.views import read_cameras

    job = plan_job(
        Path(mesh),
        [Path(path) for path in styles],
        cameras=read_cameras(Path(camera_file)) if camera_file is not None else (),
        output=None if output is None else Path(output),
        settings=MeshStyleSettings(**chosen),
        resume=resume,
    )
    from techniques.mesh_style.run import run_job

    record = run_job(job, progress_for(quiet=quiet, as_json=as_json))
    show_results(record, quiet=quiet, as_json=as_json)
