"""``deepdesign-images sbom``."""

import click

from images.commands.options import subject_of
from images.sbom import PATH


@click.command("sbom")
@click.argument("image", required=False)
def command(image: str | None) -> None:
    """Print the software bill of materials that IMAGE carries (SPDX 2.3, JSON)."""
    from images import engine

    click.echo(subject_of(engine.connect(), image).output("cat", PATH))
