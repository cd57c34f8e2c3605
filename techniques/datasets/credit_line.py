"""Whose work a result is that was made from several: a line to print under it, and what the licences ask."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from techniques.datasets.credits import present, summary
from techniques.datasets.licences import Licence
from techniques.datasets.rows import NAME, Row, rows
from techniques.datasets.wording import counted

__all__ = ["Credit", "Input", "credit_line", "inputs_of"]

_CHUNK = 1 << 20


@dataclass(frozen=True)
class Input:
    """One thing that a result was made from; ``licences`` are slugs, empty for what nobody knows."""

    text: str
    licences: tuple[str, ...]
    known: bool = True


@dataclass(frozen=True)
class Credit:
    """``line`` is for the picture's edge, ``terms`` are sentences for whoever publishes it."""

    line: str
    terms: tuple[str, ...]
    unknown: tuple[str, ...]


def inputs_of(paths: Iterable[Path], datasets: Sequence[Path] = ()) -> list[Input]:
    """What is known of pictures, dataset folders and ``run.json`` records, each once, in their order.

    A picture is found in the dataset that it lies in, by its side-car, or by its bytes in ``datasets``.
    """
    by_hash = {row["sha256"]: row for root in datasets for row in present(rows(root), root)}
    found: list[Input] = []
    for path in paths:
        for part in _parts(path):
            for one in _inputs(part, by_hash):
                if one not in found:
                    found.append(one)
    return found


def credit_line(inputs: Sequence[Input]) -> Credit:
    """One line for all of ``inputs``, and what their licences ask together."""
    slugs = [Licence(slug) for one in inputs for slug in one.licences]
    terms = []
    if any(licence.slug and not licence.commercial for licence in slugs):
        terms.append("It may not be used commercially (NC).")
    shared = sorted({licence.name.strip() for licence in slugs if "sa" in licence.slug.split("-")})
    if shared:
        terms.append(f"It is to be shared under the same licence ({', '.join(shared)}).")
    if len(shared) > 1:
        terms.append("Two different share-alike licences can rarely be kept at once: choose other inputs.")
    if any(licence.slug and not licence.adaptation for licence in slugs):
        terms.append("One of its inputs may not be changed (ND): do not publish it.")
    line = "Made from " + "; ".join(one.text.rstrip(". ") for one in inputs) + "." if inputs else ""
    return Credit(line, tuple(terms), tuple(one.text for one in inputs if not one.known))


def _parts(path: Path) -> list[Path]:
    """The inputs that a record names; anything else is itself."""
    record = _json(path) if path.suffix == ".json" else {}
    arguments = record.get("arguments")
    if not isinstance(arguments, dict) or "command" not in record:
        return [path]
    named = [value for key, value in arguments.items() if key != "output" for value in _texts(value)]
    return [Path(text) for text in dict.fromkeys(named) if text and _exists(Path(text))]


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    return [text for part in value for text in _texts(part)] if isinstance(value, list) else []


def _exists(path: Path) -> bool:
    try:
        return path.exists() and path.suffix not in {".txt", ".yaml", ".csv"}
    except (OSError, ValueError):
        return False


def _inputs(path: Path, by_hash: dict[str, Row]) -> list[Input]:
    if path.is_dir():
        return [_of_dataset(path)]
    root = path.absolute().parent.parent
    if (root / NAME).is_file():
        file = f"{path.absolute().parent.name}/{path.name}"
        for row in rows(root):
            if row["status"] == "kept" and row.get("file") == file:
                return [_of_row(row)]
    beside = _json(path.with_suffix(".json"))
    if beside.get("attribution"):
        place = f"{beside.get('lat')}, {beside.get('lon')}: " if "lat" in beside else ""
        return [Input(f"{place}{beside['attribution']}, {beside.get('license', '')}", _slugs(beside))]
    same = by_hash.get(_digest(path)) if by_hash else None
    if same is not None:
        return [_of_row(same)]
    return [Input(f"{path.name} (whose it is, nobody has said)", (), known=False)]


def _of_dataset(root: Path) -> Input:
    known = [row for row in present(rows(root), root) if "license" in row]
    if not known:
        return Input(f"the pictures in {root.name} (whose they are, nobody has said)", (), known=False)
    counts = ", ".join(f"{count} {name}" for name, count in summary(known).items())
    creators = len({row["creator"] for row in known if row.get("creator")})
    by = f" by {creators} creators" if creators > 1 else ""
    return Input(
        f"{counted(len(known), 'picture')}{by} ({counts}; each in {root.name}/ATTRIBUTION.md)",
        tuple(sorted({row["license"] for row in known})),
    )


def _of_row(row: Row) -> Input:
    return Input(str(row["attribution"]), (str(row["license"]),), known=bool(row["license"]))


def _slugs(beside: dict[str, Any]) -> tuple[str, ...]:
    name = str(beside.get("license", "")).casefold()
    return tuple(part for part in ("by-nc-sa", "by-nc", "by-sa") if part in name)[:1]


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while piece := file.read(_CHUNK):
                digest.update(piece)
    except OSError:
        return ""
    return digest.hexdigest()


def _json(path: Path) -> dict[str, Any]:
    try:
        read = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return read if isinstance(read, dict) else {}
