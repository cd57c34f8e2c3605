"""Style transfer: the forms of one picture in the textures and colours of others.

From a notebook::

    from techniques.style import StyleSettings, style_files, stylize

    style_files("temple.jpg", "painting.jpg", output="result.png", settings=StyleSettings(size=1024))
"""

from typing import TYPE_CHECKING, Any

from techniques.style.settings import StyleSettings

if TYPE_CHECKING:
    from techniques.style.run import style_files
    from techniques.style.transfer import Stylized, stylize

__all__ = ["StyleSettings", "Stylized", "style_files", "stylize"]


def __getattr__(name: str) -> Any:
    # PyTorch takes seconds to import, and `deepdesign --help` comes through here.
    if name == "style_files":
        from techniques.style import run

        return run.style_files
    if name in {"stylize", "Stylized"}:
        from techniques.style import transfer

        return getattr(transfer, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
