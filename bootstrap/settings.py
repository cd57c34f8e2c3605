"""The settings file, ``STORAGE/cfg/bootstrap.yaml``: everything in it is optional.

::

    user: anna                 # items of this person only, under cfg/users/anna
    conflict: storage          # when both sides have it and differ: storage, home, merge or stop
    items:                     # in place of the default list
      - .ssh
      - {name: .vimrc, kind: file, conflict: merge}
      - {name: .aws, persist: copy}
    skip: [.fastai]            # never touched, even if storage has it
    commands:                  # runnable by name in terminals and kernels
      render: python /storage/tools/render.py
    asides: {keep: 5, days: 30}  # how long what was set aside stays where it has another copy
    preset: per-image          # each image has its own ~/.local; classic: all share one
    caches: [torch, huggingface] # whose downloads are kept in storage; also pip
    notebooks: true            # link the storage into the folder that the browser shows; false, or another
    folder
"""

import os
import stat
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from bootstrap import names
from bootstrap.errors import WrongInputError
from bootstrap.items import ANY, DEFAULTS, FILE, FOLDER, POLICIES, STORAGE, WAYS, Item

#: Each image and Python has a ``~/.local`` of its own, or all share one as with the widely used script.
PER_IMAGE, CLASSIC = "per-image", "classic"
#: Programs whose downloads may be kept in storage, and those that are by default.
CACHES = ("torch", "huggingface", "pip")
CACHES_STORED = ("torch", "huggingface")
_LIMIT = 256 * 1024
_DEPTH = 20


class Asides(NamedTuple):
    """How long what was set aside stays where storage has the very same: until it is older than ``days``, and
    the newest ``keep`` of each item in any case.
    """

    keep: int = 5
    days: int = 30


class Settings(NamedTuple):
    """What a user may decide."""

    user: str | None = None
    items: tuple[Item, ...] = DEFAULTS
    skip: frozenset[str] = frozenset()
    commands: tuple[tuple[str, str], ...] = ()
    notebooks: bool | str = True
    conflict: str = STORAGE
    asides: Asides = Asides()
    preset: str = PER_IMAGE
    caches: tuple[str, ...] = CACHES_STORED


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
    readers: dict[str, Callable[[object], object]] = {
        "user": _user,
        "items": _items,
        "skip": _skip,
        "commands": _commands,
        "notebooks": _notebooks,
        "conflict": _conflict,
        "asides": _asides,
        "preset": _preset,
        "caches": _caches,
    }
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
        fields = entry if isinstance(entry, Mapping) else {"name": entry}
        extra = [key for key in fields if key not in ("name", *_CHOICES)]
        if extra or "name" not in fields:
            raise WrongInputError(
                f"items: an entry must have `name` and may have {', '.join(_CHOICES)}, nothing else."
            )
        name = names.item(fields["name"], "items")
        if name.casefold() in found:
            raise WrongInputError(f"items: {name!r} is named twice (capitals do not count).")
        chosen = {
            key: _choice(f"items: {key}", fields[key], allowed)
            for key, allowed in _CHOICES.items()
            if fields.get(key) is not None
        }
        found[name.casefold()] = known.get(name, Item(name, ANY))._replace(**chosen)
    return tuple(found.values())


#: What an item may say of itself, and the words for it.
_CHOICES = {"kind": (FILE, FOLDER), "persist": WAYS, "conflict": POLICIES}


def _choice(key: str, value: object, allowed: tuple[str, ...]) -> str:
    if not isinstance(value, str) or value not in allowed:
        words = " or ".join(f"`{word}`" for word in allowed)
        raise WrongInputError(f"{key} must be {words}, not {names.shown(value)}.")
    return value


def _conflict(value: object) -> str:
    return _choice("conflict:", value, POLICIES)


def _preset(value: object) -> str:
    return _choice("preset:", value, (PER_IMAGE, CLASSIC))


def _caches(value: object) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise WrongInputError("caches: must be a list, one `- NAME` a line.")
    return tuple(_choice("caches: an entry", name, CACHES) for name in value)


def _asides(value: object) -> Asides:
    if not isinstance(value, Mapping) or any(key not in Asides._fields for key in value):
        raise WrongInputError("asides: must be `{keep: NUMBER, days: NUMBER}`.")
    for key, number in value.items():
        if isinstance(number, bool) or not isinstance(number, int) or not 0 <= number <= 100_000:
            raise WrongInputError(f"asides: {key} must be a number from 0 to 100000.")
    return Asides(**value)


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
