"""A texture atlas: the file's own coordinates where each triangle has a place to itself, else new ones."""

from dataclasses import dataclass

import numpy as np
import torch
import xatlas
from numpy.typing import NDArray

from techniques.errors import BadInputError
from techniques.meshes.mesh import Floats, Ints, Mesh
from techniques.meshes.texels import texels
from techniques.meshes.unit import unit_surface
from techniques.meshes.uvs import with_uvs

__all__ = ["Atlas", "UvQuality", "atlas_for", "uv_quality"]

_PROBE = 512  # texels a side, to see whether charts overlap
_MOST_OVERLAP, _MOST_EMPTY = 0.02, 0.01
_TRIES = 12
# Of a piece: xatlas 0.0.11 crashes on a chart of 80,000, and takes 30 times as long.
_MOST_TRIANGLES = 20_000
_PADDING = 4  # texels between charts: two mip levels do not mix


@dataclass(frozen=True)
class UvQuality:
    """How good a mesh's own texture coordinates are for painting on: shares in 0..1, all 0 at best.

    ``missing``, ``outside`` (of 0..1, where textures repeat) and ``empty`` (no area in the texture, though
    the triangle has some) are shares of the triangles; ``overlap`` is the share of their area in the texture
    that lies on other triangles.
    """

    missing: float
    outside: float
    empty: float
    overlap: float

    @property
    def reason(self) -> str | None:
        """Why each triangle does not have a place of its own, for people; None if it does."""
        if self.missing == 1:
            return "the file has none"
        if self.missing:
            return f"{self.missing:.0%} of the triangles have none"
        if self.outside:
            return f"{self.outside:.0%} of the triangles repeat the texture (coordinates outside 0..1)"
        if self.empty > _MOST_EMPTY:
            return f"{self.empty:.0%} of the triangles have no area in the texture"
        if self.overlap > _MOST_OVERLAP:
            return f"{self.overlap:.0%} of the texture is used more than once"
        return None


@dataclass(frozen=True)
class Atlas:
    """``mesh`` with coordinates to paint on. ``kept`` says that they are the file's own; ``cut`` is how many
    polygons new ones had to cut into triangles.
    """

    mesh: Mesh
    kept: bool
    charts: int
    cut: int
    reason: str | None

    @property
    def described(self) -> str:
        """One sentence for people."""
        if self.kept:
            return "The file's own texture coordinates are kept."
        cut = f"; {self.cut:,} polygons with a seam through them became triangles" if self.cut else ""
        return f"New texture coordinates in {self.charts:,} charts, because {self.reason}{cut}."


def uv_quality(mesh: Mesh) -> UvQuality:
    """How good the texture coordinates of ``mesh`` are for painting on."""
    has = (mesh.uv_faces >= 0).all(axis=1)
    if not has.all():
        return UvQuality(float(1 - has.mean()), 0, 0, 0)
    corners = mesh.uvs[mesh.uv_faces]
    outside = (corners < -1e-6).any(axis=(1, 2)) | (corners > 1 + 1e-6).any(axis=(1, 2))
    a, b, c = corners.transpose(1, 0, 2)
    flat = np.abs((b[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1]) - (b[:, 1] - a[:, 1]) * (c[:, 0] - a[:, 0])) / 2
    p, q, r = mesh.vertices[mesh.faces].transpose(1, 0, 2)
    extent = np.linalg.norm(np.cross(q - p, r - p), axis=1)
    empty = (flat <= 1e-12) & (extent > 1e-9 * extent.max())
    overlap = 0.0
    if not outside.any() and flat.sum() > 0:
        found = texels(torch.from_numpy(mesh.uvs), torch.from_numpy(mesh.uv_faces), _PROBE)
        overlap = max(0.0, 1 - len(found.index) / _PROBE**2 / float(flat.sum()))
    return UvQuality(0, float(outside.mean()), float(empty.mean()), overlap)


def atlas_for(mesh: Mesh, size: int) -> Atlas:
    """``mesh`` with texture coordinates for a texture of ``size`` texels a side: its own if they are good.

    New ones are made by xatlas on the welded surface, so that a chart is not a single face of SketchUp's.
    """
    reason = uv_quality(mesh).reason
    if reason is None:
        return Atlas(mesh, True, 0, 0, None)
    unit = unit_surface(mesh)
    faces, uvs, charts = _charts(unit.vertices, unit.welded.faces, size)
    changed, cut = with_uvs(mesh, uvs, faces)
    return Atlas(changed, False, charts, cut, reason)


def _charts(points: NDArray[np.float32], faces: Ints, size: int) -> tuple[Ints, Floats, int]:
    """UV indices [F, 3], UVs [T, 2] on one page, and the number of charts."""
    options = xatlas.PackOptions()
    options.resolution, options.padding, options.bilinear = size, _PADDING, True
    pieces = _pieces(points[faces].mean(axis=1), np.arange(len(faces)))
    for _ in range(_TRIES):
        made = xatlas.Atlas()
        for piece in pieces:
            used, corners = np.unique(faces[piece], return_inverse=True)
            made.add_mesh(points[used], corners.reshape(-1, 3).astype(np.uint32))
        made.generate(xatlas.ChartOptions(), options)
        if made.atlas_count == 1:
            return *_together(made, pieces, len(faces)), int(made.chart_count)
        # What does not fit goes onto further pages, which one texture does not have: smaller, once more.
        options.texels_per_unit = made.texels_per_unit * 0.85
    raise BadInputError(
        f"The mesh falls into too many pieces for a texture of {size} pixels. Choose a larger "
        "--texture-size, or reduce the mesh first."
    )


def _pieces(middles: NDArray[np.float32], faces: Ints) -> list[Ints]:
    """``faces`` in pieces of at most ``_MOST_TRIANGLES`` that lie together: cut in half, again and again,
    across the longest side of the box round their ``middles``.
    """
    if len(faces) <= _MOST_TRIANGLES:
        return [faces]
    longest = np.ptp(middles[faces], axis=0).argmax()
    ordered = faces[np.argsort(middles[faces, longest], kind="stable")]
    half = len(ordered) // 2
    return _pieces(middles, ordered[:half]) + _pieces(middles, ordered[half:])


def _together(made: xatlas.Atlas, pieces: list[Ints], count: int) -> tuple[Ints, Floats]:
    """UV indices [count, 3] and UVs [T, 2] of all ``pieces``, in the order of the faces."""
    found, tables, before = np.zeros((count, 3), dtype=np.int64), [], 0
    for number, piece in enumerate(pieces):
        _, corners, uvs = made[number]
        found[piece] = corners.astype(np.int64) + before
        tables.append(uvs.astype(np.float64).clip(0, 1))
        before += len(uvs)
    return found, np.concatenate(tables)
