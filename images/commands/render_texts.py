"""``deepdesign-images render``."""

from pathlib import Path

import click

from images import releases
from images.commands.options import matrix_of, source_option
from images.errors import ImagesError
from images.project import find
from images.render import stale_texts, stale_words


@click.command("render")
@source_option
@click.option("--check", is_flag=True, help="Write nothing; exit status 1 when a text is stale.")
@click.option("--release", is_flag=True, help="Also record this version's packages in images/releases/.")
def command(source: Path | None, check: bool, release: bool) -> None:
    """Write what follows from the matrix and the locks: images/rendered/ and the table in docs/images.md."""
    project = find(source)
    matrix = matrix_of(project.root)
    stale = stale_texts(matrix, project)
    if check and stale:
        raise ImagesError(stale_words(stale, project))
    for text in stale:
        text.path.parent.mkdir(exist_ok=True)
        text.path.write_text(text.content, encoding="utf-8")
        click.echo(text.path.relative_to(project.root))
    for path in releases.record(matrix, project) if release and not check else ():
        click.echo(path.relative_to(project.root))
