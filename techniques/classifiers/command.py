"""``deepdesign classify``: what networks see in pictures."""

import json
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from techniques.options import shared_options


@click.command(short_help="Say what pictures show.")
@click.argument("images", nargs=-1, required=True, metavar="IMAGE...")
@click.option(
    "--weights",
    metavar="NAME",
    default="auto",
    show_default=True,
    help="A network of `deepdesign weights list`, or a folder that `deepdesign train` wrote.",
)
@click.option(
    "--top", type=click.IntRange(1, 1000), default=5, show_default=True, help="How many classes a picture."
)
@shared_options
def classify(
    images: tuple[str, ...],
    weights: str,
    top: int,
    output: str | None,
    device: Any,
    seed: int,
    quiet: bool,
    as_json: bool,
    resume: bool,  # noqa: ARG001 - seconds of work are done anew
) -> None:
    """Say what each IMAGE shows, with the probability of each class.

    The answers are printed. With -o FOLDER they are also kept, as answers.csv and run.json. A picture that
    looks like none of the classes is marked "not sure".
    """
    from techniques.classifiers.answers import table
    from techniques.classifiers.run import classify_files
    from techniques.progress import progress_for

    began = time.monotonic()
    said = progress_for(quiet=quiet, as_json=as_json)
    answers, record = classify_files(
        [Path(image) for image in images],
        weights=weights,
        top=top,
        device=device,
        seed=seed,
        output=None if output is None else Path(output),
        progress=said,
        began=began,
    )
    if as_json:
        for one in answers:
            event: dict[str, Any] = {"event": "answer", "picture": str(one.picture), "sure": one.sure}
            click.echo(json.dumps({**event, "classes": [asdict(guess) for guess in one.guesses]}))
        click.echo(json.dumps(record))
    else:
        click.echo(table(answers))
