"""On a CUDA card: training beside the rate that the card attains, and dreams a minute.

``python -m benchmarks.gpu_speed`` trains ResNet50 at 224 px on patches of twelve photographs (``--batch N``)
through the whole of `deepdesign train`, and beside it takes the same steps of the same network in the same
precision on one batch that lies on the card already: what is lost goes to decoding, varying and copying
pictures. Dreams are the default ones at 480 x 320. Without a card it says so, and measures nothing.
"""

import argparse
import sys
import tempfile
import time
from importlib.resources import files
from pathlib import Path

from benchmarks.patches import make_patches
from benchmarks.record import record

_ARCH, _SIZE, _STEPS, _DREAMS = "resnet50", 224, 30, 5


def main() -> int:
    import torch

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--batch", type=int, default=64)
    batch = parser.parse_args().batch
    if not torch.cuda.is_available():
        print("gpu_speed is skipped: no CUDA device answers here")
        return 0
    ours, attained = _training(batch), _attainable(batch)
    figures = {
        "training": f"{_ARCH}, {_SIZE} px, {batch} pictures a step",
        "pictures a second": round(ours),
        "pictures a second, one batch again and again": round(attained),
        "share of that": round(ours / attained, 2),
        "dreams a minute, 480 x 320": round(_dreams(), 1),
    }
    record("gpu_speed", figures, device=torch.cuda.get_device_name())
    return 0


def _training(batch: int) -> float:
    from techniques.training.run import train_folder
    from techniques.training.settings import TrainSettings

    settings = TrainSettings(
        arch=_ARCH, weights="none", size=_SIZE, batch_size=batch, epochs=4, patience=0,
        judge="none", device="cuda",
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as room:
        make_patches(Path(room) / "set", train=200, size=256)
        found = train_folder(Path(room) / "set", output=Path(room) / "weights", settings=settings)
    # The first epochs look for the fastest kernels.
    return max(float(epoch["pictures_per_second"]) for epoch in found["losses"])


def _attainable(batch: int) -> float:
    import torch
    import torch.nn.functional as F  # noqa: N812 - the name that everybody reads

    from techniques.classifiers.architectures import architecture_named
    from techniques.device import choose_device

    precision = choose_device("cuda", "auto").precision
    network = architecture_named(_ARCH).build(12).cuda().to(memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-4)
    images = torch.rand(batch, 3, _SIZE, _SIZE, device="cuda").to(memory_format=torch.channels_last)
    labels = torch.arange(batch, device="cuda") % 12
    for step in range(10 + _STEPS):
        if step == 10:  # behind the search for the fastest kernels
            torch.cuda.synchronize()
            began = time.perf_counter()
        with torch.autocast("cuda", precision):
            loss = F.cross_entropy(network(images).float(), labels)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
    torch.cuda.synchronize()
    return _STEPS * batch / (time.perf_counter() - began)


def _dreams() -> float:
    import torch

    from techniques.classifiers.classifier import obtain_classifier
    from techniques.dream import DreamSettings
    from techniques.dream.dreaming import dream
    from techniques.dream.goals import dreamers_for
    from techniques.pictures import read_picture

    photo = read_picture(Path(str(files("sklearn.datasets").joinpath("images/china.jpg"))))
    settings = DreamSettings(classes=("fountain",), device="cuda")
    dreamer = obtain_classifier("efficientnet-lite0", announce=print, report=lambda *_: None)
    dreamers = dreamers_for([dreamer.to(torch.device("cuda"))], settings)
    for number in range(1 + _DREAMS):
        if number == 1:
            began = time.perf_counter()
        dream(photo, dreamers, settings, (480, 320), device=torch.device("cuda"))
    return 60 * _DREAMS / (time.perf_counter() - began)


if __name__ == "__main__":
    sys.exit(main())
