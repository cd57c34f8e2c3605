"""``deepdesign mesh-style``: the command line's view of the settings."""

from pathlib import Path
from typing import Any

import click

from techniques.mesh_style.settings import MeshStyleSettings
from techniques.meshes.options import faces_option, turntable_option, up_option
from techniques.options import shared_options
from techniques.setting_options import setting_options
from techniques.style.options import network_options, texture_options

_setting = setting_options(MeshStyleSettings())


@click.command("mesh-style", short_help="Paint a mesh in the manner of pictures.")
@click.argument("mesh")
@click.argument("styles", nargs=-1, required=True, metavar="STYLE...")
@_setting(
    "what", "What changes: the colours on the surface, its form, or first the form and then the colours."
)
@_setting("content_weight", "How strongly the look and form of the mesh are kept.")
@_setting("style_weight", "How strongly textures and colours are sought.")
@_setting("smoothness", "How strongly noise is held down; for geometry, crumpling.")
@texture_options(_setting)
@_setting("iterations", "Steps in all.")
@_setting("size", "Side of a view in pixels.")
@_setting("views", "Cameras a step.")
@click.option(
    "--cameras",
    "camera_file",
    metavar="FILE",
    help="Cameras as a YAML list, taken in turn. Default: drawn anew each step, all round the mesh.",
)
@_setting("texture_size", "Side of the texture, a power of two.")
@_setting("start", "What the first texture is.")
@_setting("background", "Behind the mesh; style is the style's mean colour.")
@_setting("light", "Whether shading is seen besides the texture; auto: for geometry only.")
@up_option(_setting)
@turntable_option(_setting)
@faces_option(_setting)
@network_options(_setting)
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
