"""``deepdesign-images notebook``."""

import click

from images.commands.options import say, subject_of


@click.command("notebook")
@click.argument("image", required=False)
@click.option(
    "--storage", metavar="NAME|DIR", help="What is mounted at /storage (default: a volume of ours)."
)
@click.option("--notebooks", metavar="NAME|DIR", help="The same for /notebooks.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8888, show_default=True, help="0: any free one."
)
def command(image: str | None, storage: str | None, notebooks: str | None, port: int) -> None:
    """Start JupyterLab in IMAGE the way Gradient does; Ctrl-C stops it."""
    from images import engine
    from images.notebook import Places, serve

    client = engine.connect()
    subject = subject_of(client, image)
    places = Places(storage or Places.storage, notebooks or Places.notebooks)
    say(f"starting {subject.image} ({subject.choice.name})")
    serve(client, subject.image, places, port or None, click.echo)
