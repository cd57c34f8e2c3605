"""``deepdesign-images``: list, build, test and start the container images."""

import signal
import sys
import traceback
from importlib.metadata import version

import click

from images.commands import (
    build_image,
    diff_image,
    list_images,
    lock_packages,
    notebook,
    push_image,
    render_texts,
    show_sbom,
    tag_image,
    test_image,
)
from images.engine import explain
from images.errors import ImagesError


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(version("deepdesign"), message="%(version)s")
@click.option("--debug", is_flag=True, help="Show a traceback when something goes wrong.")
def cli(debug: bool) -> None:  # main() reads it, also for errors before click knows it
    """Versioned CUDA images: build, test and start them."""


for module in (
    list_images,
    build_image,
    test_image,
    notebook,
    tag_image,
    push_image,
    lock_packages,
    render_texts,
    diff_image,
    show_sbom,
):
    cli.add_command(module.command)


def main() -> None:
    """Run the program; one plain line and the contract's exit status when something goes wrong."""
    # A polite kill ends as Ctrl-C does: containers, volumes and BuildKit's process go before this one.
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        # click's own handling would print a usage block first; the contract is one line.
        code = cli(standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        sys.exit(2)
    except click.UsageError as error:
        _fail(error.format_message(), 2)
    except click.ClickException as error:
        _fail(error.format_message(), 1)
    except ImagesError as error:
        _fail(str(error), error.status)
    except (click.Abort, KeyboardInterrupt):
        _fail("interrupted", 130)
    except Exception as error:
        _fail(explain(error), 1)
    else:
        sys.exit(code if isinstance(code, int) else 0)


def _interrupt(_number: int, _frame: object) -> None:
    # The second one comes while things are being put away, and must not leave them half put away.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise KeyboardInterrupt


def _fail(message: str, status: int) -> None:
    if "--debug" in sys.argv:
        traceback.print_exc()
    click.echo(f"deepdesign-images: {message}", err=True)
    sys.exit(status)
