"""The class list: what to look for, and under which folder it goes. Pure.

One class a line, as the course had it, or ``label: query one | query two -without``. A query
``category:Ionic capitals`` walks that category of Wikimedia Commons, ``urls:FILE`` and ``folder:FOLDER`` take
what lies beside the list. ``#`` begins a comment.
"""

import re
import unicodedata
from dataclasses import dataclass, replace

from techniques.datasets.errors import RecipeError

LONGEST_QUERY = 200
_PREFIXED = re.compile(r"(category|urls|folder):\s*(.+)", re.IGNORECASE)
_WINDOWS_DEVICE = re.compile(r"(con|prn|aux|nul|com[1-9]|lpt[1-9])", re.IGNORECASE)


@dataclass(frozen=True)
class Query:
    """One search: ``text`` without the words in ``without``.

    ``kind`` is ``words``; or ``category``, ``urls`` or ``folder``, and ``text`` is the name of one.
    """

    text: str
    without: tuple[str, ...] = ()
    kind: str = "words"

    def __str__(self) -> str:
        """As it stands in a class list."""
        prefix = "" if self.kind == "words" else f"{self.kind}:"
        return " ".join([prefix + self.text, *(f"-{word}" for word in self.without)])


@dataclass(frozen=True)
class Label:
    """One class: its name as written, its folder, its searches."""

    name: str
    folder: str
    queries: tuple[Query, ...]


@dataclass(frozen=True)
class Recipe:
    """All classes in the list's order, and what a reader of the list should know."""

    labels: tuple[Label, ...]
    notes: tuple[str, ...]


def parse(text: str) -> Recipe:
    """The recipe that ``text`` describes.

    Raises `RecipeError` when it names no class, or a line cannot be understood.
    """
    labels: dict[str, Label] = {}
    notes: list[str] = []
    for number, line in enumerate(text.lstrip("\ufeff").splitlines(), start=1):
        stripped = line.split("#")[0].strip().rstrip(",;").strip()
        if not stripped:
            continue
        label = _label(stripped, number)
        if "," in label.name:
            notes.append(
                f"line {number}: {label.name!r} is taken as one class; if it is several, give each its line"
            )
        key = label.folder.casefold()
        if key in labels:
            known = labels[key]
            queries = known.queries + tuple(query for query in label.queries if not _knows(known, query))
            labels[key] = replace(known, queries=queries)
            notes.append(
                f"line {number}: {label.name!r} is the class {known.name!r} once more; they become one"
            )
        else:
            labels[key] = label
    if not labels:
        raise RecipeError("it names no class; write one class a line, such as 'gothic'")
    return Recipe(tuple(labels.values()), tuple(notes))


def folder_name(label: str) -> str:
    """A folder's name for ``label`` that every disk takes; letters of all scripts and their case stay."""
    text = unicodedata.normalize("NFC", label).strip()
    text = re.sub(r"[^\w.()&+-]+", "_", text).strip("._")
    if _WINDOWS_DEVICE.fullmatch(text):
        text += "_"
    return text.encode()[:100].decode(errors="ignore")


def _label(line: str, number: int) -> Label:
    name, colon, rest = line.partition(":")
    if _PREFIXED.match(line):
        name, colon, rest = line.split(":", 1)[1], ":", line
    name = " ".join(name.split())
    folder = folder_name(name)
    if not folder:
        raise RecipeError(f"line {number}: {line!r} has no name for a class before the colon")
    parts = [part.strip() for part in rest.split("|") if part.strip()] if colon else [name]
    if not parts:
        raise RecipeError(f"line {number}: {line!r} has nothing to search for after the colon")
    return Label(name, folder, tuple(_query(part, number) for part in parts))


def _query(part: str, number: int) -> Query:
    match = _PREFIXED.fullmatch(part)
    if match is not None and match.group(1).lower() != "category":
        return Query(match.group(2).strip(), kind=match.group(1).lower())
    words = (match.group(2) if match else part).split()
    text = " ".join(word for word in words if not word.startswith("-") or word == "-")
    if not text:
        raise RecipeError(f"line {number}: {part!r} only says what to leave out; add what to look for")
    if len(text) > LONGEST_QUERY:
        raise RecipeError(f"line {number}: a query has more than {LONGEST_QUERY} letters; shorten it")
    without = tuple(word[1:] for word in words if word.startswith("-") and len(word) > 1)
    return Query(text, without, kind="words" if match is None else "category")


def _knows(label: Label, query: Query) -> bool:
    return any(str(known).casefold() == str(query).casefold() for known in label.queries)
