"""The report page of a dataset: one file that needs no network, with a list to curate by."""

import base64
import io
import math
import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from jinja2 import Environment, PackageLoader, select_autoescape
from PIL import Image

from techniques.datasets.overview import Overview, overview
from techniques.datasets.wording import counted
from techniques.errors import BadInputError
from techniques.files import write_text
from techniques.pictures import DECODER_ERRORS, upright
from techniques.report import GENERATOR

__all__ = ["MOST", "PAGE", "is_page", "render", "write_report"]

PAGE = "report.html"

MOST = 3000
"""Thumbnails on a page, at 2 to 4 kB each."""
_SIDE = 112  # px
_SHOWN_GROUPS = 60


def is_page(path: Path) -> bool:
    """Whether a page of ours lies at ``path``."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return GENERATOR.encode() in file.read(4096)


def write_report(root: Path, path: Path, *, most: int = MOST) -> None:
    """Look at the dataset in ``root`` and write its page.

    Raises:
        BadInputError: something else lies there.
    """
    if os.path.lexists(path) and not is_page(path):
        raise BadInputError(
            f"{path} is there and no report of ours. Move it, or choose another name with -o."
        )
    write_text(path, render(overview(root), root, most=most))


def render(found: Overview, root: Path, *, most: int = MOST) -> str:
    """The page as one HTML text.

    With more than ``most`` pictures each class shows its share, spread evenly, and says how many there are.
    """
    shown = _sample(found, most)
    special = {file for group in (*found.alike, *found.leaks)[:_SHOWN_GROUPS] for file in group[:12]}
    special |= {*found.blurred, *found.dark, *found.bright}
    thumbs = _thumbnails(root, {*(file for files in shown.values() for file in files), *special})
    environment = Environment(
        loader=PackageLoader("techniques"),
        autoescape=select_autoescape(default=True),
        trim_blocks=True,
        lstrip_blocks=True,
    )
    rows = {item.file: item.row for item in found.items}
    return environment.get_template("dataset.html").render(
        found=found,
        shown=shown,
        thumbs=thumbs,
        rows=rows,
        generator=GENERATOR,
        counted=counted,
        groups=_SHOWN_GROUPS,
        stretch=_stretch(found),
        folders=[one.folder for one in found.classes],
    )


def _stretch(found: Overview) -> float:
    """Height over width of the map of footprints, as it is on the ground; 0.2..2."""
    if found.extent is None:
        return 1.0
    west, south, east, north = found.extent
    wide = (east - west) * math.cos(math.radians((south + north) / 2))
    return min(2.0, max(0.2, (north - south) / max(wide, 1e-9)))


def _sample(found: Overview, most: int) -> dict[str, list[str]]:
    files: dict[str, list[str]] = {one.folder: [] for one in found.classes}
    for item in found.items:
        files[item.folder].append(item.file)
    share = max(1, most // max(1, len(files)))
    return {folder: names[:: math.ceil(len(names) / share)] for folder, names in files.items()}


def _thumbnails(root: Path, files: Iterable[str]) -> dict[str, str]:
    def one(file: str) -> tuple[str, str]:
        try:
            with Image.open(root / file) as image:
                image.draft("RGB", (_SIDE * 2, _SIDE * 2))
                small = upright(image)
                small.thumbnail((_SIDE, _SIDE))
                written = io.BytesIO()
                small.convert("RGB").save(written, "JPEG", quality=70)
        except (*DECODER_ERRORS, Image.DecompressionBombError):
            return file, ""
        return file, f"data:image/jpeg;base64,{base64.b64encode(written.getvalue()).decode()}"

    with ThreadPoolExecutor() as pool:
        return dict(pool.map(one, sorted(files)))
