"""What the fields of a manifest's lines are: a manifest may come from somebody else, and everything that
reads one relies on this.
"""

import math
import re
from typing import Any

__all__ = ["well_formed"]

# Texts without which a line of its kind says nothing.
_TEXTS = {
    "image": {"class", "source", "source_id", "status", "reason"},
    "page": {"class", "source", "query"},
    "place": {"file", "folder"},
}
# What the credits and the copies of a kept picture are made of.
_TEXTS_OF_KEPT = {"file", "sha256", "license", "license_version", "page_url", "attribution"}
_OFFERED = {
    *("source", "source_id", "file_url", "page_url", "title", "creator", "creator_url", "license"),
    *("license_version", "license_url", "attribution", "license_source_field", "source_sha1"),
}
# Known or not: absent, or null, where nobody looked.
_MORE_TEXTS = {
    *(*_OFFERED, *_TEXTS_OF_KEPT, "query", "why", "edits", "phash", "creator_markup", "fetched_sha256"),
    *("etag", "last_modified", "retrieved_at"),
}
_NUMBERS = {"width", "height", "blur", "exposure", "offered_width", "offered_height"}
_PLACE = {"row": str, "file": str, "folder": str, "reason": str, "why": str, "batch": int, "undoes": int}
_HASH = re.compile(r"[0-9a-f]{16}")
_LONGEST_NAME = 255  # bytes, of one part of a path


def well_formed(row: dict[str, Any]) -> bool:
    """Whether all fields of a line have the types that its kind (``row``) has.

    Raises:
        KeyError: there is no such kind.
        UnicodeEncodeError: a text is none, so that no file can be called so.
    """
    kind = row["row"]
    if not _texts(row, _TEXTS[kind]):
        return False
    if kind == "page":
        return _page(row)
    if kind == "place":
        return all(name in _PLACE and type(value) is _PLACE[name] for name, value in row.items()) and _name(
            row["file"]
        )
    return _image(row)


def _image(row: dict[str, Any]) -> bool:
    if row["status"] == "kept" and not (_texts(row, _TEXTS_OF_KEPT) and _name(row["file"]) and row["class"]):
        return False
    return (
        all(row.get(name) is None or type(row[name]) is str for name in _MORE_TEXTS)
        and all(row.get(name) is None or _number(row[name]) for name in _NUMBERS)
        and (not row.get("phash") or _HASH.fullmatch(row["phash"]) is not None)
        and ("bounds" not in row or _box(row["bounds"]))
    )


def _page(row: dict[str, Any]) -> bool:
    return (
        (row["cursor"] is None or type(row["cursor"]) is dict)
        and type(row["candidates"]) is list
        and all(
            type(one) is dict
            and _texts(one, _OFFERED)
            and type(one.get("creator_markup", "")) is str
            and all(
                one[name] is None or type(one[name]) is int for name in ("offered_width", "offered_height")
            )
            for one in row["candidates"]
        )
    )


def _texts(row: dict[str, Any], names: set[str]) -> bool:
    return all(type(row.get(name)) is str for name in names)


def _name(path: str) -> bool:
    return bool(path) and all(len(part.encode()) <= _LONGEST_NAME for part in path.split("/"))


def _number(value: Any) -> bool:
    return type(value) in (int, float) and math.isfinite(value)


def _box(value: Any) -> bool:
    return type(value) is list and len(value) == 4 and all(map(_number, value))
