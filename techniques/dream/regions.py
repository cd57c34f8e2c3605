"""Where a mask lets a picture change. Needs no PyTorch."""

import numpy as np
from numpy.typing import NDArray

from techniques.pictures import Picture

__all__ = ["white"]


def white(mask: Picture) -> NDArray[np.bool_]:
    """Where ``mask`` is rather white than black: (height, width)."""
    found: NDArray[np.bool_] = mask.over_white().mean(axis=-1) > 0.5
    return found
