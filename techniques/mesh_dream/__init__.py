"""Dreaming on a mesh: its colours, its form, or both change until networks see in it what was asked for.

From a notebook::

    from techniques.mesh_dream import MeshDreamSettings, mesh_dream_files

    mesh_dream_files("tower.obj", output="dreamt.obj", settings=MeshDreamSettings(classes=("castle",)))
"""

from typing import TYPE_CHECKING, Any

from techniques.mesh_dream.settings import MeshDreamSettings

if TYPE_CHECKING:
    from techniques.mesh_dream.run import mesh_dream_files

__all__ = ["MeshDreamSettings", "mesh_dream_files"]


def __getattr__(name: str) -> Any:
    # PyTorch takes seconds to import, and `deepdesign --help` comes through here.
    if name == "mesh_dream_files":
        from techniques.mesh_dream import run

        return run.mesh_dream_files
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
