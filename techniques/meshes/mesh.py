"""One mesh: triangles to compute with, and everything that its file said, so that it can be written back."""

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from techniques.meshes.frame import Frame, unit_frame

__all__ = ["Floats", "Group", "Ints", "Map", "Material", "Mesh", "Polygons", "Texture", "Up", "Wire"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Up = Literal["y", "z"]


@dataclass(frozen=True)
class Texture:
    """A picture file as it was found: its own name without folders, and its bytes."""

    name: str
    data: bytes = field(repr=False)


@dataclass(frozen=True)
class Map:
    """A further picture of a material, such as its relief: kept and written back, never computed with.

    ``statement`` is the material file's, without the name of ``texture``; whole where that is not at hand.
    """

    statement: str
    texture: Texture | None = None

    @property
    def keyword(self) -> str:
        """What the picture is for: ``map_bump``, for example."""
        return self.statement.split()[0].lower()


@dataclass(frozen=True)
class Material:
    """A named surface. ``color``, RGB in 0..1 as the file has it, tints the texture if there is one.

    ``statements`` are the lines of the material file that deepdesign does not use, as they stood.
    """

    name: str
    color: tuple[float, float, float] = (1.0, 1.0, 1.0)
    opacity: float = 1.0
    texture: Texture | None = None
    texture_options: str = ""
    """As an MTL file has them before the texture's name; -s and -o are computed with, all written back."""
    maps: tuple[Map, ...] = ()
    statements: tuple[str, ...] = ()


@dataclass(frozen=True)
class Group:
    """Where a face belongs: the object's name (None: no object) and the names of its groups."""

    object: str | None = None
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class Wire:
    """A line or points of the file (``kind`` "l" or "p"): kept and written back, never computed with."""

    kind: str
    vertices: tuple[int, ...]
    group: int = -1


@dataclass(frozen=True, eq=False)
class Polygons:
    """Faces as the file has them: quads stay quads.

    Polygon p has the corners ``offsets[p]`` to ``offsets[p + 1]``; each corner names a vertex, and a UV and a
    normal or -1 for none. ``materials`` and ``groups`` [P] index the mesh's tables (-1: none), ``smoothing``
    [P] is the smoothing group (0: off).
    """

    offsets: Ints
    vertices: Ints
    uvs: Ints
    normals: Ints
    materials: Ints
    groups: Ints
    smoothing: Ints

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def sizes(self) -> Ints:
        """Corners of each polygon, [P]."""
        return np.diff(self.offsets)


@dataclass(frozen=True, eq=False)
class Mesh:
    """A surface of V vertices and F triangles, with shared vertex indices, as a file described it.

    ``vertices`` [V, 3] are float64 exactly as in the file: its units, origin and axes. ``corners`` [F, 3]
    are the triangles' corners as indices into those of ``polygons``, from which ``faces``, ``uv_faces`` and
    ``normal_faces`` follow. Texture coordinates have their origin at the bottom left.

    Raises:
        ValueError: shapes or indices that contradict each other (a mistake of ours; readers check first).
    """

    vertices: Floats
    polygons: Polygons
    corners: Ints
    uvs: Floats = field(default_factory=lambda: np.zeros((0, 2)))
    normals: Floats = field(default_factory=lambda: np.zeros((0, 3)))
    colors: Floats | None = None
    """Vertex colours [V, 3], RGB in 0..1, where the file has them."""
    materials: tuple[Material, ...] = ()
    groups: tuple[Group, ...] = ()
    wires: tuple[Wire, ...] = ()
    spare: Ints = field(default_factory=lambda: np.zeros((0, 3), dtype=np.int64))
    """Triangles [E, 3] that are kept for the file only, as ``corners``: without extent, or there twice."""
    spare_of: Ints = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    """Which triangle each of ``spare`` repeats, [E]; -1 for one without extent."""
    up: Up = "y"
    repaired: tuple[str, ...] = ()
    """What the reader mended or left out, one plain line a kind."""

    def __post_init__(self) -> None:
        """Refuse what would fail later, far from its cause."""
        corners = len(self.polygons.vertices)
        for name, values, width in (("vertices", self.vertices, 3), ("uvs", self.uvs, 2)):
            if values.ndim != 2 or values.shape[1] != width or values.dtype != np.float64:
                raise ValueError(
                    f"{name}: float64 [n, {width}] is expected, not {values.dtype} {values.shape}"
                )
        for name, index, limit in (
            ("corners", self.corners, corners),
            ("spare", self.spare, corners),
            ("polygons.vertices", self.polygons.vertices, len(self.vertices)),
            ("polygons.uvs", self.polygons.uvs, len(self.uvs)),
            ("polygons.normals", self.polygons.normals, len(self.normals)),
            ("polygons.materials", self.polygons.materials, len(self.materials)),
            ("polygons.groups", self.polygons.groups, len(self.groups)),
        ):
            lowest = 0 if name in {"corners", "spare", "polygons.vertices"} else -1
            if index.size and (index.min() < lowest or index.max() >= limit):
                raise ValueError(f"{name}: an index is outside {lowest}..{limit - 1}")

    @classmethod
    def from_triangles(
        cls,
        vertices: ArrayLike,
        faces: ArrayLike,
        *,
        uvs: ArrayLike | None = None,
        uv_faces: ArrayLike | None = None,
        up: Up = "y",
    ) -> "Mesh":
        """A mesh of plain arrays: ``vertices`` [V, 3], ``faces`` [F, 3], perhaps ``uvs`` [T, 2] with
        ``uv_faces`` [F, 3] (left away: as ``faces``).
        """
        triangles = np.asarray(faces, dtype=np.int64).reshape(-1, 3)
        count = len(triangles)
        coordinates = np.zeros((0, 2)) if uvs is None else np.array(uvs, dtype=np.float64)
        if uvs is None:
            uv_corners = np.full(3 * count, -1, dtype=np.int64)
        else:
            uv_corners = np.array(triangles if uv_faces is None else uv_faces, dtype=np.int64).ravel()
        none = np.full(count, -1, dtype=np.int64)
        polygons = Polygons(
            offsets=np.arange(0, 3 * count + 1, 3, dtype=np.int64),
            vertices=triangles.ravel().copy(),
            uvs=uv_corners,
            normals=np.full(3 * count, -1, dtype=np.int64),
            materials=none,
            groups=none.copy(),
            smoothing=np.zeros(count, dtype=np.int64),
        )
        corners = np.arange(3 * count, dtype=np.int64).reshape(-1, 3)
        return cls(np.array(vertices, dtype=np.float64), polygons, corners, coordinates, up=up)

    @cached_property
    def faces(self) -> Ints:
        """Vertex indices of the triangles, [F, 3]; degenerate and repeated ones are not among them."""
        return self.polygons.vertices[self.corners]

    @cached_property
    def uv_faces(self) -> Ints:
        """UV indices of the triangles, [F, 3]; -1 where the file gives none."""
        return self.polygons.uvs[self.corners]

    @cached_property
    def normal_faces(self) -> Ints:
        """Normal indices of the triangles, [F, 3]; -1 where the file gives none."""
        return self.polygons.normals[self.corners]

    @cached_property
    def face_polygons(self) -> Ints:
        """The polygon that each triangle is a part of, [F]."""
        return np.searchsorted(self.polygons.offsets, self.corners[:, 0], side="right") - 1

    @property
    def has_uvs(self) -> bool:
        """Whether every triangle has texture coordinates."""
        return bool(len(self.corners)) and bool((self.uv_faces >= 0).all())

    def normalised(self) -> Frame:
        """The mesh in the unit frame (centred, y up, inside the unit sphere), with the way back."""
        return unit_frame(self.vertices, np.unique(self.faces), self.up)

    def moved(self, vertices: Floats) -> "Mesh":
        """The same mesh with its vertices elsewhere; normals that no longer fit are made anew.

        A corner's new normal is the area-weighted mean of the triangles that share its normal index, so
        that creases stay creases.
        """
        still = (vertices == self.vertices).all(axis=1)
        normals = self.normals
        known = (self.normal_faces >= 0).all(axis=1)
        turned = known & ~still[self.faces].all(axis=1)
        if turned.any():
            stale = np.unique(self.normal_faces[turned])
            sums = np.zeros_like(normals)
            triangles = vertices[self.faces[known]]
            areas = np.cross(triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0])
            for corner in range(3):
                np.add.at(sums, self.normal_faces[known, corner], areas)
            lengths = np.linalg.norm(sums[stale], axis=1, keepdims=True)
            fresh = np.divide(sums[stale], lengths, out=normals[stale].copy(), where=lengths > 0)
            normals = normals.copy()
            normals[stale] = fresh
        return replace(self, vertices=vertices, normals=normals)
