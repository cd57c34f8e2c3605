"""Cameras by name, from a line of the command line, or from a YAML file."""

import math
from collections.abc import Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import yaml

from techniques.errors import BadInputError
from techniques.raster.cameras import Camera

__all__ = ["VIEWS", "parse_camera", "read_cameras"]

_LONGEST_FILE = 1 << 20  # bytes of a YAML file

VIEWS = {
    "front": Camera(),
    "right": Camera(azimuth=90),
    "back": Camera(azimuth=180),
    "left": Camera(azimuth=270),
    "top": Camera(elevation=90),
    "bottom": Camera(elevation=-90),
    "plan": Camera(projection="orthographic", elevation=90),
    "elevation-front": Camera(projection="orthographic"),
    "elevation-right": Camera(projection="orthographic", azimuth=90),
    "elevation-back": Camera(projection="orthographic", azimuth=180),
    "elevation-left": Camera(projection="orthographic", azimuth=270),
}
"""Cameras that have a name."""

_SHORT = {"ortho": "orthographic", "orthographic": "orthographic", "perspective": "perspective"}


def parse_camera(text: str, flag: str = "--camera") -> Camera:
    """A camera from one line: a name of ``VIEWS``, ``AZIMUTH,ELEVATION``, or ``key=value`` and commas.

    A name may be followed by keys that differ: ``plan,span=3``.

    Raises:
        BadInputError: the line names ``flag`` and what is wrong.
    """
    words = [word.strip() for word in text.split(",") if word.strip()]
    if not words:
        raise BadInputError(f"{flag}: the camera is empty. Take one of {', '.join(VIEWS)}.")
    values: dict[str, Any] = {}
    plain: list[str] = []
    for word in words:
        name, equals, value = word.partition("=")
        if equals:
            values[name.strip()] = value.strip()
        else:
            plain.append(word)
    base = VIEWS["front"]
    if plain and plain[0] in VIEWS:
        base = VIEWS[plain.pop(0)]
    numbers = [_number(word) for word in plain]
    if len(numbers) > 2 or None in numbers:
        raise BadInputError(
            f"{flag} {text}: a camera is a name ({', '.join(VIEWS)}), AZIMUTH,ELEVATION in degrees, or "
            "key=value with commas between, such as azimuth=30,elevation=20,fov=50."
        )
    values.update(dict(zip(("azimuth", "elevation"), numbers, strict=False)))
    return _camera(values, base, f"{flag} {text}")


def read_cameras(path: Path) -> list[Camera]:
    """The cameras of a YAML file: a list whose items are names, lines as for ``parse_camera``, or mappings.

    Raises:
        BadInputError: the file cannot be read, or an item is no camera; the line names it by number.
    """
    try:
        if path.stat().st_size > _LONGEST_FILE:
            raise BadInputError(f"--cameras {path} is larger than 1 MiB, which no list of cameras is.")
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BadInputError(
            f"--cameras {path} cannot be read: {getattr(error, 'strerror', None) or error}."
        ) from error
    except (yaml.YAMLError, RecursionError) as error:
        raise BadInputError(f"--cameras {path} is not YAML: {' '.join(str(error).split())}") from error
    if isinstance(content, Mapping) and set(content) == {"cameras"}:
        content = content["cameras"]
    if not isinstance(content, list) or not content:
        raise BadInputError(
            f"--cameras {path}: a list of cameras is expected, such as `- {{azimuth: 90, elevation: 0}}`."
        )
    cameras = []
    for number, item in enumerate(content, 1):
        where = f"--cameras {path}, camera {number}"
        if isinstance(item, Mapping):
            given = {str(key): value for key, value in item.items()}
            base = VIEWS["front"]
            if "view" in given:
                name = given.pop("view")
                if name not in VIEWS:
                    raise BadInputError(f"{where}: view {name!r} is none of {', '.join(VIEWS)}.")
                base = VIEWS[name]
            cameras.append(_camera(given, base, where))
        elif isinstance(item, str):
            cameras.append(parse_camera(item, where + ":"))
        else:
            raise BadInputError(f"{where}: {item!r} is neither a name nor a mapping.")
    return cameras


def _camera(values: Mapping[str, Any], base: Camera, where: str) -> Camera:
    known = {field.name for field in fields(Camera)}
    merged: dict[str, Any] = asdict(base)
    for name, value in values.items():
        if name not in known:
            raise BadInputError(f"{where}: {name!r} is not known. Known are {', '.join(sorted(known))}.")
        if name == "projection":
            merged[name] = _SHORT.get(str(value), value)
        elif name == "target":
            parts = value.split("/") if isinstance(value, str) else value
            numbers = [_number(part) for part in parts] if isinstance(parts, list) else []
            if len(numbers) != 3 or None in numbers:
                raise BadInputError(f"{where}: target is three numbers, on a line as target=0/0.5/0.")
            merged[name] = tuple(numbers)
        else:
            number = _number(value)
            if number is None:
                raise BadInputError(f"{where}: {name} {value!r} is not a number.")
            merged[name] = number
    try:
        return Camera(**merged)
    except BadInputError as error:
        raise BadInputError(f"{where}: {str(error).removeprefix('camera: ')}") from error


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
