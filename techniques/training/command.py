"""``deepdesign train``: the command line's view of the settings."""

import os
from pathlib import Path
from typing import Any

import click

from techniques.options import shared_options
from techniques.setting_options import setting_options
from techniques.training.settings import TrainSettings

_setting = setting_options(TrainSettings())


@click.command(short_help="Teach a network classes of your own.")
@click.argument("dataset")
@_setting("epochs", "How often every picture is shown, at most.")
@_setting("size", "Side in pixels of the square that the network sees.")
@_setting("width", "In pixels. With --height: any aspect; crops to fill, never stretches.")
@_setting("height", "In pixels; see --width. One of them alone means a square.")
@_setting("arch", "mobilenet_v2, resnet18, resnet50, efficientnet_b0, vgg16 ...; auto: that of the weights.")
@_setting("weights", "What to start from: a registered network, a folder that `train` wrote, none.")
@_setting("new_head", "With a folder of other classes: keep its features, learn these anew.")
@_setting("batch_size", "Pictures a step, over all processes.")
@_setting("head_epochs", "How many of the epochs train the last layer only.")
@_setting("learning_rate", "Of the last layer; layers that are trained already get a tenth.")
@_setting("augment", "How much pictures are varied.")
@_setting(
    "class_weights",
    "balanced: small classes count as much as large ones.",
)
@_setting("validation", "Share of each class to hold back, where there is no `val` folder.")
@_setting("patience", "Epochs without a better held-out loss until it stops; 0: never.")
@_setting("judge", "A second network that judges a short dream of each class; none: no dreams.")
@_setting(
    "precision",
    "auto takes bfloat16 where it pays.",
)
@shared_options
def train(
    dataset: str,
    output: str | None,
    quiet: bool,
    as_json: bool,
    resume: bool,
    **chosen: Any,
) -> int | None:
    """Teach a network to tell the classes in DATASET: a folder with one folder of pictures for each class,
    or `train`, `val` and `test` folders with such folders inside.

    -o is the folder for the weights; without it, one that outlives the job is taken and printed. Several
    GPUs: torchrun --nproc-per-node 4 --no-python deepdesign train DATASET.
    """
    # Imported here: --help answers at once, and a mistake is reported before PyTorch is loaded.
    from techniques.errors import DeepdesignError
    from techniques.progress import Quiet, progress_for, show_results
    from techniques.training.job import plan_job
    from techniques.training.team import team_of, together

    settings = TrainSettings(**chosen)
    leads = team_of(os.environ).leads
    said = progress_for(quiet=quiet, as_json=as_json) if leads else Quiet()
    with together(os.environ, cuda=_uses_cuda(settings)) as team:
        try:
            job = team.led(
                lambda: plan_job(
                    Path(dataset),
                    output=None if output is None else Path(output),
                    settings=settings,
                    resume=resume,
                    environment=dict(os.environ),
                )
            )
            from techniques.training.run import run_job

            record = run_job(job, said, team)
        except Exception as error:
            if team.speaks_first():
                raise
            return error.exit_status if isinstance(error, DeepdesignError) else 1
    if leads:
        show_results(record, quiet=quiet, as_json=as_json)
    return None


def _uses_cuda(settings: TrainSettings) -> bool:
    from techniques.training.team import team_of

    if settings.device == "cpu" or team_of(os.environ).size == 1:
        return False  # alone, cards need not be known of before the arguments are checked
    import torch

    return torch.cuda.is_available()
