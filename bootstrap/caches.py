"""Where programs keep what they have downloaded: models in storage, so that they are fetched once; what is
quickly fetched again on local disk, where it takes none of the storage's room.
"""

import os
from typing import NamedTuple

from bootstrap.actions import Ensure
from bootstrap.place import LOCAL, Place
from bootstrap.plan import Group


class Cache(NamedTuple):
    """One program's cache."""

    name: str
    #: What is in it, for people.
    what: str
    variable: str
    #: Below ``HOME/.cache``: where the program has it by itself. Only what it fetches again lies there.
    default: str
    #: In ``STORAGE/deepdesign/models``, for everybody who uses the storage.
    stored: str
    #: In ``HOME/.deepdesign/cache``; ``None`` leaves it where the program has it by itself.
    local: str | None = None


CACHES = (
    Cache("torch", "models fetched by torch", "TORCH_HOME", "torch", "torch"),
    Cache(
        "huggingface", "models fetched from Hugging Face", "HF_HUB_CACHE", "huggingface/hub", "huggingface"
    ),
    Cache("pip", "what pip has downloaded", "PIP_CACHE_DIR", "pip", "pip", local="pip"),
)


def variables(place: Place) -> dict[str, str]:
    """What the environment says, unless the user has said it already."""
    root = place.storage.root
    stored = place.links and root is not None and (place.writable or place.hindered)
    found = {}
    for cache in CACHES:
        if stored and root and cache.name in place.settings.caches:
            found[cache.variable] = os.path.join(root, "deepdesign", "models", cache.stored)
        elif cache.local:
            found[cache.variable] = os.path.join(place.local, "cache", cache.local)
    if stored and "huggingface" in place.settings.caches:
        # Its token lies there, so this one is the person's own.
        found["HF_HOME"] = _private(place)
    return found


def _private(place: Place) -> str:
    return os.path.join(place.items, LOCAL, "huggingface")


def plan_caches(place: Place) -> Group:
    """A private folder for the Hugging Face token, which its own program would leave open to others."""
    if "HF_HOME" not in variables(place) or not place.writable or os.path.isdir(_private(place)):
        return Group("caches")
    folder = _private(place)
    return Group("caches", (Ensure(os.path.dirname(folder), 0o700), Ensure(folder, 0o700)))
