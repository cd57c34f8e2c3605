"""The sheets beside a dataset's pictures, made anew from what lies there now."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from techniques.datasets import credits as sheets
from techniques.datasets.rows import Row, rows
from techniques.files import write_text

__all__ = ["SHEETS", "Named", "read_named", "write_listing"]

SHEETS = ("classes.json", "credits.csv", "ATTRIBUTION.md", "credits.html")
"""What `write_listing` writes."""
_CLASSES = SHEETS[0]


@dataclass(frozen=True)
class Named:
    """What a class folder stands for."""

    label: str
    queries: Sequence[str] = ()


def read_named(root: Path) -> dict[str, Named]:
    """The class folders as ``classes.json`` explains them; nothing if there is none."""
    try:
        listed = json.loads((root / _CLASSES).read_text(encoding="utf-8"))["classes"]
        return {
            str(entry["folder"]): Named(str(entry["label"]), tuple(map(str, entry.get("queries", ()))))
            for entry in listed
        }
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def write_listing(root: Path, named: Mapping[str, Named], *, page: bool = True) -> list[Row]:
    """Write classes.json, credits.csv, ATTRIBUTION.md and (``page``) credits.html; returns the rows in them.

    Without a single picture there is nothing to credit, and older sheets go. In folders that nobody has
    collected (no manifest) nothing is touched: such files would be somebody else's.
    """
    known = rows(root)
    if not known:
        return []
    kept = sheets.present(known, root)
    classes = sorted({row["class"] for row in kept})
    listing = [
        {
            "index": index,
            "folder": folder,
            "label": named[folder].label if folder in named else folder,
            "queries": list(named[folder].queries) if folder in named else [],
        }
        for index, folder in enumerate(classes)
    ]
    explained = json.dumps({"classes": listing}, indent=2, ensure_ascii=False) + "\n"
    contents = (explained, sheets.table(kept), sheets.text(kept), sheets.page(kept))
    written = dict(zip(SHEETS, contents, strict=True))
    if not page:
        del written["credits.html"]
    for name, content in written.items():
        if kept:
            write_text(root / name, content)
        else:
            (root / name).unlink(missing_ok=True)
    return kept
