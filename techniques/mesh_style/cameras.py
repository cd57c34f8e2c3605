"""Where a step looks from: drawn anew each step, and the same again when a run is taken up."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from techniques.raster.cameras import Camera

__all__ = ["HELD_OUT", "cameras_of_step"]

_FOV, _DISTANCE = 40.0, 3.1  # the unit sphere just fits
_LOWEST, _HIGHEST = -25.0, 60.0  # degrees of elevation: undersides and flat roofs are seen too
_NEARER = 0.15  # how far the distance varies, as a share

HELD_OUT = tuple(
    Camera(azimuth=22.5 + 45 * k, elevation=(8.0, 35.0)[k % 2], fov=_FOV, distance=_DISTANCE)
    for k in range(8)
)
"""Cameras that no step looks from on purpose: what a result is judged by."""


def cameras_of_step(seed: int, stage: int, step: int, views: int, given: Sequence[Camera]) -> list[Camera]:
    """The ``views`` cameras of ``step``. Without ``given`` ones they stand equally spaced round the mesh, so
    that each step's statistics are those of all sides; of given ones the next ``views`` in turn.
    """
    if given:
        return [given[(step * views + k) % len(given)] for k in range(min(views, len(given)))]
    random = np.random.default_rng((seed, stage, step))
    turn = random.uniform(0, 360)
    around = [Camera(azimuth=float((turn + 360 * k / views) % 360)) for k in range(views)]
    return [
        replace(
            camera,
            elevation=float(random.uniform(_LOWEST, _HIGHEST)),
            fov=_FOV,
            distance=float(_DISTANCE * (1 + random.uniform(-_NEARER, _NEARER))),
        )
        for camera in around
    ]
