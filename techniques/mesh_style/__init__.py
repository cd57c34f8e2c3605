"""A mesh in the textures, colours and forms of pictures.

From a notebook::

    from techniques.mesh_style import MeshStyleSettings, mesh_style_files

    mesh_style_files("house.obj", "painting.jpg", output="painted.obj", settings=MeshStyleSettings())
"""

from typing import TYPE_CHECKING, Any

from techniques.mesh_style.settings import MeshStyleSettings

if TYPE_CHECKING:
    from techniques.mesh_style.run import mesh_style_files

__all__ = ["MeshStyleSettings", "mesh_style_files"]


def __getattr__(name: str) -> Any:
    # PyTorch takes seconds to import, and `deepdesign --help` comes through here.
    if name == "mesh_style_files":
        from techniques.mesh_style import run

        return run.mesh_style_files
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
