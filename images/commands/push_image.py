"""``deepdesign-images push``."""

import click

from images import tags
from images.commands.options import repository_option, say, subject_of
from images.errors import ImagesError


@click.command("push")
@click.argument("image", required=False)
@repository_option
@click.option("--no-move", is_flag=True, help="Leave the tag that moves where it is.")
@click.option("--dirty", is_flag=True, help="Publish an image of uncommitted changes all the same.")
def command(image: str | None, repository: str, no_move: bool, dirty: bool) -> None:
    """Publish IMAGE (log in with `docker login` first) and print the digest to pin."""
    from images import engine, publish

    client = engine.connect()
    engine.require_buildx()
    subject = subject_of(client, image)
    found = tags.of(subject.labels, subject.choice, repository)
    revision = subject.labels.get("org.opencontainers.image.revision", "unknown")
    if not dirty and (revision == "unknown" or revision.endswith("-dirty")):
        raise ImagesError(
            f"{subject.image} was built from {revision}, which nobody can build again; commit, build and "
            "push, or add --dirty"
        )
    click.echo(publish.publish(client, subject.image, found, say, move=not no_move))
