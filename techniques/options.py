"""The options that all techniques share, declared once."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

__all__ = ["shared_options"]

Command = TypeVar("Command", bound=Callable[..., Any])

_SHARED = (
    click.option(
        "-o",
        "--output",
        metavar="PATH",
        help="A picture's name (.png, .jpg, .webp, .tif) or a folder. Default: where the platform "
        "collects results, "
        "else ./outputs.",
    ),
    click.option(
        "--device",
        type=click.Choice(["auto", "cuda", "cpu"]),
        default="auto",
        show_default=True,
        help="Where to compute; auto takes a GPU if there is one.",
    ),
    click.option(
        "--seed",
        type=click.IntRange(0, 2**63 - 1),
        default=0,
        show_default=True,
        help="Of whatever is random.",
    ),
    click.option("--quiet", is_flag=True, help="No progress."),
    click.option(
        "--json",
        "as_json",
        is_flag=True,
        help="One JSON object a line on standard output; the last one is the result.",
    ),
    click.option(
        "--resume", is_flag=True, help="Continue an interrupted run: the same command line again, with this."
    ),
    click.option("--debug", is_flag=True, expose_value=False, help="Show the traceback of an error."),
)


def shared_options(command: Command) -> Command:
    """Give ``command`` the shared options: output, device, seed, quiet, as_json, resume (and --debug)."""
    for option in reversed(_SHARED):
        command = option(command)
    return command
