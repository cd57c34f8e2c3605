"""The options that all techniques share, declared once."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

from techniques.setting_options import Setting, together

__all__ = ["file_options", "picture_size_options", "shared_options"]

Command = TypeVar("Command", bound=Callable[..., Any])

_QUIET = click.option("--quiet", is_flag=True, help="No progress.")
_JSON = click.option(
    "--json",
    "as_json",
    is_flag=True,
    help="One JSON object a line on standard output; the last one is the result.",
)
_DEBUG = click.option("--debug", is_flag=True, expose_value=False, help="Show the traceback of an error.")
_SEED = click.option(
    "--seed",
    type=click.IntRange(0, 2**63 - 1),
    default=0,
    show_default=True,
    help="Of whatever is random.",
)


def _named(context: click.Context, option: click.Parameter, value: str | None) -> str | None:  # noqa: ARG001
    """Refuse ``-o ""``, which a shell makes of a variable that is not set: it would mean this very folder."""
    if value == "":
        raise click.BadParameter("the name is empty; give one, or leave -o away.")
    return value


def _output(help_text: str) -> Callable[[Command], Command]:
    return click.option("-o", "--output", metavar="PATH", callback=_named, help=help_text)


_SHARED = (
    _output(
        "The result's name (a picture: .png, .jpg, .webp, .tif, .bmp; a mesh: .obj, .glb) or a folder. "
        "Default: where the platform collects results, else ./outputs."
    ),
    click.option(
        "--device",
        type=click.Choice(["auto", "cuda", "cpu"]),
        default="auto",
        show_default=True,
        help="Where to compute; auto takes a GPU if there is one.",
    ),
    _SEED,
    _QUIET,
    _JSON,
    click.option(
        "--resume", is_flag=True, help="Continue an interrupted run: the same command line again, with this."
    ),
    _DEBUG,
)


def shared_options(command: Command) -> Command:
    """Give ``command`` the shared options: output, device, seed, quiet, as_json, resume (and --debug)."""
    return together(*_SHARED)(command)


def picture_size_options(setting: Setting[Any]) -> Callable[[Command], Command]:
    """``--size``, ``--width`` and ``--height`` of a picture."""
    return together(
        setting("size", "Longer side in pixels; the aspect is kept."),
        setting("width", "In pixels. With --height: crop to fill, never stretch. Alone: keep the aspect."),
        setting("height", "In pixels; see --width."),
    )


def file_options(output_help: str, *, seed: bool = False) -> Callable[[Command], Command]:
    """For commands that compute nothing: the shared options, with their own help for ``-o``.

    ``--device``, ``--seed`` and ``--resume`` are accepted and dropped, so that one set of flags fits every
    command: nothing here depends on them, and what can be taken up again always is. With ``seed`` the
    command is given that one.
    """
    return together(
        _output(output_help),
        _QUIET,
        _JSON,
        _DEBUG,
        click.option("--device", hidden=True, expose_value=False),
        _SEED if seed else click.option("--seed", hidden=True, expose_value=False),
        click.option("--resume", is_flag=True, hidden=True, expose_value=False),
    )
