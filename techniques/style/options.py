"""The options that style and mesh-style share: which textures, how large, and what compares them."""

from collections.abc import Callable
from typing import Any

from techniques.setting_options import Setting, together

__all__ = ["network_options", "texture_options"]


def texture_options(setting: Setting[Any]) -> Callable[[Any], Any]:
    """``--blend`` and ``--style-scale``."""
    return together(
        setting("blend", "How much of each style, such as 2,1. Default: equally.", metavar="SHARES"),
        setting("style_scale", "Size of the style's textures; below 1 is finer."),
    )


def network_options(setting: Setting[Any]) -> Callable[[Any], Any]:
    """``--content-layers``, ``--style-layers``, ``--weights`` and ``--precision``."""
    return together(
        setting("content_layers", "Where forms are compared.", metavar="NAMES"),
        setting("style_layers", "Where textures are compared.", metavar="NAMES"),
        setting("weights", "The network, as `deepdesign weights list` names it.", metavar="NAME"),
        setting("precision", "Of the convolutions; auto takes bfloat16 where the processor has it."),
    )
