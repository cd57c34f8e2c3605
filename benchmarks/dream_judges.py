"""Whether dreams convince networks that took no part, beside a textbook loop with the same processor time.

``python -m benchmarks.dream_judges`` dreams ten architecture classes into three photographs at 480 x 320 with
the default settings, on one network (EfficientNet-Lite0); MobileNetV2 and EfficientNet-Lite2 judge. The
textbook loop is the course's: the whole picture, the gradient of the logit divided by its root mean square,
no octaves, no views; it gets as much processor time as ours took for the same picture, once for each class
and on each photograph in turn. If lucent is installed (torch-lucent 0.1.8 and kornia 0.4.1; it starts from
noise and knows no photographs), it gets the same time with the same network once for each class. `N` as an
argument takes only the first N classes. Ctrl-C ends it with the figures of the pictures made until then.
"""

import contextlib
import os
import statistics
import sys
import time
from importlib.resources import files
from pathlib import Path

from benchmarks.record import record

CLASSES = (
    "castle",
    "church",
    "dome",
    "fountain",
    "monastery",
    "obelisk",
    "palace",
    "stupa",
    "triumphal arch",
    "viaduct",
)
PHOTOS = {
    "china": ("sklearn.datasets", "images/china.jpg"),
    "coffee": ("skimage", "data/coffee.png"),
    "chelsea": ("skimage", "data/chelsea.png"),
}
SIZE = (480, 320)
DREAMER, JUDGES = "efficientnet-lite0", ("mobilenet-v2", "efficientnet-lite2")


def main() -> int:
    import torch

    from techniques.classifiers.classifier import obtain_classifier
    from techniques.pictures import fit, read_picture

    classes = CLASSES[: int(sys.argv[1])] if len(sys.argv) > 1 else CLASSES
    networks = {
        name: obtain_classifier(name, announce=print, report=lambda *_: None) for name in (DREAMER, *JUDGES)
    }
    photos = {
        name: fit(read_picture(Path(str(files(package).joinpath(member)))), SIZE)
        for name, (package, member) in PHOTOS.items()
    }
    load = os.getloadavg()[0]
    seen: dict[str, dict[str, list[float]]] = {}
    wall, processor = [], []

    def judge(how, picture, index):
        found = seen.setdefault(how, {name: [] for name in networks})
        for name, network in networks.items():
            found[name].append(float(network.probabilities(picture)[index]))

    def one_class(number, name):
        index = networks[DREAMER].classes.index(name)
        for place, (photo_name, photo) in enumerate(photos.items()):
            began, spent = time.perf_counter(), time.process_time()
            ours = _ours(photo, name, networks[DREAMER])
            wall.append(time.perf_counter() - began)
            processor.append(time.process_time() - spent)
            judge("before", photo, index)
            judge("ours", ours, index)
            by_class[name].extend(seen["ours"][judge_name][-1] for judge_name in JUDGES)
            if place == number % len(photos):
                textbook = _textbook(photo, index, networks[DREAMER], processor[-1])
                judge("textbook loop, equal time", textbook, index)
            print(
                name,
                photo_name,
                {how: {n: round(v[-1], 3) for n, v in by.items()} for how, by in seen.items()},
                flush=True,
            )
        if lucent := _lucent(index, networks[DREAMER], processor[-1]):
            judge("lucent from noise, equal time", lucent, index)
            judge("ours from noise", _ours(photo, name, networks[DREAMER], start="noise"), index)

    by_class = {name: [] for name in classes}
    with contextlib.suppress(KeyboardInterrupt):
        for number, name in enumerate(classes):
            one_class(number, name)
    figures = {
        "load average at the start": round(load, 1),
        "threads": torch.get_num_threads(),
        "seconds a picture, median": round(statistics.median(wall), 1),
        "least": round(min(wall), 1),
        "processor seconds a picture, median": round(statistics.median(processor), 1),
        "mean probability": {
            how: {
                **{f"judge {name}": _mean(by[name]) for name in JUDGES},
                "judges, mean": _mean([value for name in JUDGES for value in by[name]]),
                f"dreamer {DREAMER}": _mean(by[DREAMER]),
                "pictures": len(by[DREAMER]),
            }
            for how, by in seen.items()
        },
        "judges, mean, by class": {name: _mean(values) for name, values in by_class.items() if values},
    }
    record("dream_judges", figures)
    return 0


def _mean(values):
    return round(statistics.fmean(values), 3)


def _ours(photo, name, classifier, **change):
    import torch

    from techniques.dream import DreamSettings
    from techniques.dream.dreaming import dream
    from techniques.dream.goals import dreamers_for

    settings = DreamSettings(classes=(name,), **change)
    dreamers = dreamers_for([classifier], settings)
    return dream(photo, dreamers, settings, SIZE, device=torch.device("cpu")).picture


def _textbook(photo, index, classifier, seconds):
    import torch

    from techniques.pictures import Picture

    image = torch.from_numpy(photo.rgb).permute(2, 0, 1).unsqueeze(0).contiguous()
    began = time.process_time()
    while time.process_time() - began < seconds:
        image.requires_grad_()
        (gradient,) = torch.autograd.grad(classifier.network(image)[0, index], image)
        with torch.no_grad():
            image = image + gradient / gradient.square().mean().sqrt() / 255
    return Picture(image.clamp(0, 1)[0].permute(1, 2, 0).contiguous().numpy())


class _EnoughError(Exception):
    """The time is over."""


def _lucent(index, classifier, seconds):
    try:
        from lucent.optvis import param, render
    except ImportError:
        return None
    import numpy as np
    import torch

    from techniques.pictures import Picture

    began, kept = time.process_time(), {}
    made, image_f = param.image(SIZE[0], SIZE[1], fft=True, decorrelate=True)

    def watched():
        image = image_f()
        kept["image"] = image.detach()
        if time.process_time() - began > seconds:
            raise _EnoughError
        return image

    with contextlib.suppress(_EnoughError):
        render.render_vis(
            classifier.network,
            f"1_fc:{index}",
            param_f=lambda: (made, watched),
            thresholds=(100_000,),
            preprocess=False,
            show_image=False,
            progress=False,
        )
    rgb = kept["image"][0].permute(1, 2, 0).contiguous().numpy().astype(np.float32)
    torch.set_grad_enabled(True)
    return Picture(rgb.clip(0, 1))


if __name__ == "__main__":
    sys.exit(main())
