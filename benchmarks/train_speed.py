"""Training: accuracy and time on twelve photographs' patches, the input pipeline beside torchvision's loader.

The peer is torchvision's reference: ImageFolder, RandomResizedCrop, flip and ColorJitter in a DataLoader with
worker processes, as in its references/classification. Both read the same photographs at the same size, in the
same run, one after the other, best of several epochs.
"""

import argparse
import json
import os
import subprocess
import sysconfig
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PIL import Image

from benchmarks.patches import PHOTOGRAPHS, make_patches
from benchmarks.record import record

PROGRAM = Path(sysconfig.get_path("scripts")) / "deepdesign"
FLAGS = ("--size", "96", "--judge", "none", "--device", "cpu", "--quiet")
_SIZE = 224


def main() -> None:
    """Measure what was asked for, and keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--copies", type=int, default=8, help="of each photograph, for the input pipeline")
    parser.add_argument("--skip", default="", help="comma-separated: accuracy, pipeline")
    chosen = parser.parse_args()
    skipped = chosen.skip.split(",")
    figures: dict[str, Any] = {"load average at the start": round(os.getloadavg()[0], 1)}
    with tempfile.TemporaryDirectory() as room:
        root = Path(room)
        if "pipeline" not in skipped:
            figures["input pipeline"] = _pipeline(root / "photographs", chosen.copies)
        if "accuracy" not in skipped:
            make_patches(root / "patches")
            figures["twelve photographs"] = _accuracy(root, chosen.epochs)
    record("train_speed", figures)


def _accuracy(root: Path, epochs: int) -> dict[str, Any]:
    began, used = time.monotonic(), os.times()
    found = train(root, root / "accuracy", "--epochs", str(epochs))
    now = os.times()
    metrics = found["metrics"]
    return {
        "test accuracy, right halves": round(metrics["test_accuracy"], 3),
        "95 % interval": [round(value, 3) for value in metrics["test_accuracy_interval"]],
        "epochs": epochs,
        "seconds, with start": round(time.monotonic() - began, 1),
        "processor seconds": round(
            now.children_user + now.children_system - used.children_user - used.children_system, 1
        ),
    }


def train(root: Path, output: Path, *flags: str) -> dict[str, Any]:
    """Train on the patches at ``root``; returns the record."""
    command = [str(PROGRAM), "train", str(root / "patches"), "-o", str(output), *FLAGS, *flags]
    subprocess.run(command, check=True)
    found: dict[str, Any] = json.loads((output / "run.json").read_text())
    return found


def _pipeline(root: Path, copies: int) -> dict[str, Any]:
    from importlib.resources import files

    for name, (package, member) in PHOTOGRAPHS.items():
        (root / name).mkdir(parents=True)
        with Image.open(str(files(package).joinpath(member))) as opened:
            large = opened.convert("RGB").resize((1600, 1200), Image.Resampling.BICUBIC)
        for number in range(copies):
            # What cameras and picture services give: some megapixels of JPEG; each its own part.
            part = large.crop((10 * number, 10 * number, 1500 + 10 * number, 1100 + 10 * number))
            part.save(root / name / f"{number}.jpg", quality=92)
    count = len(PHOTOGRAPHS) * copies
    threads = len(os.sched_getaffinity(0))
    epoch, first = _ours(root, threads)
    peer = _torchvision(root, threads)
    ours, theirs = [], []
    for _ in range(3):  # interleaved: other work on the machine hits both
        ours.append(epoch())
        theirs.append(peer())
    return {
        "pictures": f"{count} JPEG of 1490 x 1090 px, to {_SIZE} px",
        "ours, first look (decode, check, hash), pictures a second": round(count / first, 1),
        "ours, an epoch, pictures a second": round(count / min(ours), 1),
        "torchvision ImageFolder, an epoch, pictures a second": round(count / min(theirs), 1),
        "ratio of epochs": round(min(theirs) / min(ours), 2),
    }


def _ours(root: Path, threads: int) -> tuple[Callable[[], float], float]:
    from techniques.training.batches import Feed
    from techniques.training.dataset import read_dataset
    from techniques.training.pool import Pool, memory_for_pictures
    from techniques.training.team import ALONE

    size = (_SIZE, _SIZE)
    began = time.monotonic()
    pool = Pool(root, size, memory=memory_for_pictures())
    dataset = read_dataset(root, size=size, pool=pool, validation=0, threads=threads)
    first = time.monotonic() - began
    feed = Feed(
        dataset, pool, size=size, augment="standard", batch_size=16, seed=0, team=ALONE, threads=threads
    )

    def epoch() -> float:
        began = time.monotonic()
        shown = sum(len(batch.images.float()) for batch in feed.epoch(0))
        assert shown == len(dataset.examples)
        return time.monotonic() - began

    return epoch, first


def _torchvision(root: Path, workers: int) -> Callable[[], float]:
    from torch.utils.data import DataLoader
    from torchvision import transforms
    from torchvision.datasets import ImageFolder

    varied = transforms.Compose(
        [
            transforms.RandomResizedCrop(_SIZE, scale=(0.5, 1)),
            transforms.RandomHorizontalFlip(),
            transforms.ColorJitter(0.2, 0.2, 0.2),
            transforms.ToTensor(),
        ]
    )
    loader = DataLoader(
        ImageFolder(str(root), varied),
        batch_size=16,
        shuffle=True,
        num_workers=workers,
        persistent_workers=True,
    )
    next(iter(loader))  # its workers start once, not in each epoch

    def epoch() -> float:
        began = time.monotonic()
        for _ in loader:
            pass
        return time.monotonic() - began

    return epoch


if __name__ == "__main__":
    main()
