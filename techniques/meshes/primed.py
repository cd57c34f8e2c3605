"""A mesh made ready to be painted: an atlas, its texels, and the colours that the mesh came with on them."""

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from techniques.meshes.atlas import Atlas, atlas_for
from techniques.meshes.bake import baked
from techniques.meshes.draft import counted
from techniques.meshes.mesh import Map, Mesh
from techniques.meshes.render import Surface, surface_of
from techniques.meshes.seams import Seams, seams_of
from techniques.meshes.texels import Texels, dilated, texels

__all__ = ["Primed", "primed"]

_COLORS = {"map_kd", "map_ka"}  # maps of what the paint takes the place of


@dataclass(frozen=True, eq=False)
class Primed:
    """``mesh`` as it came, its ``atlas`` and the texels that the charts cover, the ``surface`` to draw, and
    the colours ``base`` (S, S, 3) that the mesh has on the atlas.
    """

    mesh: Mesh
    atlas: Atlas
    covered: Texels
    surface: Surface
    base: Tensor

    @cached_property
    def seams(self) -> Seams | None:
        """Where charts of the atlas meet, if they do anywhere."""
        found = seams_of(self.atlas.mesh, self.surface.faces.long().cpu().numpy(), self.covered)
        return found and found.to(self.base.device)

    def filled(self, texture: Tensor) -> Tensor:
        """``texture`` (S, S, 3) with the texels between charts filled, so that no seam shows elsewhere."""
        size = self.covered.size
        inside = torch.zeros(size**2, dtype=torch.bool)
        inside[self.covered.index] = True
        return dilated(texture.cpu(), inside.view(size, size))

    def keeps(self, one: Map) -> bool:
        """Whether a further picture of a material still says something of the mesh once it is painted."""
        return self.atlas.kept and one.keyword not in _COLORS

    def losses(self) -> tuple[str, ...]:
        """A line for people if painting loses pictures of materials, else none."""
        lost = [one for material in self.mesh.materials for one in material.maps if not self.keeps(one)]
        if not lost:
            return ()
        kinds = ", ".join(dict.fromkeys(one.keyword for one in lost))
        why = "replaced by the paint" if self.atlas.kept else "they do not fit the new texture coordinates"
        count = counted(len(lost), "further picture", "further pictures")
        return (f"{count} of the materials left out ({kinds}): {why}.",)


def primed(mesh: Mesh, size: int, device: torch.device | None = None) -> Primed:
    """``mesh`` with a texture of ``size`` texels a side to paint on, to be drawn on ``device``.

    Raises:
        BadInputError: the mesh falls into too many pieces for so small a texture.
    """
    atlas = atlas_for(mesh, size)
    uvs, uv_faces = torch.from_numpy(atlas.mesh.uvs), torch.from_numpy(atlas.mesh.uv_faces)
    covered = texels(uvs, uv_faces, size)
    surface = surface_of(atlas.mesh, device)
    base = baked(mesh, covered).to(device)
    return Primed(mesh, atlas, covered, surface, base)
