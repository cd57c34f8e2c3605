"""The unit frame: where cameras, light and step sizes mean the same for a doorknob and for a city block."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

__all__ = ["Frame", "unit_frame"]

# Columns: where the file's x, y and z go. Z-up tools look along +y; in the unit frame that is -z.
_AXES = {
    "y": np.eye(3),
    "z": np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]]),
}


@dataclass(frozen=True, eq=False)
class Frame:
    """A mesh's vertices in the unit frame, and the similarity transform that brought them there.

    ``vertices`` [V, 3], float32: y up, the middle of the bounding box at the origin, the farthest vertex at
    distance 1. ``centre`` [3] and ``scale`` are in the file's units, ``axes`` [3, 3] turns the file's axes.
    """

    vertices: NDArray[np.float32]
    centre: NDArray[np.float64]
    scale: float
    axes: NDArray[np.float64]
    original: NDArray[np.float64] = field(repr=False)

    def back(self, vertices: NDArray[np.floating]) -> NDArray[np.float64]:
        """Unit-frame ``vertices`` [V, 3] in the file's own units, origin and axes, float64 [V, 3].

        Computed as a displacement of the original: a vertex that did not move comes back to the last bit,
        and a little step far from the origin keeps its digits.
        """
        steps = vertices.astype(np.float64) - self.vertices.astype(np.float64)
        moved = self.original + self.scale * (steps @ self.axes)
        still = (vertices == self.vertices).all(axis=1, keepdims=True)
        return np.where(still, self.original, moved)  # also for -0.0, which + 0.0 would make 0.0


def unit_frame(vertices: NDArray[np.float64], used: NDArray[np.int64], up: str) -> Frame:
    """The unit frame of ``vertices`` [V, 3], placed by those that faces use (indices ``used``).

    The centre is taken off in float64 before anything becomes float32: 500 km from the origin, float32 has
    steps of 3 cm.
    """
    seen = vertices[used] if len(used) else vertices
    low, high = seen.min(axis=0), seen.max(axis=0)
    centre = low + (high - low) / 2
    scale = float(np.linalg.norm(seen - centre, axis=1).max()) or 1.0
    axes = _AXES[up]
    unit = ((vertices - centre) / scale) @ axes.T
    return Frame(unit.astype(np.float32), centre, scale, axes, vertices)
