"""``deepdesign-images lock``."""

from pathlib import Path

import click

from images import lock
from images.commands.options import flavour_option, matrix_of, source_option, variant_option
from images.project import find


@click.command("lock")
@variant_option
@flavour_option
@source_option
@click.option("--upgrade", is_flag=True, help="Take the newest versions instead of keeping those that stand.")
def command(variant: str | None, flavour: str | None, source: Path | None, upgrade: bool) -> None:
    """Resolve the lock files anew, for every image or those that are named."""
    matrix = matrix_of(source)
    matrix.choose(variant, flavour)
    project = find(source)
    named = [
        choice
        for choice in matrix.choices()
        if variant in (None, choice.variant.name) and flavour in (None, choice.flavour.name)
    ]
    for path in lock.lock(named, project.root, upgrade=upgrade):
        click.echo(path.relative_to(project.root))
