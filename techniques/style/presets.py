"""Settings by intent, and smaller ones to look at before the long run."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from techniques.errors import BadInputError
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


def preview_of(settings: StyleSettings) -> StyleSettings:
    """``settings`` for a picture of 224 px in 40 steps; weights hold over sizes, so it shows what comes."""
    sides = [side for side in (settings.width, settings.height) if side] or [settings.size]
    scale = min(1.0, _SIZE / max(sides))
    return replace(
        settings,
        size=min(settings.size, _SIZE),
        width=settings.width and max(1, round(settings.width * scale)),
        height=settings.height and max(1, round(settings.height * scale)),
        iterations=min(settings.iterations, _ITERATIONS),
    )
