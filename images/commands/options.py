"""What several commands ask for, and what they make of it."""

from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import click

from images import matrix as rows
from images.project import Project, find

if TYPE_CHECKING:
    from docker import DockerClient

    from images.subject import Subject

variant_option = click.option("--variant", metavar="NAME", help="CUDA generation, see `list`.")
flavour_option = click.option("--flavour", metavar="NAME", help="Use, see `list`.")
source_option = click.option(
    "--source",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Checkout of deepdesign (default: this one).",
)
ca_option = click.option(
    "--ca",
    type=click.Path(path_type=Path),
    envvar="SSL_CERT_FILE",
    metavar="FILE",
    help="PEM bundle that downloads trust; in no layer (default: $SSL_CERT_FILE).",
)
repository_option = click.option(
    "--repository",
    default="deepdesign",
    show_default=True,
    metavar="NAME",
    help="Where it is published, such as example.org/course/deepdesign.",
)


def say(text: str) -> None:
    """Progress, which is not a result, on standard error."""
    click.echo(text, err=True)


def matrix_of(source: Path | None) -> rows.Matrix:
    """The matrix of the checkout at ``source``, else the one that travels with this program."""
    return rows.load(source / "images/matrix.yaml" if source else None)


def chosen(
    source: Path | None, variant: str | None, flavour: str | None, *, free: bool = False
) -> tuple[Project, rows.Choice]:
    """The checkout and the image that the options name.

    A name that has no row is the first thing to say, and needs no checkout.
    """
    choice = matrix_of(source).choose(variant, flavour, free=free)
    return find(source), choice


def subject_of(client: "DockerClient", image: str | None, ca: Path | None = None) -> "Subject":
    """``image``, else the default one (the one free of nvdiffrast where it is alone), as checks take it."""
    from images.subject import Subject

    matrix = rows.load()
    names = [f"deepdesign:{version('deepdesign')}-{matrix.choose(free=free).name}" for free in (False, True)]
    if not image:
        there = {tag for built in client.images.list(name="deepdesign") for tag in built.tags}
        image = next((name for name in names if name in there), names[0])
    return Subject(client, image, matrix, ca)
