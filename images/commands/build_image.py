"""``deepdesign-images build``."""

from dataclasses import replace
from pathlib import Path

import click

from images import build, nvdiffrast, weights
from images.commands.options import (
    ca_option,
    chosen,
    flavour_option,
    matrix_of,
    say,
    source_option,
    variant_option,
)
from images.errors import ImagesError, UsageError
from images.lock import locks_hash
from images.matrix import Choice
from images.stale import require_current


@click.command("build")
@variant_option
@flavour_option
@source_option
@click.option(
    "--tag", "tags", multiple=True, metavar="NAME", help="Instead of deepdesign:VERSION-VARIANT-FLAVOUR."
)
@ca_option
@click.option("--free", is_flag=True, help="Without nvdiffrast, whose licence allows no commercial use.")
@click.option(
    "--nvdiffrast",
    "checkout",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Checkout to compile it from (default: its repository; if none answers, the image is a free one).",
)
@click.option("--no-cache", is_flag=True, help="Build every step anew.")
@click.option("--quiet", is_flag=True, help="Say only what comes out.")
def command(
    variant: str | None,
    flavour: str | None,
    source: Path | None,
    tags: tuple[str, ...],
    ca: Path | None,
    free: bool,
    checkout: Path | None,
    no_cache: bool,
    quiet: bool,
) -> None:
    """Build an image in the Docker engine (first time: about 3 GB of download)."""
    from images import base, engine

    project, choice = chosen(source, variant, flavour, free=free)
    project.require_sources()
    ca = build.check_ca(ca) if ca else None
    locks_hash(choice, project.root / "images/locks")
    require_current(choice, project.root)
    rasteriser = _given(choice, checkout) if checkout else None
    client = engine.connect()
    engine.require_buildx()
    if choice.nvdiffrast and not rasteriser:
        rasteriser = _upstream(choice.nvdiffrast)
        choice = choice if rasteriser else replace(choice, nvdiffrast=None)
    found = base.provide(client, choice.base, say)
    tags = tags or (build.default_tag(choice, project),)
    with weights.gathered(matrix_of(source).weights, say) as networks:
        say(f"networks in the image: {', '.join(networks.names) or 'none'}")
        request = build.BuildRequest(choice, project, found, tags, rasteriser, networks, ca, no_cache)
        build.run(request, quiet=quiet)
    for tag in tags:
        click.echo(f"{tag}  {client.images.get(tag).attrs['Size'] / 1e9:.2f} GB")


def _given(choice: Choice, checkout: Path) -> nvdiffrast.Source:
    if choice.nvdiffrast is None:
        raise UsageError("--nvdiffrast and --free exclude each other; give one of them")
    return nvdiffrast.given(checkout, choice.nvdiffrast)


def _upstream(pin: nvdiffrast.Pin) -> nvdiffrast.Source | None:
    """The repository; None, and said, when the image must do without."""
    try:
        return nvdiffrast.upstream(pin)
    except ImagesError as error:
        say(f"{error}. Building without it: the tag ends in -free, meshes use the built-in rasteriser")
        return None
