"""What a moved mesh should keep: scalars, differentiable in the vertices, 0 for the mesh as it came."""

from dataclasses import dataclass

import torch
from torch import Tensor

from techniques.raster.rows import rows
from techniques.shape.laplacian import Laplacian
from techniques.shape.planes import Planes

__all__ = ["Folds", "bending", "face_normals", "planarity", "roughness"]


def roughness(displacement: Tensor, laplacian: Laplacian) -> Tensor:
    """How unevenly neighbours move: the mean of |L d|^2 over the vertices, for ``displacement`` d (V, 3)."""
    return (laplacian @ displacement).square().sum(1).mean()


def bending(vertices: Tensor, folds: "Folds") -> Tensor:
    """How far folds have opened or closed: the mean of (cos a - cos a0)^2 over the inner edges, with a the
    angle between the normals of the two triangles at the edge, for ``vertices`` (V, 3). Without such edges
    nothing bends.
    """
    return (folds.cosines(vertices) - folds.before).square().sum() / max(len(folds.before), 1)


def planarity(vertices: Tensor, planes: Planes) -> Tensor:
    """How far faces that came flat have left a plane, and chains of edges that came straight a line.

    The mean squared distance of each group's ``vertices`` (V, 3) from their best plane (or line), over all of
    them. The best plane is the one that the smallest eigenvector of the group's covariance is normal to; its
    own turning has no part in the derivative, because it is the best.
    """
    total = vertices.new_zeros(())
    count = 0
    for member, group, groups, kept in planes.parts():
        points = rows(vertices, member)
        sizes = torch.bincount(group, minlength=groups).to(points).unsqueeze(1)
        centres = points.new_zeros(groups, 3).index_add(0, group, points) / sizes
        offset = points - centres[group]
        with torch.no_grad():
            outer = (offset.unsqueeze(2) * offset.unsqueeze(1)).flatten(1)
            covariance = outer.new_zeros(groups, 9).index_add(0, group, outer).view(groups, 3, 3)
            axes = torch.linalg.eigh(covariance.double())[1].to(points)[:, :, :kept]  # smallest first
        total = total + (offset.unsqueeze(1) @ axes[group]).square().sum()
        count += len(member)
    return total / max(count, 1)


def face_normals(vertices: Tensor, faces: Tensor) -> Tensor:
    """Unit normals (F, 3) of ``faces`` (F, 3); zero for faces without area."""
    a, b, c = rows(vertices, faces.T.contiguous()).unbind(0)
    return torch.nn.functional.normalize(torch.linalg.cross(b - a, c - a), dim=1, eps=1e-12)


@dataclass(frozen=True)
class Folds:
    """The inner edges of a mesh: ``pairs`` (N, 2) of neighbouring faces, and their first cosines (N,)."""

    faces: Tensor
    pairs: Tensor
    before: Tensor

    @classmethod
    def of(cls, vertices: Tensor, faces: Tensor, pairs: Tensor) -> "Folds":
        """The folds of a mesh as it came."""
        fresh = cls(faces, pairs, vertices.new_zeros(0))
        return cls(faces, pairs, fresh.cosines(vertices).detach())

    def cosines(self, vertices: Tensor) -> Tensor:
        """The cosine of the angle between the normals of each pair of faces, (N,)."""
        normals = rows(face_normals(vertices, self.faces), self.pairs)
        return (normals[:, 0] * normals[:, 1]).sum(1)
