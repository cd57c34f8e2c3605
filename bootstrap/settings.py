"""The settings file, ``STORAGE/cfg/bootstrap.yaml``: everything in it is optional.

::

    user: anna                 # items of this person only, under cfg/users/anna
    items:                     # in place of the default list
      - .ssh
      - {name: .vimrc, kind: file}
    skip: [.fastai]            # never touched, even if storage has it
    commands:                  # runnable by name in terminals and kernels
      render: python /storage/tools/render.py
    notebooks: true            # link the storage into the folder that the browser shows; false, or another
    folder
"""

import os
import stat
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from bootstrap import names
from bootstrap.errors import WrongInputError
from bootstrap.items import ANY, DEFAULTS, FILE, FOLDER, Item

_LIMIT = 256 * 1024
_DEPTH = 20


class Settings(NamedTuple):
    """What a user may decide."""

    user: str | None = None
    items: tuple[Item, ...] = DEFAULTS
    skip: frozenset[str] = frozenset()
    commands: tuple[tuple[str, str], ...] = ()
    notebooks: bool | str = True


def load(path: str, *, must_exist: bool = False) -> Settings:
    """Read the settings in ``path``; a missing file means the defaults unless it was asked for by name."""
    try:
        # O_NONBLOCK: a fifo in a shared storage must not hang the start.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        if must_exist:
            raise WrongInputError(f"--config: there is no file {path}.") from None
        return Settings()
    except OSError as error:
        raise WrongInputError(f"{path} cannot be read ({error.strerror}); mend or remove it.") from None
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise WrongInputError(f"{path} is not a file; mend or remove it.")
        text = file.read(_LIMIT + 1)
    if len(text) > _LIMIT:
        raise WrongInputError(f"{path} is larger than {_LIMIT // 1024} kB, so it is not a settings file.")
    return parse(text, path)


def parse(text: bytes, source: str) -> Settings:
    """Read settings from YAML; the message of an error names ``source`` and the key."""
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        _refuse_bombs(yaml.parse(text, Loader=loader))
        content = yaml.load(text, Loader=loader)  # noqa: S506
    except WrongInputError as error:
        raise WrongInputError(f"{source}: {error}") from None
    except Exception as error:  # the constructors of dates and numbers raise whatever they meet
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or "it is not text"
        raise WrongInputError(f"{source}{line}: this is not YAML: {problem}.") from None
    try:
        return from_mapping({} if content is None else content)
    except WrongInputError as error:
        raise WrongInputError(f"{source}: {error}") from None


def _refuse_bombs(events: Iterable[Any]) -> None:
    """Refuse what no settings file has: aliases, which a few lines of make endless, and deep nesting, which
    overflows the stack of the C loader.
    """
    depth = 0
    for event in events:
        kind = type(event).__name__
        depth += kind.endswith("StartEvent") - kind.endswith("EndEvent")
        if kind == "AliasEvent" or depth > _DEPTH:
            raise WrongInputError("it has aliases or is nested too deeply; write each setting out.")


def from_mapping(content: object) -> Settings:
    """Check settings that were read and give them their types."""
    if not isinstance(content, Mapping):
        raise WrongInputError("the file must be a list of `key: value` lines.")
    readers = {"user": _user, "items": _items, "skip": _skip, "commands": _commands, "notebooks": _notebooks}
    unknown = [key for key in content if key not in readers]
    if unknown:
        raise WrongInputError(f"{unknown[0]}: there is no such setting; there are {', '.join(readers)}.")
    found: dict[str, Any] = {key: readers[key](value) for key, value in content.items() if value is not None}
    return Settings(**found)


def _user(value: object) -> str:
    return names.user(value, "user")


def _items(value: object) -> tuple[Item, ...]:
    if not isinstance(value, list):
        raise WrongInputError("items: must be a list, one `- NAME` a line.")
    known = {item.name: item for item in DEFAULTS}
    found: dict[str, Item] = {}
    for entry in value:
        kind = None
        if isinstance(entry, Mapping):
            kind = entry.get("kind")
            extra = [key for key in entry if key not in ("name", "kind")]
            if extra or "name" not in entry:
                raise WrongInputError("items: an entry must have `name` and may have `kind`, nothing else.")
            if kind not in (None, FILE, FOLDER):
                raise WrongInputError(f"items: kind must be `{FILE}` or `{FOLDER}`, not {names.shown(kind)}.")
            entry = entry["name"]
        name = names.item(entry, "items")
        if name.casefold() in found:
            raise WrongInputError(f"items: {name!r} is named twice (capitals do not count).")
        item = known.get(name, Item(name, ANY))
        found[name.casefold()] = item._replace(kind=kind) if kind else item
    return tuple(found.values())


def _skip(value: object) -> frozenset[str]:
    if not isinstance(value, list):
        raise WrongInputError("skip: must be a list, one `- NAME` a line.")
    return frozenset(names.item(entry, "skip") for entry in value)


def _commands(value: object) -> tuple[tuple[str, str], ...]:
    if not isinstance(value, Mapping):
        raise WrongInputError("commands: must be lines of `NAME: command`.")
    found = []
    for name, command in value.items():
        names.command(name, "commands")
        # The command itself is never shown: people put tokens into them.
        if not isinstance(command, str) or not command.strip() or "\0" in command:
            raise WrongInputError(f"commands: {name} must be a command line, as text.")
        found.append((name, command.strip()))
    return tuple(found)


def _notebooks(value: object) -> bool | str:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and os.path.isabs(value) and "\0" not in value:
        return os.path.normpath(value)
    raise WrongInputError("notebooks: must be true, false or the full path of a folder.")
