"""Which image and Python this is: what one of them has installed may not suit another."""

import os
import re
import sys
from collections.abc import Mapping

from bootstrap.profiles import OWN_IMAGE


def key(environment: Mapping[str, str]) -> str:
    """A name for them, fit for a folder: ``cu130-notebook-cpython-313-x86_64``."""
    image = environment.get(OWN_IMAGE) or _system()
    parts = (image, sys.implementation.cache_tag or "python", os.uname().machine)
    return re.sub(r"[^A-Za-z0-9._-]", "_", "-".join(parts))[:120]


def _system() -> str:
    """An image that is not ours goes by its operating system: ``ubuntu22.04``."""
    found = {}
    try:
        with open("/etc/os-release", encoding="utf-8", errors="replace") as file:
            for line in file:
                name, _, value = line.strip().partition("=")
                found[name] = value.strip("\"'")
    except OSError:
        pass
    return f"{found.get('ID', 'linux')}{found.get('VERSION_ID', '')}"
