"""What is to be done, checked before anything slow begins: inputs read, cameras known, place chosen."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from techniques.errors import BadInputError
from techniques.mesh_style.settings import MeshStyleSettings
from techniques.meshes.decimate import reduced
from techniques.meshes.mesh import Mesh
from techniques.meshes.outputs import refuse_losses
from techniques.meshes.read import read_mesh
from techniques.pictures import Picture, read_picture
from techniques.raster.cameras import Camera
from techniques.runs import MESH, Place, occupied, place_for
from techniques.sizes import SMALLEST
from techniques.weights.registry import entry_named

__all__ = ["Job", "plan_job"]


@dataclass(frozen=True)
class Job:
    """A run of mesh-style whose inputs are in order. ``notes`` are for the person who waits."""

    sources: tuple[Path, ...]
    mesh: Mesh
    styles: tuple[Picture, ...]
    cameras: tuple[Camera, ...]
    place: Place
    settings: MeshStyleSettings
    resume: bool
    notes: tuple[str, ...]


def plan_job(
    mesh: Path,
    styles: Sequence[Path],
    *,
    cameras: Sequence[Camera] = (),
    output: Path | None,
    settings: MeshStyleSettings,
    resume: bool,
) -> Job:
    """Read the inputs and decide the place.

    Raises:
        BadInputError: the mesh, a picture, the network or the output cannot be used.
    """
    if not styles:
        raise BadInputError("At least one style picture is needed. Name it behind the mesh.")
    if settings.blend and len(settings.blend) != len(styles):
        raise BadInputError(
            f"--blend has {len(settings.blend)} shares for {len(styles)} style pictures. Give one for each."
        )
    model = read_mesh(mesh, up=None if settings.up == "auto" else settings.up)
    paints = tuple(_style(path) for path in styles)
    if settings.weights != "auto":
        entry_named(settings.weights)
    place = place_for(output, resume=resume, kind=MESH)
    sources = (mesh, *styles)
    refuse_losses(place, sources, painted=settings.what != "geometry")
    with occupied(place):
        pass  # so that an output that cannot be written is refused now; the run itself enters again
    model = reduced(model, settings.faces)
    notes = [f"{mesh.name}: {line}" for line in model.repaired]
    return Job(sources, model, paints, tuple(cameras), place, settings, resume, tuple(notes))


def _style(path: Path) -> Picture:
    picture = read_picture(path, convert=True)
    if min(picture.size) < SMALLEST:
        raise BadInputError(
            f"{path} is {picture.size[0]} x {picture.size[1]} pixels; a style needs at least "
            f"{SMALLEST} a side. Take a larger picture."
        )
    return picture
