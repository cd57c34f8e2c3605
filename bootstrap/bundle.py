"""The bootstrap as one file that any Python from 3.10 on runs: itself, click and PyYAML in a zip archive.

The same sources give the same bytes, so writing it again changes nothing.
"""

import io
import os
import zipfile
from collections.abc import Iterator

from bootstrap import commands
from bootstrap.errors import WrongInputError

NAME = "bootstrap.pyz"
#: No entry carries the time of its making: the first that a zip archive can express.
_EPOCH = (1980, 1, 1, 0, 0, 0)
#: Read by Pythons of every age, so it only says what all of them understand.
_MAIN = """\
import sys

if sys.version_info < (3, 10):
    sys.stderr.write("deepdesign: Python %d.%d is too old, 3.10 is needed.\\n" % sys.version_info[:2])
    sys.exit(5)
if sys.argv[1:] == ["hook"]:
    from bootstrap.hook import main

    sys.exit(main())
from bootstrap.cli import main

main()
"""


def build() -> bytes:
    """The bundle: a copy of itself where this program runs from one."""
    path = commands.bundle()
    if path is not None:
        with open(path, "rb") as file:
            return file.read()
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in sorted(_entries().items()):
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, content)
    return b"#!/usr/bin/env python3\n" + held.getvalue()


def hook_text() -> str:
    """The text of ``prerun.sh``: in the package where it is installed, beside it in a working tree."""
    import pkgutil

    try:
        found = pkgutil.get_data("bootstrap", "prerun.sh")
    except OSError:
        found = None
    if found is None:
        above = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
        with open(os.path.join(above, "prerun.sh"), "rb") as file:
            found = file.read()
    return found.decode()


def _entries() -> dict[str, bytes]:
    import click
    import yaml

    entries = {"__main__.py": _MAIN.encode(), "bootstrap/prerun.sh": hook_text().encode()}
    for module, folder in (
        ("bootstrap", os.path.dirname(__file__)),
        ("click", _of(click)),
        ("yaml", _of(yaml)),
    ):
        for relative, content in _sources(folder):
            entries[f"{module}/{relative}"] = content
    for distribution in ("deepdesign", "click", "PyYAML"):
        entries.update(_metadata(distribution))
    return entries


def _of(module: object) -> str:
    return os.path.dirname(os.path.abspath(str(getattr(module, "__file__", ""))))


def _sources(folder: str) -> Iterator[tuple[str, bytes]]:
    """Python only: compiled parts are made for one Python and one machine, and all of it works without."""
    for root, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if name != "__pycache__")
        for name in sorted(files):
            if name.endswith((".py", ".sh")):
                path = os.path.join(root, name)
                with open(path, "rb") as file:
                    yield os.path.relpath(path, folder), file.read()


def _metadata(name: str) -> Iterator[tuple[str, bytes]]:
    """Whose it is: the version, which ``--version`` shows, and the licences, which go with every copy."""
    from importlib.metadata import PackageNotFoundError, distribution

    try:
        found = distribution(name)
    except PackageNotFoundError:
        raise WrongInputError(
            f"install: the package {name} is not installed here; run `pip install .` first."
        ) from None
    folder = f"{name.lower()}-{found.version}.dist-info"
    metadata = found.read_text("METADATA") or ""
    yield f"{folder}/METADATA", metadata.encode()
    for file in found.files or ():
        base = file.name.upper()
        if base.startswith(("LICENSE", "LICENCE", "COPYING")) and ".dist-info" in str(file):
            with open(str(file.locate()), "rb") as text:
                yield f"{folder}/{file.name}", text.read()
