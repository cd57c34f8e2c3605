"""All that a run leaves of a mesh: the mesh itself, GLB, turntable and preview, beside record and report."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from techniques.checkpoints import ended_run
from techniques.errors import BadInputError
from techniques.files import written_whole
from techniques.meshes.atlas import atlas_for
from techniques.meshes.glb_write import glb_bytes
from techniques.meshes.mesh import Mesh
from techniques.meshes.obj_write import write_obj
from techniques.meshes.turntable import FRAMES, frames, look_of, preview, save_turntable
from techniques.models import Models
from techniques.pictures import Picture, save_picture
from techniques.raster.backend import Rasteriser
from techniques.runs import Place, refuse_taken

__all__ = ["Outputs", "Saved", "outputs_at", "refuse_losses", "save_outputs"]


@dataclass(frozen=True)
class Outputs:
    """Where they lie. ``mesh`` is the ``.obj`` or the ``.glb`` that was asked for."""

    mesh: Path
    glb: Path
    gif: Path
    webp: Path
    picture: Path

    @property
    def library(self) -> Path:
        """The material file of an OBJ."""
        return self.mesh.with_suffix(".mtl")

    @property
    def texture(self) -> Path:
        """The texture that the run paints, where it paints one."""
        return self.mesh.with_suffix(".png")

    def files(self, *, painted: bool = True) -> tuple[Path, ...]:
        """Every file that a run writes under a name of its own; the texture if it has ``painted``."""
        beside = (self.library, self.texture)[: 1 + painted] if self.mesh.suffix.lower() == ".obj" else ()
        return tuple(dict.fromkeys((self.mesh, *beside, self.glb, self.gif, self.webp, self.picture)))


@dataclass(frozen=True)
class Saved:
    """What was written, and what a report shows of it."""

    results: tuple[Path, ...]
    models: Models
    before: Picture
    after: Picture


def outputs_at(place: Place) -> Outputs:
    """The files of a run whose mesh is ``place.result``."""
    stem = place.result.with_suffix("")
    return Outputs(
        place.result,
        place.result if place.result.suffix.lower() == ".glb" else stem.with_suffix(".glb"),
        stem.with_suffix(".gif"),
        stem.with_suffix(".webp"),
        stem.with_name(f"{stem.name}.preview.png"),
    )


def refuse_losses(place: Place, inputs: Iterable[Path], *, painted: bool = True) -> None:
    """Refuse to write at ``place`` over ``inputs``, or over files that no earlier run there has made.

    A run that has not ``painted`` keeps textures under their own names, which never replace a file.

    Raises:
        BadInputError: the message names the first such file.
    """
    files = outputs_at(place).files(painted=painted)
    refuse_taken(place.result, files, ours=True, inputs=inputs, advice="Choose another name.")
    own = _own(place)
    for path in files:
        if path.exists() and path not in own:
            raise BadInputError(
                f"-o {place.result}: {path} is there, and no run of ours made it. Choose another name."
            )


def save_outputs(
    place: Place,
    before: Mesh,
    after: Mesh,
    *,
    rasteriser: Rasteriser | None = None,
    texels: int = 1024,
    picture: tuple[int, int] = (640, 480),
    turns: int = FRAMES,
    painted: bool = True,
) -> Saved:
    """Write ``after``, and pictures of it, at ``place``; ``before`` has the same triangles.

    ``texels`` is the side of the texture that the pictures are made with, ``picture`` the preview's size in
    pixels, ``turns`` the turntable's frames (0: none); ``painted`` says that the texture is the run's own.

    Raises:
        WorkFailedError: the disk is full, or the folder cannot be written.
    """
    where, own = outputs_at(place), _own(place)
    written: list[Path] = []
    if where.mesh.suffix.lower() == ".obj":
        done = write_obj(where.mesh, after, replacing=own | set(where.files(painted=painted)))
        written += [done.mesh, *done.beside]
    glb = glb_bytes(after)
    with written_whole(where.glb) as draft:
        draft.write_bytes(glb)
    drawn = atlas_for(after, texels).mesh
    looks = [look_of(mesh, drawn, texels, rasteriser) for mesh in (before, after)]
    pictures = [preview(look, picture) for look in looks]
    save_picture(where.picture, pictures[1])
    written += [where.glb, where.picture]
    if turns:
        save_turntable(frames(looks[1], turns), where.gif, where.webp)
        written += [where.gif, where.webp]
    models = Models(glb, glb_bytes(before))
    return Saved(tuple(dict.fromkeys(written)), models, pictures[0], pictures[1])


def _own(place: Place) -> set[Path]:
    """The files that runs at ``place`` have made: a recorded one, and one that was stopped while it wrote,
    before which those of strangers were refused.
    """
    own: set[Path] = set()
    if place.checkpoint.exists() and (settings := ended_run(place.checkpoint)) is not None:
        own.update(outputs_at(place).files(painted=settings.get("--what", "geometry") != "geometry"))
    try:
        results = json.loads(place.record.read_text(encoding="utf-8"))["results"]
        return own | {place.result.parent / Path(path).name for path in results}
    except (OSError, ValueError, KeyError, TypeError):
        return own
