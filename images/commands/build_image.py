"""``deepdesign-images build``."""

from pathlib import Path

import click

from images import build
from images.commands.options import ca_option, chosen, flavour_option, say, source_option, variant_option
from images.lock import locks_hash


@click.command("build")
@variant_option
@flavour_option
@source_option
@click.option(
    "--tag", "tags", multiple=True, metavar="NAME", help="Instead of deepdesign:VERSION-VARIANT-FLAVOUR."
)
@ca_option
@click.option("--no-cache", is_flag=True, help="Build every step anew.")
@click.option("--quiet", is_flag=True, help="Say only what comes out.")
def command(
    variant: str | None,
    flavour: str | None,
    source: Path | None,
    tags: tuple[str, ...],
    ca: Path | None,
    no_cache: bool,
    quiet: bool,
) -> None:
    """Build an image in the Docker engine (first time: about 3 GB of download)."""
    from images import base, engine

    project, choice = chosen(source, variant, flavour)
    project.require_sources()
    ca = build.check_ca(ca) if ca else None
    locks_hash(choice, project.root / "images/locks")
    client = engine.connect()
    engine.require_buildx()
    found = base.provide(client, choice.base, say)
    tags = tags or (build.default_tag(choice, project),)
    build.run(build.BuildRequest(choice, project, found, tags, ca, no_cache), quiet=quiet)
    for tag in tags:
        click.echo(f"{tag}  {client.images.get(tag).attrs['Size'] / 1e9:.2f} GB")
