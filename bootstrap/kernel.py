"""A Jupyter kernel for this image's Python, also where the user's own list of kernels hides the image's.

A ``python3`` kernel that an older image left in ``~/.local`` stands before the image's own of that name, and
may lead to a Python that is gone. Ours lies in HOME's local part, so it never outlives its image.
"""

import os
import sys

from bootstrap.place import Place

#: Below the bootstrap's folder in HOME; ``JUPYTER_PATH`` names the first part.
FOLDER = "jupyter-data"
_SPEC = os.path.join("kernels", "deepdesign", "kernel.json")


def wanted(place: Place) -> bytes | None:
    """The kernel's description, or ``None`` where there is no Jupyter or the image's own is in view."""
    if not _has_ipykernel() or (_image_has_its_own() and not _is_hidden(place)):
        return None
    import json

    spec = {
        "argv": [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"],
        "display_name": "Python 3 (this image)",
        "language": "python",
        "metadata": {"debugger": True},
    }
    return json.dumps(spec, indent=1).encode("utf-8", "surrogateescape") + b"\n"


def path(place: Place) -> str:
    """Where it is described."""
    return os.path.join(place.local, FOLDER, _SPEC)


def _has_ipykernel() -> bool:
    return any(os.path.isfile(os.path.join(folder, "ipykernel_launcher.py")) for folder in sys.path)


def _image_has_its_own() -> bool:
    return os.path.isfile(os.path.join(sys.prefix, "share", "jupyter", "kernels", "python3", "kernel.json"))


def _is_hidden(place: Place) -> bool:
    # Jupyter looks into a virtual environment first, unless it is told not to.
    told = os.environ.get("JUPYTER_PREFER_ENV_PATH", "")
    if sys.prefix != sys.base_prefix and told.lower() not in ("0", "no", "n", "false", "off"):
        return False
    # At the first start of a home its .local is not linked yet.
    homes = [os.path.join(place.home, ".local"), *([place.target(".local")] if place.links else [])]
    return any(
        os.path.lexists(os.path.join(home, "share", "jupyter", "kernels", "python3")) for home in homes
    )
