"""What a technique that paints or moves a mesh leaves: the mesh in the file's own terms, written out."""

from dataclasses import replace
from typing import Literal

import numpy as np
import torch

from techniques.meshes.bake import encoded
from techniques.meshes.draft import counted
from techniques.meshes.mesh import Map, Material, Mesh, Texture
from techniques.meshes.outputs import Saved, outputs_at, save_outputs
from techniques.meshes.texels import Texels, dilated
from techniques.meshes.weld import weld
from techniques.runs import Place

__all__ = ["lost_maps", "save_changed"]

_COLORS = {"map_kd", "map_ka"}  # maps of what the paint takes the place of


def lost_maps(mesh: Mesh, drawn: Mesh) -> tuple[str, ...]:
    """A line for people if painting ``mesh`` on the atlas of ``drawn`` loses pictures of its materials."""
    lost = [one for material in mesh.materials for one in material.maps if not _stays(one, mesh, drawn)]
    if not lost:
        return ()
    kinds = ", ".join(dict.fromkeys(one.keyword for one in lost))
    why = "replaced by the paint" if drawn is mesh else "they do not fit the new texture coordinates"
    return (
        f"{counted(len(lost), 'further picture', 'further pictures')} of the materials left out ({kinds}): "
        f"{why}.",
    )


def _stays(one: Map, mesh: Mesh, drawn: Mesh) -> bool:
    """Whether a picture of a material of ``mesh`` still says something of it as painted on ``drawn``."""
    return drawn is mesh and one.keyword not in _COLORS


def save_changed(
    place: Place,
    mesh: Mesh,
    *,
    drawn: Mesh,
    covered: Texels,
    vertices: torch.Tensor,
    texture: torch.Tensor,
    what: Literal["texture", "geometry", "both"],
    turns: int,
) -> tuple[Mesh, Saved]:
    """Write ``mesh`` at ``place`` as the run has made it; returns that mesh, and what was written.

    ``drawn`` is ``mesh`` with the atlas that ``texture`` (S, S, 3) is laid out by, ``covered`` the texels
    that its charts hold, ``vertices`` (W, 3) the welded vertices in the unit frame, ``turns`` the
    turntable's pictures. A run of the form alone leaves materials and texture coordinates as they were.

    Raises:
        WorkFailedError: the disk is full, or the folder cannot be written.
    """
    after = drawn if what == "texture" else _moved(mesh, drawn, vertices)
    if what == "geometry":
        after = replace(mesh, vertices=after.vertices, normals=after.normals)
    else:
        for_paint = tuple(_bared(material, mesh, drawn) for material in mesh.materials)
        paint = encoded(_filled(texture.cpu(), covered), outputs_at(place).texture.name)
        after = _painted(replace(after, materials=for_paint), paint)
    saved = save_outputs(place, mesh, after, texels=covered.size, turns=turns, painted=what != "geometry")
    return after, saved


def _moved(mesh: Mesh, drawn: Mesh, vertices: torch.Tensor) -> Mesh:
    """``drawn`` with those of ``mesh`` at unit-frame ``vertices`` (W, 3), in the file's own units."""
    frame, welded = mesh.normalised(), weld(mesh)
    start = np.zeros((len(welded.vertices), 3), dtype=np.float32)
    start[welded.index] = frame.vertices
    places = vertices.cpu().numpy()
    changed = (places != start).any(axis=1)[welded.index]
    there = frame.vertices.copy()
    there[changed] = places[welded.index[changed]]
    return drawn.moved(frame.back(there))


def _bared(material: Material, mesh: Mesh, drawn: Mesh) -> Material:
    """``material`` without what says how the old colours looked and lay."""
    maps = tuple(one for one in material.maps if _stays(one, mesh, drawn))
    return replace(material, color=(1.0, 1.0, 1.0), texture=None, texture_options="", maps=maps)


def _painted(mesh: Mesh, paint: Texture) -> Mesh:
    """``mesh`` with ``paint`` on every face: the file's materials keep their names and faces."""
    materials = tuple(replace(material, texture=paint) for material in mesh.materials)
    without = mesh.polygons.materials < 0
    polygons = mesh.polygons
    if without.any():
        materials = (*materials, Material("deepdesign", texture=paint))
        polygons = replace(polygons, materials=np.where(without, len(materials) - 1, polygons.materials))
    return replace(mesh, materials=materials, polygons=polygons, colors=None)


def _filled(texture: torch.Tensor, place: Texels) -> torch.Tensor:
    """``texture`` with the texels between charts filled, so that no seam shows elsewhere."""
    covered = torch.zeros(place.size**2, dtype=torch.bool)
    covered[place.index] = True
    return dilated(texture, covered.view(place.size, place.size))
