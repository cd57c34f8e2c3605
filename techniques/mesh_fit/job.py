"""What is to be done, checked before anything slow begins: inputs read, cameras known, place chosen."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from techniques.errors import BadInputError
from techniques.mesh_fit.guides import Guide, read_guide
from techniques.mesh_fit.settings import FitSettings
from techniques.meshes.decimate import reduced
from techniques.meshes.frame import Frame
from techniques.meshes.mesh import Mesh
from techniques.meshes.outputs import refuse_losses
from techniques.meshes.read import read_mesh
from techniques.raster.cameras import Camera
from techniques.raster.views import VIEWS, parse_camera
from techniques.runs import MESH, Place, occupied, place_for

__all__ = ["COURSE", "DEFAULT_VIEWS", "Job", "plan_job"]

DEFAULT_VIEWS = ("elevation-front", "elevation-right", "plan", "elevation-back", "elevation-left")
COURSE = "course"
"""The camera of the course's command, whose frame was the bounding box and not the bounding sphere."""


@dataclass(frozen=True)
class Job:
    """A run of mesh-fit whose inputs are in order; one camera for each guide."""

    sources: tuple[Path, ...]
    mesh: Mesh
    guides: tuple[Guide, ...]
    cameras: tuple[Camera, ...]
    place: Place
    settings: FitSettings
    resume: bool


def plan_job(
    mesh: Path,
    guides: Sequence[Path],
    *,
    cameras: Sequence[Camera | str],
    output: Path | None,
    settings: FitSettings,
    resume: bool,
) -> Job:
    """Read the inputs and decide the place. Needs no PyTorch, so that mistakes are reported at once.

    ``cameras`` are cameras, or lines as ``parse_camera`` takes them; without any, ``DEFAULT_VIEWS`` in order.

    Raises:
        BadInputError: the mesh, a guide, a camera or the output cannot be used.
    """
    if not guides:
        raise BadInputError("At least one guide picture is needed. Name it behind the mesh.")
    if not cameras:
        if len(guides) > len(DEFAULT_VIEWS):
            raise BadInputError(
                f"{len(guides)} guides need their cameras named: --camera once for each, or --cameras FILE."
            )
        cameras = DEFAULT_VIEWS[: len(guides)]
    if len(cameras) != len(guides):
        raise BadInputError(
            f"There are {len(cameras)} cameras for {len(guides)} guides. Give one --camera for each "
            "guide, in order."
        )
    model = reduced(read_mesh(mesh, up=None if settings.up == "auto" else settings.up), settings.faces)
    frame = model.normalised()
    views = tuple(_camera(camera, frame) for camera in cameras)
    shapes = tuple(read_guide(path, threshold=settings.threshold, invert=settings.invert) for path in guides)
    place = place_for(output, resume=resume, kind=MESH)
    sources = (mesh, *guides)
    refuse_losses(place, sources, painted=False)
    with occupied(place):
        pass  # so that an output that cannot be written is refused now; the run itself enters again
    return Job(sources, model, shapes, views, place, settings, resume)


def _camera(camera: Camera | str, frame: Frame) -> Camera:
    if isinstance(camera, Camera):
        return camera
    if camera != COURSE:
        return parse_camera(camera)
    half = float(np.ptp(frame.vertices, axis=0).max()) / 2 or 1.0
    return Camera(azimuth=90, distance=max(1.2, VIEWS["front"].distance * half))
