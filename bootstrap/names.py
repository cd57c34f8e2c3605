"""Which names may come from settings or from a storage that others write to.

An item is one file or folder directly in HOME. Names with a slash are refused altogether: a path through a
linked parent has destroyed its own source in other tools.
"""

import re

from bootstrap.errors import WrongInputError

#: Names in HOME and in the storage folder that are the bootstrap's own.
OWN = frozenset({".deepdesign", "bootstrap.yaml", "users"})

_COMMAND = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._+-]{0,63}")
_USER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._@-]{0,63}")


def shown(value: object) -> str:
    """``value`` as a message may have it: text in quotes and cut, of anything else the kind only."""
    if isinstance(value, str):
        return repr(value if len(value) <= 60 else value[:60] + "...")
    if value is None or isinstance(value, bool | float) or (isinstance(value, int) and abs(value) < 10**9):
        return str(value)
    return f"a {type(value).__name__}"


def printable(text: str) -> str:
    """``text`` as a terminal may have it: what would move its cursor or colour it is shown as an escape."""
    if text.isprintable():
        return text
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in text
    )


def why_not_an_item(name: object) -> str | None:
    """Say why ``name`` cannot be an item, or ``None`` if it can."""
    if not isinstance(name, str):
        return "it is not text (write it in quotes)"
    if not name.strip():
        return "it is empty"
    if name in (".", "..") or name.startswith("~"):
        return "it would mean a whole home; name one file or folder in your home"
    if "/" in name:
        return "it has a slash; name one file or folder directly in your home"
    if any(ord(letter) < 32 or ord(letter) == 127 for letter in name):
        return "it has a control character"
    if len(name.encode("utf-8", "surrogateescape")) > 255:
        return "it is longer than 255 bytes"
    if name in OWN:
        return "the bootstrap keeps its own files there"
    return None


def item(name: object, key: str) -> str:
    """Return ``name`` if it can be an item; ``key`` is the setting that the message names."""
    reason = why_not_an_item(name)
    if reason:
        raise WrongInputError(f"{key}: {shown(name)} cannot be an item: {reason}.")
    return str(name)


def is_command(name: object) -> bool:
    """Whether ``name`` can be a program's name."""
    return isinstance(name, str) and _COMMAND.fullmatch(name) is not None


def command(name: object, key: str) -> str:
    """Return ``name`` if it can be a program's name."""
    if not isinstance(name, str) or not is_command(name):
        raise WrongInputError(
            f"{key}: {shown(name)} cannot be a command's name: use letters, digits and . _ + - (at most 64)."
        )
    return name


def user(name: object, key: str) -> str:
    """Return ``name`` if it can be the name of a person's folder."""
    if not isinstance(name, str) or not _USER.fullmatch(name):
        raise WrongInputError(
            f"{key}: {shown(name)} cannot be a name here: use letters, digits and . _ @ - (at most 64)."
        )
    return name
