"""Class-based dreaming: a photograph changes until networks see in it what was asked for.

From a notebook::

    from techniques.dream import DreamSettings, dream_files

    dream_files("temple.jpg", output="result.png", settings=DreamSettings(classes=("fountain",)))
"""

from typing import TYPE_CHECKING, Any

from techniques.dream.settings import DreamSettings

if TYPE_CHECKING:
    from techniques.dream.dreaming import Dreamed, Dreamer, dream
    from techniques.dream.run import dream_files

__all__ = ["DreamSettings", "Dreamed", "Dreamer", "dream", "dream_files"]


def __getattr__(name: str) -> Any:
    # PyTorch takes seconds to import, and `deepdesign --help` comes through here.
    if name == "dream_files":
        from techniques.dream import run

        return run.dream_files
    if name in {"dream", "Dreamed", "Dreamer"}:
        import importlib

        return getattr(importlib.import_module("techniques.dream.dreaming"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
