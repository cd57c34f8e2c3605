"""Programs that are runnable by name: those of this distribution, and those that the settings name.

They lie in HOME's local part, so none outlives the image that made it.
"""

import os
import sys
from collections.abc import Iterable
from shlex import quote

from bootstrap.errors import WrongInputError
from bootstrap.plugins import Plugin, entry_points

_DISTRIBUTION = "deepdesign-"
PROGRAM = "deepdesign-bootstrap"
_MARK = "# made by deepdesign-bootstrap\n"


def distribution(path: Iterable[str] | None = None) -> str | None:
    """The metadata folder of the installed distribution, searched as ``importlib.metadata`` does, without it:
    importing that takes longer than everything else at a start.
    """
    for folder in sys.path if path is None else path:
        try:
            names = os.listdir(folder)
        except OSError:
            continue
        for name in names:
            if name.startswith(_DISTRIBUTION) and name.endswith(".dist-info"):
                return os.path.join(folder, name)
    return None


def bundle() -> str | None:
    """The path of the single file that this program runs from, if it does."""
    folder = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    return folder if os.path.isfile(folder) else None


def console_scripts(metadata: str | None) -> dict[str, tuple[str, str]]:
    """The console scripts of the package ``metadata``: ``{"deepdesign": ("techniques.cli", "main")}``."""
    found = entry_points(metadata, "console_scripts") if metadata else []
    return {name: (module, function) for name, module, function in found}


def shell_scripts(metadata: str | None) -> tuple[str, ...]:
    """Full paths of the other programs that the distribution put beside its Python: the course's shell
    files.
    """
    if metadata is None:
        return ()
    try:
        with open(os.path.join(metadata, "RECORD"), encoding="utf-8") as file:
            paths = [line.split(",", 1)[0] for line in file]
    except OSError:
        return ()
    root = os.path.dirname(metadata)
    found = [
        path for path in paths if path.startswith("../") and os.path.basename(os.path.dirname(path)) == "bin"
    ]
    return tuple(os.path.normpath(os.path.join(root, path)) for path in found)


def wrappers(
    commands: Iterable[tuple[str, str]], metadata: str | None = None, plugins: Iterable[Plugin] = ()
) -> dict[str, str]:
    """The text of every wrapper by its name. The suite's own names cannot be taken, by whomever; what the
    settings name stands before what packages bring.
    """
    texts = {plugin.name: _plugin(plugin) for plugin in reversed(tuple(plugins))}
    own = _own(metadata)
    for name, command in commands:
        if name in own:
            raise WrongInputError(
                f"commands: {name} is one of the suite's own commands; choose another name."
            )
        given = any(mark in command for mark in ("$@", "$*", "$1", "${1"))
        texts[name] = f"#!/bin/sh\n{_MARK}{command}" + ("\n" if given else ' "$@"\n')
    return {**texts, **own}


def _plugin(plugin: Plugin) -> str:
    """Runs what a package brings: its own folder is in view wherever pip put it, the current one is not."""
    program = (
        f"import site, sys; sys.argv[0] = {plugin.name!r}; site.addsitedir({plugin.folder!r}); "
        f"from {plugin.module} import {plugin.function.partition('.')[0]}; sys.exit({plugin.function}())"
    )
    return f'#!/bin/sh\n{_MARK}exec {quote(sys.executable)} -I -c {quote(program)} "$@"\n'


def _own(metadata: str | None) -> dict[str, str]:
    texts = {}
    for path in shell_scripts(metadata):
        texts[os.path.basename(path)] = f'#!/bin/sh\n{_MARK}exec {quote(path)} "$@"\n'
    for name, (module, function) in console_scripts(metadata).items():
        # -I: nothing that the user has installed or exported can break it.
        program = (
            f"import sys; sys.argv[0] = {name!r}; from {module} import {function}; sys.exit({function}())"
        )
        texts[name] = f'#!/bin/sh\n{_MARK}exec {quote(sys.executable)} -I -c {quote(program)} "$@"\n'
    single = bundle()
    if single is not None:
        texts[PROGRAM] = f'#!/bin/sh\n{_MARK}exec {quote(sys.executable)} -I {quote(single)} "$@"\n'
    return texts


def is_ours(content: bytes) -> bool:
    """Whether a file in our folder was made by the bootstrap, so that it may go when nothing names it any
    more.
    """
    return _MARK.encode() in content[:200]
