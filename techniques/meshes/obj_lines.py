"""An OBJ file's text: whole lines, and what stands in one."""

from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from techniques.errors import BadInputError
from techniques.meshes.draft import too_large
from techniques.meshes.limits import LIMITS

__all__ = ["comment_at", "hint", "logical_lines", "name_in", "short"]


def logical_lines(path: Path, stream: TextIO) -> Iterator[tuple[int, str]]:
    """Lines with their numbers from 1; those that end in a backslash are joined with the next."""
    number, begun = 0, ""
    while line := stream.readline(LIMITS.line):
        number += 1
        if number == 1:
            line = _without_mark(path, line)
        if len(line) + len(begun) >= LIMITS.line:
            raise too_large(path, f"characters in line {number}", LIMITS.line)
        if line.rstrip().endswith("\\"):
            begun += line.rstrip()[:-1] + " "
            continue
        yield number, begun + line
        begun = ""
    if begun:
        yield number, begun


def _without_mark(path: Path, line: str) -> str:
    if line.startswith(("\xff\xfe", "\xfe\xff")):
        raise BadInputError(f"{path} is UTF-16 text. Save it as UTF-8 and try again.")
    if "\0" in line:
        raise BadInputError(f"{path} is not an OBJ file: it holds binary data. Check its suffix.")
    return line.removeprefix("\xef\xbb\xbf")


def name_in(line: str, keyword: str) -> str:
    """What stands behind ``keyword``, in UTF-8 where it is, else in Latin-1."""
    text = line.strip()[len(keyword) :].strip()
    try:
        return text.encode("latin-1").decode("utf-8")
    except UnicodeDecodeError:
        return text


def comment_at(words: list[str]) -> int | None:
    """The number of the word that begins a comment."""
    return next((at for at, word in enumerate(words) if word[0] == "#"), None)


def short(line: str) -> str:
    """``line`` in at most 60 characters, for a message."""
    text = " ".join(line.split())
    return text if len(text) <= 60 else f"{text[:57]}..."


def hint(line: str, error: Exception) -> str:
    """Why ``line`` may have failed, in brackets; empty where nothing is known."""
    if "," in line:
        return " (is a decimal comma in it?)"
    return f" ({error})" if str(error).startswith("index") else ""
