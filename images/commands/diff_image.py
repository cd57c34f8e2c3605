"""``deepdesign-images diff``."""

from pathlib import Path

import click

from images import lock
from images.commands.options import matrix_of, source_option, subject_of
from images.drift import drift
from images.errors import ImagesError
from images.project import find
from images.render import stale_texts, stale_words
from images.stale import differences


@click.command("diff")
@click.argument("image", required=False)
@source_option
def command(image: str | None, source: Path | None) -> None:
    """Say where IMAGE, lock files and generated texts differ; exit status 1 when they do."""
    from images import engine
    from images.checks.contents import installed

    project = find(source)
    subject = subject_of(engine.connect(), image)
    lines = drift(lock.locked(subject.choice, project.root / "images/locks"), installed(subject))
    lines += differences(subject.choice, project.root)
    if stale := stale_texts(matrix_of(project.root), project):
        lines.append(stale_words(stale, project))
    for line in lines:
        click.echo(line)
    if lines:
        raise ImagesError(f"{subject.image} and the checkout differ in {len(lines)} places")
