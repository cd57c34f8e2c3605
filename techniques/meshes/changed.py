"""What a technique that paints or moves a mesh leaves: the mesh in the file's own terms, written out."""

from dataclasses import replace
from typing import Literal

import numpy as np
import torch

from techniques.meshes.bake import encoded
from techniques.meshes.mesh import Material, Mesh, Texture
from techniques.meshes.outputs import Saved, outputs_at, save_outputs
from techniques.meshes.primed import Primed
from techniques.meshes.unit import unit_surface
from techniques.runs import Place

__all__ = ["save_changed"]


def save_changed(
    place: Place,
    primed: Primed,
    *,
    vertices: torch.Tensor,
    texture: torch.Tensor,
    what: Literal["texture", "geometry", "both"],
    turns: int,
) -> tuple[Mesh, Saved]:
    """Write the mesh of ``primed`` at ``place`` as the run has made it; returns that, and what was written.

    ``texture`` (S, S, 3) is laid out by the atlas; ``vertices`` (W, 3) are those of the surface, ``turns``
    the turntable's pictures. A run of the form alone leaves materials and texture coordinates as they were.

    Raises:
        WorkFailedError: the disk is full, or the folder cannot be written.
    """
    before, drawn, size = primed.mesh, primed.atlas.mesh, primed.covered.size
    after = before if what == "geometry" else drawn
    if what != "texture":
        after = unit_surface(after).moved(vertices.cpu().numpy())
    if what != "geometry":
        bare = tuple(_bared(material, primed) for material in before.materials)
        paint = encoded(primed.filled(texture), outputs_at(place).texture.name)
        after = _painted(replace(after, materials=bare), paint)
    saved = save_outputs(place, before, after, texels=size, turns=turns, painted=what != "geometry")
    return after, saved


def _bared(material: Material, primed: Primed) -> Material:
    """``material`` without what says how the old colours looked and lay."""
    maps = tuple(one for one in material.maps if primed.keeps(one))
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
