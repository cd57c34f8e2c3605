"""Cameras as data: where from, how wide, and in which projection.

Everything is in the unit frame of ``techniques.meshes``: the mesh is centred, y points up, and its farthest
vertex is at distance 1. Azimuth 0 looks from the front (+z), 90 from the right (+x); elevation 90 looks
straight down, with the front at the picture's lower edge.
"""

import math
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from techniques.errors import BadInputError

__all__ = ["Camera", "is_number", "orbit"]

_NEAR, _BEYOND = 0.05, 20.0  # of the depth range: from the eye, and behind the target


@dataclass(frozen=True, kw_only=True)
class Camera:
    """A camera that looks at ``target``. Angles are in degrees.

    Raises:
        BadInputError: a value that cannot be.
    """

    projection: Literal["perspective", "orthographic"] = "perspective"
    azimuth: float = 0.0
    elevation: float = 0.0
    distance: float = 2.732
    """Of the eye from ``target``; the mesh has radius 1."""
    fov: float = 60.0
    """Height of the field of view of a perspective camera."""
    span: float = 2.2
    """How much of the unit frame an orthographic picture is high; 2 is the mesh's diameter."""
    target: tuple[float, float, float] = (0.0, 0.0, 0.0)

    def __post_init__(self) -> None:
        """Refuse what cannot be."""
        if self.projection not in {"perspective", "orthographic"}:
            raise BadInputError(
                f"camera: projection {self.projection!r} is not known. Take perspective or orthographic."
            )
        numbers = {field.name: getattr(self, field.name) for field in fields(self)[1:-1]}
        for name, value in numbers.items():
            if not is_number(value):
                raise BadInputError(f"camera: {name} {value!r} is not a number.")
        if not (
            isinstance(self.target, tuple) and len(self.target) == 3 and all(map(is_number, self.target))
        ):
            raise BadInputError(f"camera: target {self.target!r} is not three numbers.")
        if not -90 <= self.elevation <= 90:
            raise BadInputError(f"camera: elevation {self.elevation:g} is outside -90 to 90 degrees.")
        if not 1 <= self.fov <= 150:
            raise BadInputError(f"camera: fov {self.fov:g} is outside 1 to 150 degrees.")
        if self.projection == "perspective" and not 1.1 <= self.distance <= 1000:
            raise BadInputError(
                f"camera: distance {self.distance:g} is outside 1.1 to 1000 radii of the mesh; nearer, "
                "the eye is inside it."
            )
        if not 0.01 <= self.span <= 1000:
            raise BadInputError(f"camera: span {self.span:g} is outside 0.01 to 1000.")

    def axes(self) -> NDArray[np.float64]:
        """The picture's right and up, and the direction to the eye, as rows of a rotation [3, 3]."""
        a, e = math.radians(self.azimuth), math.radians(self.elevation)
        sin_a, cos_a, sin_e, cos_e = math.sin(a), math.cos(a), math.sin(e), math.cos(e)
        return np.array(
            [
                [cos_a, 0, -sin_a],
                [-sin_e * sin_a, cos_e, -sin_e * cos_a],
                [cos_e * sin_a, sin_e, cos_e * cos_a],
            ]
        )

    def matrix(self, aspect: float = 1.0) -> NDArray[np.float64]:
        """From the unit frame to clip space, [4, 4] for column vectors; ``aspect`` is width over height.

        z/w goes from -1 near the eye to 1 far behind the mesh, as OpenGL has it.
        """
        view = np.eye(4)
        view[:3, :3] = self.axes()
        view[:3, 3] = -self.axes() @ np.array(self.target)
        view[2, 3] -= self.distance
        far = self.distance + _BEYOND
        near = _NEAR if self.projection == "perspective" else self.distance - _BEYOND
        lens = np.zeros((4, 4))
        if self.projection == "perspective":
            scale = 1 / math.tan(math.radians(self.fov) / 2)
            lens[2, 2], lens[2, 3] = (far + near) / (near - far), 2 * far * near / (near - far)
            lens[3, 2] = -1
        else:
            scale = 2 / self.span
            lens[2, 2], lens[2, 3] = 2 / (near - far), (far + near) / (near - far)
            lens[3, 3] = 1
        lens[0, 0], lens[1, 1] = scale / aspect, scale
        return lens @ view

    def described(self) -> dict[str, Any]:
        """What matters of it, as plain data."""
        unused = {"span"} if self.projection == "perspective" else {"fov", "distance"}
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in asdict(self).items()
            if name not in unused
        }

    def __str__(self) -> str:
        lens = f"fov {self.fov:g}" if self.projection == "perspective" else f"span {self.span:g}"
        return f"{self.projection}, azimuth {self.azimuth:g}, elevation {self.elevation:g}, {lens}"


def orbit(count: int, *, elevation: float = 0.0, start: float = 0.0, **lens: Any) -> list[Camera]:
    """``count`` cameras round the mesh, equally spaced from azimuth ``start``; ``lens``: as ``Camera``."""
    return [Camera(azimuth=start + 360 * k / count, elevation=elevation, **lens) for k in range(count)]


def is_number(value: object) -> bool:
    """Whether ``value`` is a finite number (True and False are none)."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
