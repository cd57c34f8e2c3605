"""``deepdesign COMMAND``: the table of commands, and the one place that turns errors into exit statuses."""

import errno
import importlib
import io
import sys
import traceback
from collections.abc import Sequence

import click

from techniques.errors import DeepdesignError
from techniques.interrupts import terminate_like_ctrl_c
from techniques.memory import out_of_memory

__all__ = ["main", "run"]

# Imported only when asked for; none of them imports PyTorch before it works.
_COMMANDS = {
    "style": "techniques.style.command:style",
    "dream": "techniques.dream.command:dream",
    "train": "techniques.training.command:train",
    "mesh-dream": "techniques.mesh_dream.command:mesh_dream",
    "mesh-fit": "techniques.mesh_fit.command:mesh_fit",
    "mesh-style": "techniques.mesh_style.command:mesh_style",
    "classify": "techniques.classifiers.command:classify",
    "weights": "techniques.weights.command:weights",
    "collect": "techniques.datasets.command:collect",
    "aerial": "techniques.aerial.command:aerial",
    "dataset": "techniques.datasets.tools:dataset",
    "unpack": "techniques.archives.command:unpack",
    "pack": "techniques.archives.command:pack",
}


# What the system says of a name that was given, or of the folders on the way to it.
_OF_NAMES = {errno.EACCES, errno.EPERM, errno.ENAMETOOLONG, errno.ELOOP, errno.ENOTDIR}


class _Lazy(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in _COMMANDS:
            return None
        module, _, name = _COMMANDS[cmd_name].partition(":")
        command: click.Command = getattr(importlib.import_module(module), name)
        return command


@click.group(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="deepdesign")
def program() -> None:
    """Design with neural networks, by name. `deepdesign COMMAND --help` explains each."""


def main() -> None:
    """Run the program with this process's arguments, and end the process."""
    terminate_like_ctrl_c()
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="surrogateescape")  # names of files as they are, also if not UTF-8
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run one command; returns the exit status. Errors become one plain line on standard error."""
    debug = "--debug" in arguments
    try:
        status = program.main(list(arguments), prog_name="deepdesign", standalone_mode=False)
        return status if isinstance(status, int) else 0
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return 2
    except click.UsageError as error:
        where = f"{error.ctx.command_path}: " if error.ctx else ""
        help_hint = f"`{error.ctx.command_path if error.ctx else 'deepdesign'} --help` explains."
        return _ended(f"{where}{error.format_message()} {help_hint}", 2, debug)
    except click.ClickException as error:
        return _ended(error.format_message(), error.exit_code, debug)
    except (click.Abort, KeyboardInterrupt):
        return _ended("Interrupted.", 130, debug)
    except DeepdesignError as error:
        return _ended(str(error), error.exit_status, debug)
    except MemoryError:
        return _ended("There is not enough memory for this. Choose a smaller --size.", 1, debug)
    except OSError as error:
        if error.filename is None or error.errno not in _OF_NAMES:
            return _unforeseen(error, debug)
        return _ended(
            f"{error.filename} cannot be used: {error.strerror}. Check its name, and that you may open the "
            "folders on the way to it.",
            2,
            debug,
        )
    except Exception as error:  # the last door: whatever comes through is a mistake of ours
        if out_of_memory(error):
            return _ended("There is not enough memory for this. Choose a smaller --size.", 1, debug)
        return _unforeseen(error, debug)


def _unforeseen(error: Exception, debug: bool) -> int:
    return _ended(
        f"An error that we did not foresee: {type(error).__name__}: {error}. --debug shows where.", 1, debug
    )


def _ended(message: str, status: int, debug: bool) -> int:
    if debug:
        traceback.print_exc()
    print(
        f"Error: {' '.join(message.split())}" if status != 130 else " ".join(message.split()), file=sys.stderr
    )
    return status
