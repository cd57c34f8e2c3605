"""Two models to turn about with the mouse, before and after, inside a page that needs no network."""

import base64
import html
from dataclasses import dataclass, field
from importlib.resources import files

from markupsafe import Markup

__all__ = ["Models", "Viewer", "viewer_script"]

_SCRIPT = "templates/model-viewer/model-viewer-umd.min.js"
_NOTICE = "/* model-viewer 4.4.0, Google LLC, Apache-2.0; three.js, fflate: MIT; Lit: BSD-3-Clause */\n"


@dataclass(frozen=True)
class Models:
    """What the viewer shows: GLB files as bytes. Without ``before`` there is nothing to compare with."""

    after: bytes = field(repr=False)
    before: bytes | None = field(default=None, repr=False)
    alt: str = "The mesh that was made"

    @property
    def parts(self) -> list[tuple[str, str]]:
        """Name and base64 text of each model, the one that lies on top last."""
        found = [("after", self.after)] + ([("before", self.before)] if self.before else [])
        return [(name, base64.b64encode(data).decode()) for name, data in found]


def viewer_script() -> Markup:
    """The viewer component, to stand between script tags: our own file, not a text of a user's."""
    text = files("techniques").joinpath(_SCRIPT).read_text(encoding="utf-8")
    return Markup(_NOTICE + text)  # noqa: S704 - vendored, and it has no closing tag in it


@dataclass(frozen=True)
class Viewer:
    """A page inside a notebook: the last expression of a cell shows it."""

    page: str = field(repr=False)
    height: int = 640

    def _repr_html_(self) -> str:
        return (
            f'<iframe srcdoc="{html.escape(self.page)}" style="width:100%;height:{self.height}px;border:0" '
            'title="deepdesign"></iframe>'
        )
