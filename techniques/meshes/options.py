"""Options that the mesh techniques share."""

from collections.abc import Callable
from typing import Any

from techniques.setting_options import Setting

__all__ = ["faces_option", "turntable_option", "up_option"]


def up_option(setting: Setting[Any]) -> Callable[[Any], Any]:
    """``--up``."""
    return setting("up", "Which axis of the file points upwards.")


def turntable_option(setting: Setting[Any]) -> Callable[[Any], Any]:
    """``--turntable`` as a number of pictures."""
    return setting("turntable", "Pictures of the turntable; 0: none.")


def faces_option(setting: Setting[Any]) -> Callable[[Any], Any]:
    """``--faces``: fewer triangles, if they are asked for."""
    return setting("faces", "Reduce the mesh to so many triangles first. Default: never.")
