"""What is to be dreamt, checked before anything slow begins: mesh read, names understood, place chosen."""

from dataclasses import dataclass
from pathlib import Path

from techniques.dream.job import names_folder
from techniques.dream.wishes import class_wish, layer_wish
from techniques.mesh_dream.settings import MeshDreamSettings
from techniques.meshes.decimate import reduced
from techniques.meshes.mesh import Mesh
from techniques.meshes.outputs import refuse_losses
from techniques.meshes.read import read_mesh
from techniques.raster.cameras import Camera
from techniques.runs import MESH, Place, occupied, place_for
from techniques.weights.registry import entry_named

__all__ = ["Job", "plan_job"]


@dataclass(frozen=True)
class Job:
    """A run of mesh-dream whose inputs are in order. Without ``cameras`` they are drawn at random."""

    source: Path
    mesh: Mesh
    cameras: tuple[Camera, ...]
    place: Place
    settings: MeshDreamSettings
    resume: bool


def plan_job(
    mesh: Path,
    *,
    cameras: tuple[Camera, ...] = (),
    output: Path | None,
    settings: MeshDreamSettings,
    resume: bool,
) -> Job:
    """Read the mesh and decide the place.

    Raises:
        BadInputError: the mesh, a name or the output cannot be used.
    """
    for text in settings.classes:
        class_wish(text)
    for text in settings.layers:
        layer_wish(text)
    for name in settings.weights.split(","):
        if not names_folder(name.strip()) and name.strip() != "auto":
            entry_named(name.strip())
    model = reduced(read_mesh(mesh, up=None if settings.up == "auto" else settings.up), settings.faces)
    place = place_for(output, resume=resume, kind=MESH)
    refuse_losses(place, [mesh], painted=settings.what != "geometry")
    with occupied(place):
        pass  # so that an output that cannot be written is refused now; the run itself enters again
    return Job(mesh, model, cameras, place, settings, resume)
