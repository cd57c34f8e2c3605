"""``deepdesign-images test``."""

import time
from pathlib import Path

import click

from images.build import check_ca
from images.commands.options import ca_option, say, subject_of
from images.errors import ImagesError, UsageError


@click.command("test")
@click.argument("image", required=False)
@click.option("--check", "names", multiple=True, metavar="NAME", help="Only this one; may be given again.")
@ca_option
@click.option("--list", "only_list", is_flag=True, help="Say what is checked, and do nothing.")
def command(image: str | None, names: tuple[str, ...], ca: Path | None, only_list: bool) -> None:
    """Start IMAGE as platforms do and check what it promises (default: the default image)."""
    from images import engine
    from images.checks import EVERY_IMAGE, NOTEBOOKS, checks

    known = {**EVERY_IMAGE, **NOTEBOOKS}
    if only_list:
        for name, check in known.items():
            click.echo(f"{name}\n    {(check.__doc__ or '').strip().splitlines()[0]}")
        return
    if unknown := [name for name in names if name not in known]:
        raise UsageError(f"there is no check {unknown[0]!r}; see: deepdesign-images test --list")
    subject = subject_of(engine.connect(), image, check_ca(ca) if ca else None)
    say(f"{subject.image} ({subject.choice.name})")
    failed = 0
    chosen = names or tuple(checks(subject.choice.flavour))
    for name in chosen:
        begun = time.monotonic()
        try:
            known[name](subject)
        except ImagesError as error:
            failed += 1
            click.echo(f"FAILED  {name}: {error}")
        else:
            click.echo(f"ok      {name} ({time.monotonic() - begun:.1f} s)")
    if failed:
        raise ImagesError(f"{failed} of {len(chosen)} checks failed")
