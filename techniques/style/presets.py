"""Settings by intent, and smaller ones to look at before the long run."""

from collections.abc import Mapping
from dataclasses import replace
from math import ceil
from typing import Any

from techniques.errors import BadInputError
from techniques.sizes import SMALLEST, result_size
from techniques.style.settings import StyleSettings

__all__ = ["PRESETS", "preset", "preview_of"]

PRESETS: Mapping[str, Mapping[str, Any]] = {
    "subtle": {"style_weight": 0.3, "content_weight": 7.5},  # forms untouched, a tint and a grain
    "balanced": {},
    "bold": {"style_weight": 3.0, "content_weight": 2.5},  # forms give way to strokes
}

_SIZE, _ITERATIONS = 224, 40  # seconds on two cores


def preset(name: str, **changes: Any) -> StyleSettings:
    """The settings called ``name``, with ``changes``.

    Raises:
        BadInputError: there is no such preset, or a change that cannot work.
    """
    if name not in PRESETS:
        raise BadInputError(f"There is no preset called {name!r}. Choose one of: {', '.join(PRESETS)}.")
    return StyleSettings(**{**PRESETS[name], **changes})


def preview_of(settings: StyleSettings, content: tuple[int, int]) -> StyleSettings:
    """``settings`` for a picture of 224 px in 40 steps; weights hold over sizes, so it shows what comes.

    Of a panorama, such as a ``content`` of 4000 x 500 pixels, it is as much longer as its shorter side needs.

    Raises:
        BadInputError: the picture itself would be too small or too large.
    """
    whole = result_size(content, size=settings.size, width=settings.width, height=settings.height)
    scale = min(1.0, max(_SIZE / max(whole), SMALLEST / min(whole)))

    def small(side: int) -> int:
        return ceil(side * scale - 1e-6)  # never a pixel less than is needed, but for rounding

    return replace(
        settings,
        size=small(max(whole)),
        width=settings.width and small(settings.width),
        height=settings.height and small(settings.height),
        iterations=min(settings.iterations, _ITERATIONS),
    )
