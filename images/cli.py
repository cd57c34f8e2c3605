"""``deepdesign-images``: list, build, test and start the container images."""

import json
import sys
import time
import traceback
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from images import build as building
from images import fit, lock
from images import matrix as rows
from images.engine import explain
from images.errors import ImagesError, UsageError
from images.project import Project, find

if TYPE_CHECKING:
    from docker import DockerClient

    from images.subject import Subject

_variant = click.option("--variant", metavar="NAME", help="CUDA generation, see `list`.")
_flavour = click.option("--flavour", metavar="NAME", help="Use, see `list`.")
_source = click.option(
    "--source",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Checkout of deepdesign (default: this one).",
)


def _say(text: str) -> None:
    click.echo(text, err=True)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(version("deepdesign"), message="%(version)s")
@click.option("--debug", is_flag=True, help="Show a traceback when something goes wrong.")
@click.pass_context
def cli(context: click.Context, debug: bool) -> None:
    """Versioned CUDA notebook images: build, test and start them."""
    context.obj = debug


@cli.command("list")
@click.option("--gpu", metavar="CARD", help="Say which images run on it: P5000, RTX 4090, or 8.6.")
@click.option("--driver", metavar="VERSION", help="The machine's NVIDIA driver, as nvidia-smi says it.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def list_images(gpu: str | None, driver: str | None, as_json: bool) -> None:
    """Every image that can be built, with the hardware it runs on."""
    architecture = fit.capability(gpu) if gpu else None
    branch = fit.driver_branch(driver) if driver else None
    default = rows.load().choose().name
    for choice in rows.load().choices():
        obstacles = fit.obstacles(choice.variant, architecture, branch)
        facts = _facts(choice)
        if architecture or branch:
            facts |= {"fits": not obstacles, "obstacles": obstacles}
        if as_json:
            click.echo(json.dumps(facts))
            continue
        click.echo(f"{facts['tag']}{'  (default)' if choice.name == default else ''}")
        if "fits" in facts:
            click.echo(f"    {'does not run there: ' + '; '.join(obstacles) if obstacles else 'RUNS THERE'}")
        click.echo(f"    {choice.variant.summary}: {', '.join(choice.variant.architectures)}")
        click.echo(f"    NVIDIA driver {choice.variant.least_driver} or later, CUDA {choice.variant.cuda}")
        click.echo(f"    torch {choice.variant.torch}, torchvision {choice.variant.torchvision}")
        click.echo(f"    {choice.flavour.summary}")


def _facts(choice: rows.Choice) -> dict[str, Any]:
    variant = choice.variant
    return {
        "tag": f"deepdesign:{version('deepdesign')}-{choice.name}",
        "variant": variant.name,
        "flavour": choice.flavour.name,
        "cuda": variant.cuda,
        "torch": variant.torch,
        "torchvision": variant.torchvision,
        "python": choice.base.python,
        "architectures": list(variant.architectures),
        "least_driver": variant.least_driver,
        "licences": dict(variant.licences),
    }


@cli.command("build")
@_variant
@_flavour
@_source
@click.option(
    "--tag", "tags", multiple=True, metavar="NAME", help="Name instead of deepdesign:VERSION-VARIANT-FLAVOUR."
)
@click.option(
    "--ca",
    type=click.Path(path_type=Path),
    envvar="SSL_CERT_FILE",
    metavar="FILE",
    help="PEM bundle that downloads trust; in no layer (default: $SSL_CERT_FILE).",
)
@click.option("--no-cache", is_flag=True, help="Build every step anew.")
@click.option("--quiet", is_flag=True, help="Say only what comes out.")
def build_image(
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

    project, choice = _chosen(source, variant, flavour)
    ca = building.check_ca(ca) if ca else None
    lock.locks_hash(choice, project.root / "images/locks")
    client = engine.connect()
    engine.require_buildx()
    found = base.provide(client, choice.base, _say)
    tags = tags or (building.default_tag(choice, project),)
    building.run(building.BuildRequest(choice, project, found, tags, ca, no_cache), quiet=quiet)
    for tag in tags:
        click.echo(f"{tag}  {client.images.get(tag).attrs['Size'] / 1e9:.2f} GB")


@cli.command("test")
@click.argument("image", required=False)
@click.option("--check", "names", multiple=True, metavar="NAME", help="Only this one; may be given again.")
@click.option("--list", "only_list", is_flag=True, help="Say what is checked, and do nothing.")
def test_image(image: str | None, names: tuple[str, ...], only_list: bool) -> int:
    """Start IMAGE as platforms do and check what it promises (default: the default image)."""
    from images import engine
    from images.checks import checks

    if only_list:
        for name, check in checks("notebook").items():
            click.echo(f"{name}\n    {(check.__doc__ or '').strip().splitlines()[0]}")
        return 0
    if unknown := [name for name in names if name not in checks("notebook")]:
        raise UsageError(f"there is no check {unknown[0]!r}; see: deepdesign-images test --list")
    subject = _subject(engine.connect(), image)
    _say(f"{subject.image} ({subject.choice.name})")
    chosen = checks(subject.choice.flavour.name)
    failed = 0
    for name in names or chosen:
        begun = time.monotonic()
        try:
            checks("notebook")[name](subject)
        except ImagesError as error:
            failed += 1
            click.echo(f"FAILED  {name}: {error}")
        else:
            click.echo(f"ok      {name} ({time.monotonic() - begun:.1f} s)")
    if failed:
        raise ImagesError(f"{failed} of {len(names or chosen)} checks failed")
    return 0


@cli.command("notebook")
@click.argument("image", required=False)
@click.option(
    "--storage", metavar="NAME|DIR", help="What is mounted at /storage (default: a volume of ours)."
)
@click.option(
    "--notebooks", metavar="NAME|DIR", help="What is mounted at /notebooks (default: a volume of ours)."
)
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8888, show_default=True, help="0: any free one."
)
def notebook(image: str | None, storage: str | None, notebooks: str | None, port: int) -> None:
    """Start JupyterLab in IMAGE the way Gradient does; Ctrl-C stops it."""
    from images import engine
    from images.notebook import Places, serve

    client = engine.connect()
    subject = _subject(client, image)
    places = Places(storage or Places.storage, notebooks or Places.notebooks)
    _say(f"starting {subject.image} ({subject.choice.name})")
    serve(client, subject.image, places, port or None, click.echo)


def _subject(client: "DockerClient", image: str | None) -> "Subject":
    from images.subject import Subject

    matrix = rows.load()
    return Subject(client, image or f"deepdesign:{version('deepdesign')}-{matrix.choose().name}", matrix)


@cli.command("lock")
@_variant
@_flavour
@_source
@click.option("--upgrade", is_flag=True, help="Take the newest versions instead of keeping those that stand.")
def lock_images(variant: str | None, flavour: str | None, source: Path | None, upgrade: bool) -> None:
    """Resolve the lock files anew, for every image or those that are named."""
    matrix = rows.load(source / "images/matrix.yaml" if source else None)
    matrix.choose(variant, flavour)
    project = find(source)
    named = [
        choice
        for choice in matrix.choices()
        if variant in (None, choice.variant.name) and flavour in (None, choice.flavour.name)
    ]
    for path in lock.lock(named, project.root, upgrade=upgrade):
        click.echo(path.relative_to(project.root))


def _chosen(source: Path | None, variant: str | None, flavour: str | None) -> tuple[Project, rows.Choice]:
    # A name that has no row is the first thing to say, and needs no checkout.
    choice = rows.load(source / "images/matrix.yaml" if source else None).choose(variant, flavour)
    return find(source), choice


def main() -> None:
    """Run the program; one plain line and the contract's exit status when something goes wrong."""
    debug = "--debug" in sys.argv
    try:
        # click's own handling would print a usage block first; the contract is one line.
        code = cli(standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        _say(error.format_message())
        sys.exit(2)
    except click.UsageError as error:
        _fail(error.format_message(), 2, debug)
    except click.ClickException as error:
        _fail(error.format_message(), 1, debug)
    except ImagesError as error:
        _fail(str(error), error.status, debug)
    except (click.Abort, KeyboardInterrupt):
        _fail("interrupted", 130, debug)
    except Exception as error:  # the contract: one line, and the traceback for those who ask
        _fail(explain(error), 1, debug)
    else:
        sys.exit(code if isinstance(code, int) else 0)


def _fail(message: str, status: int, debug: bool) -> None:
    if debug:
        traceback.print_exc()
    _say(f"deepdesign-images: {message}")
    sys.exit(status)
