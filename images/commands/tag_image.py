"""``deepdesign-images tag``."""

import click

from images import tags
from images.commands.options import repository_option, subject_of


@click.command("tag")
@click.argument("image", required=False)
@repository_option
def command(image: str | None, repository: str) -> None:
    """Give IMAGE its tags in this engine: by version and date, which never change, and the one that moves."""
    from images import engine

    client = engine.connect()
    subject = subject_of(client, image)
    found = tags.of(subject.labels, subject.choice, repository)
    built = client.images.get(subject.image)
    for name in (*found.immutable, found.moving):
        built.tag(*name.rsplit(":", 1))
        click.echo(f"{name}{'  (moves with the next release)' if name == found.moving else ''}")
