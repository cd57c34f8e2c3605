"""Where the charts of an atlas meet on the surface: places of the texture that are neighbours there only."""

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - the name that everybody reads
from numpy.typing import NDArray
from torch import Tensor

from techniques.meshes.mesh import Floats, Ints, Mesh
from techniques.meshes.texels import Texels
from techniques.raster.texture import texture as looked_up

__all__ = ["Seams", "Sides", "seams_of", "sides_of", "texel_of"]

_LEVELS = 4  # of mip maps: broad changes run on over a seam as fine ones do
_MOST = 1 << 16  # points looked up


@dataclass(frozen=True, eq=False)
class Sides:
    """The two triangles at each of E edges: ``triangles`` [E, 2], and of each of them ``corners`` [E, 2, 3],
    the edge's ends in the same order and the third one; ``seams`` [E] says where they are apart in the
    texture.
    """

    mesh: Mesh
    triangles: Ints
    corners: Ints
    seams: NDArray[np.bool_]

    def at_seams(self) -> "Sides":
        """Those at seams only."""
        chosen = np.flatnonzero(self.seams)
        return Sides(self.mesh, self.triangles[chosen], self.corners[chosen], self.seams[chosen])

    def at(self, along: Floats, way: float) -> tuple[Floats, NDArray[np.bool_]]:
        """Texture coordinates [E, 2, P, 2] of points on both sides, ``way`` from the edge and at shares
        ``along`` [P] of it, and where the triangles are wide enough for them [E].
        """
        triangles = self.triangles[:, :, None]
        a, b, c = np.moveaxis(self.mesh.vertices[self.mesh.faces[triangles, self.corners]], 2, 0)
        edge = b - a
        foot = ((c - a) * edge).sum(2) / np.maximum((edge * edge).sum(2), 1e-300)
        height = np.linalg.norm(c - a - foot[..., None] * edge, axis=2)
        third = way / np.maximum(height, 1e-12)[..., None]
        second = along - third * foot[..., None]
        shares = np.stack([1 - second - third, second, np.broadcast_to(third, second.shape)], axis=3)
        fits = shares.min(axis=(1, 2, 3)) >= 0
        shares = shares.clip(0, 1)
        shares /= shares.sum(axis=3, keepdims=True)
        uvs = self.mesh.uvs[self.mesh.uv_faces[triangles, self.corners]]
        return np.einsum("eskc,escd->eskd", shares, uvs), fits


def sides_of(mesh: Mesh, faces: Ints) -> Sides:
    """Both sides of each edge between two triangles of ``mesh``, whose welded ``faces`` are [F, 3]."""
    rows = []
    for first, second, third in ((0, 1, 2), (1, 2, 0), (2, 0, 1)):
        turned = faces[:, first] > faces[:, second]
        ends = np.where(turned[:, None], [second, first], [first, second])
        rows.append(np.column_stack([np.arange(len(faces)), ends, np.full(len(faces), third)]))
    sides = np.concatenate(rows)
    low, high = faces[sides[:, :1], sides[:, 1:3]].T
    _, edge, counts = np.unique(low * (int(faces.max()) + 1) + high, return_inverse=True, return_counts=True)
    order = np.argsort(edge, kind="stable")
    two = counts == 2  # neither an open edge nor one of several sheets
    pairs = sides[order[np.repeat(two, counts)]].reshape(-1, 2, 4)
    triangles, corners = pairs[:, :, 0], pairs[:, :, 1:]
    there = mesh.uvs[mesh.uv_faces[triangles[:, :, None], corners[:, :, :2]]]
    return Sides(mesh, triangles, corners, (there[:, 0] != there[:, 1]).any(axis=(1, 2)))


def texel_of(mesh: Mesh, covered: Texels) -> float:
    """The side of a texel on the surface of ``mesh``, in its units, where ``covered`` are those on it."""
    a, b, c = np.moveaxis(mesh.vertices[mesh.faces], 1, 0)
    area = np.linalg.norm(np.cross(b - a, c - a), axis=1).sum() / 2
    return float(np.sqrt(area / max(len(covered.index), 1)))


@dataclass(frozen=True, eq=False)
class Seams:
    """Points on both sides of all seams, half a texel from them, for each of some mip levels: ``places``
    (2, N, 2) in texture coordinates. ``covered`` (1, S, S, 1) is 1 on the charts.
    """

    places: tuple[Tensor, ...]
    covered: Tensor

    def to(self, device: torch.device | None) -> "Seams":
        """The same on ``device``."""
        return Seams(tuple(one.to(device) for one in self.places), self.covered.to(device))

    def step(self, texture: Tensor) -> Tensor:
        """The mean squared difference of the colours of ``texture`` (S, S, 3) across the seams, over mip
        levels; texels between the charts count for nothing.
        """
        known = self.covered
        image = texture[None] * known
        total = texture.new_zeros(())
        for places in self.places:
            share = looked_up(known, places[None]).clamp(min=1e-6)
            one, other = (looked_up(image, places[None]) / share)[0]
            total = total + (one - other).square().mean() / len(self.places)
            image, known = _halved(image), _halved(known)
        return total


def seams_of(mesh: Mesh, faces: Ints, covered: Texels) -> Seams | None:
    """The seams of ``mesh``, whose welded ``faces`` are [F, 3] and whose texels are ``covered``; None if
    there are none.
    """
    sides = sides_of(mesh, faces).at_seams()
    if not len(sides.seams):
        return None
    texel = texel_of(mesh, covered)
    ends = mesh.vertices[mesh.faces[sides.triangles[:, :1], sides.corners[:, 0, :2]]]
    texels_long = np.linalg.norm(ends[:, 1] - ends[:, 0], axis=1) / texel
    # As many for each edge as the longest ones need, or as there is room for.
    points = int(np.ceil(texels_long.max()).clip(1, max(1, _MOST // len(sides.seams))))
    along = (np.arange(points) + 0.5) / points
    places = [sides.at(along, texel * 2**level / 2)[0] for level in range(_LEVELS)]
    mask = torch.zeros(covered.size**2)
    mask[covered.index] = 1
    return Seams(
        tuple(torch.from_numpy(one).float().transpose(0, 1).flatten(1, 2) for one in places),
        mask.view(1, covered.size, covered.size, 1),
    )


def _halved(image: Tensor) -> Tensor:
    return F.avg_pool2d(image.permute(0, 3, 1, 2), 2).permute(0, 2, 3, 1)
