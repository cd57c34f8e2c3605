"""Vertex optimisation: a mesh whose outlines become those of guide pictures, each seen by its own camera.

From a notebook::

    from techniques.mesh_fit import FitSettings, fit_files

    fit_files("tower.obj", ["front.png", "plan.png"], cameras=["elevation-front", "plan"], output="new.obj")
"""

from typing import TYPE_CHECKING, Any

from techniques.mesh_fit.settings import FitSettings

if TYPE_CHECKING:
    from techniques.mesh_fit.run import fit_files

__all__ = ["FitSettings", "fit_files"]


def __getattr__(name: str) -> Any:
    # PyTorch takes seconds to import, and `deepdesign --help` comes through here.
    if name == "fit_files":
        from techniques.mesh_fit import run

        return run.fit_files
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
