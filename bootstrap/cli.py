"""The commands of ``deepdesign-bootstrap``."""

import contextlib
import json
import os
import sys
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

import click

from bootstrap import report, start
from bootstrap.errors import NotDoneError, WrongInputError
from bootstrap.names import printable
from bootstrap.place import Options
from bootstrap.profiles import NAMES

_OPTIONS = (
    click.option("--home", metavar="FOLDER", help="The home to set up (default: HOME)."),
    click.option(
        "--storage", metavar="FOLDER", help="The folder that persists (default: the platform's, if mounted)."
    ),
    click.option("--config", metavar="FILE", help="Settings (default: STORAGE/cfg/bootstrap.yaml)."),
    click.option(
        "--profile",
        type=click.Choice(NAMES),
        default="auto",
        show_default=True,
        help="The platform; auto goes by its environment variables.",
    ),
    click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output."),
    click.option("--debug", is_flag=True, help="Show Python's own trace when something unexpected happens."),
)


def _shared(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="deepdesign")
def program() -> None:
    """Keep your environment across notebooks: packages, keys and settings live in storage and come back at
    each start.

    Exit status: 0 all is in place, or there is no storage; 1 an item could not be done; 2 settings or
    arguments are wrong.
    """


def main() -> None:
    """Run the program with this process's arguments; wrong ones end it with one plain line and status 2."""
    as_json = "--json" in sys.argv[1:]
    try:
        program.main(prog_name="deepdesign-bootstrap", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        sys.exit(2)
    except click.UsageError as error:
        hint = f"`{error.ctx.command_path if error.ctx else 'deepdesign-bootstrap'} --help` explains."
        _fail(f"{error.format_message()} {hint}", 2, {"as_json": as_json})
    except (click.Abort, KeyboardInterrupt):
        _fail("stopped; run the command again to finish.", 130, {"as_json": as_json})


@program.command()
@_shared
def apply(**options: Any) -> None:
    """Bring everything back, and keep what is new."""
    _command("apply", start.run, report.lines, options)


@program.command()
@_shared
def plan(**options: Any) -> None:
    """Show what apply would do; nothing is touched."""
    _command("plan", start.look, _plan_lines, options)


@program.command()
@_shared
def status(**options: Any) -> None:
    """Show how each item stands; nothing is touched."""
    _command("status", start.look, report.status_lines, options)


@program.command()
@_shared
@click.option(
    "--git-host", metavar="HOST", default="github.com", show_default=True, help="Where ssh should get you."
)
def doctor(git_host: str, **options: Any) -> None:
    """Say what will not work, why, and the one command that mends it; nothing is touched.

    Looks at the last start, ssh and its keys, packages, what stands before the image's own, and the room on
    the disks. Exit status: 0 nothing is wrong; 1 something will not work; 2 arguments are wrong.
    """
    import re

    from bootstrap.doctor import examine, telling

    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._@:-]*", git_host):
        _fail("--git-host: the name of a host is needed, as in github.com.", 2, options)
    with _said_plainly(options):
        diagnosis = examine.examine(_chosen(options), os.environ, git_host, debug=options["debug"])
    _show(telling.as_json(diagnosis) if options["as_json"] else telling.lines(diagnosis))
    sys.exit(diagnosis.status)


@program.command()
@_shared
def undo(**options: Any) -> None:
    """Give this home real files in place of the links; storage keeps everything.

    The next start of a notebook links them again.
    """
    from bootstrap import undo as undoing

    _command("undo", undoing.run, _undo_lines, options)


@program.command()
@_shared
def install(**options: Any) -> None:
    """Put the bootstrap itself into the storage, so that it also works in images that are not ours.

    Writes STORAGE/pre-run.sh, which some images source at their start and every other can be told to, and
    one file that any Python from 3.10 on runs. A hook of your own that is there already is kept, and goes on
    working after ours.
    """
    from bootstrap import install as installing

    with _said_plainly(options):
        done = installing.install(_chosen(options), os.environ)
    _show(done.as_json() if options["as_json"] else done.lines())


@program.command()
@_shared
def uninstall(**options: Any) -> None:
    """Take it out again: this home gets real files in place of the links, and your own hook its name back.

    The storage keeps everything that was kept in it.
    """
    from bootstrap import install as installing

    with _said_plainly(options):
        done = installing.uninstall(_chosen(options), os.environ)
    _show(done.as_json() if options["as_json"] else done.lines())
    sys.exit(done.status)


def _undo_lines(result: start.Result) -> list[str]:
    return report.lines(result)[1:] or ["There was nothing to undo."]


def _plan_lines(result: start.Result) -> list[str]:
    text = report.lines(result)
    return [*text, "Everything is in place; nothing to do."] if result.plan.is_empty else text


def _command(
    name: str,
    action: Callable[[Options, Any], start.Result],
    lines: Callable[[start.Result], list[str]],
    given: dict[str, Any],
) -> None:
    with _said_plainly(given):
        result = action(_chosen(given), os.environ)
    _show(report.as_json(result, name) if given["as_json"] else lines(result))
    sys.exit(result.status)


def _chosen(given: dict[str, Any]) -> Options:
    return Options(given["home"], given["storage"], given["config"], given["profile"])


def _show(answer: dict[str, Any] | list[str]) -> None:
    for line in [json.dumps(answer)] if isinstance(answer, dict) else answer:
        click.echo(printable(line))


@contextlib.contextmanager
def _said_plainly(given: dict[str, Any]) -> Iterator[None]:
    """End the program with one plain line for whatever goes wrong inside."""
    try:
        yield
    except WrongInputError as error:
        _fail(str(error), 2, given)
    except NotDoneError as error:
        if given["debug"]:
            raise
        _fail(str(error), 1, given)
    except OSError as error:
        if given["debug"]:
            raise
        _fail(
            f"{error.filename or 'the disk'}: {error.strerror}. Run the command again with --debug.", 1, given
        )
    except Exception as error:
        if given["debug"]:
            raise
        _fail(f"this should not happen ({error!r}). Run the command again with --debug.", 1, given)
    except KeyboardInterrupt:
        _fail("stopped; run the command again to finish.", 130, given)


def _fail(message: str, status: int, given: dict[str, Any]) -> NoReturn:
    if given["as_json"]:
        click.echo(json.dumps({"status": status, "error": message}))
    click.echo(f"deepdesign-bootstrap: {printable(message)}", err=True)
    sys.exit(status)
