"""Rooms that all tests share: real photographs, and one thread for each parallel worker."""

import hashlib
import os
from importlib.resources import files
from pathlib import Path

import pytest

if "PYTEST_XDIST_WORKER" in os.environ:
    # Two workers with two threads each fight over two cores; one thread also keeps sums in one order.
    os.environ.setdefault("OMP_NUM_THREADS", "1")

# Licences: scikit-learn's images/README.txt (china: CC BY 2.0, danielbuechele), skimage's _fetchers.py.
_PHOTOS = {
    "china": ("sklearn.datasets", "images/china.jpg", "8378025ad2519d64"),
    "chelsea": ("skimage", "data/chelsea.png", "596aa1e7cb875eb7"),
    "coffee": ("skimage", "data/coffee.png", "cc02f8ca188b167c"),
    "astronaut": ("skimage", "data/astronaut.png", "88431cd9653ccd53"),
    "ihc": ("skimage", "data/ihc.png", "f8dd1aa387ddd1f4"),
    "hubble": ("skimage", "data/hubble_deep_field.jpg", "3a19c5dd8a927a93"),
}


@pytest.fixture(scope="session")
def photos() -> dict[str, Path]:
    """Real photographs by name, each checked against the hash that its licence note was written for."""
    found = {}
    for name, (package, member, digest) in _PHOTOS.items():
        path = Path(str(files(package).joinpath(member)))
        assert hashlib.sha256(path.read_bytes()).hexdigest().startswith(digest), f"{path} is another picture"
        found[name] = path
    return found
