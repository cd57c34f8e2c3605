"""Style against content, judged by a network that the optimiser never saw; ours beside a textbook loop.

``python -m benchmarks.style_quality`` makes china.jpg after three styles at 256 px with three content weights
each, in equal work (pixels evaluated: 40 times the whole picture), in our way and in the textbook's: one
size, float32, L-BFGS on the pixels. ``adam``, and the names of our other style losses (``moments``,
``wasserstein``), add a curve each. The judge is SqueezeNet (judge.py): the distance of its Gram matrices to
the style's, and LPIPS to the content.

One number never judges. Beside the points of each curve are given, for each pair of curves,

- ``area``: the share of the rectangle up to the content's own style distance and the largest LPIPS of all
  that a curve dominates; larger is better;
- ``style distance at the same LPIPS``: ours over the textbook's, the mean and the largest over the range
  that both curves cover, points joined by straight lines; below 1, ours lies below.
"""

import os
import sys
from importlib.resources import files
from pathlib import Path

import numpy as np
import torch

from benchmarks.judge import Judge
from benchmarks.record import record
from benchmarks.textbook import Textbook

SIZE, EVALUATIONS = 256, 40
WEIGHTS = (2.0, 10.0, 50.0)
STYLES = {"ihc": "ihc.png", "hubble": "hubble_deep_field.jpg", "coffee": "coffee.png"}


def main() -> int:
    torch.manual_seed(0)
    judge = Judge()
    content, styles, network = _inputs()
    ways = {"ours": {}} | {
        f"ours, {name}": {"optimizer" if name == "adam" else "style_loss": name} for name in sys.argv[1:]
    }
    figures: dict[str, object] = {"load average at the start": round(os.getloadavg()[0], 1)}
    for name, style in styles.items():

        def judged(picture, style=style):
            return judge.content(picture, content), judge.style(picture, style)

        untouched = judge.style(content, style)
        curves = {
            way: [judged(_ours(content, style, network, weight, changed)) for weight in WEIGHTS]
            for way, changed in ways.items()
        }
        curves["textbook"] = [
            judged(Textbook.run(content, style, network, weight=weight, evaluations=EVALUATIONS).picture)
            for weight in WEIGHTS
        ]
        furthest = max(point[0] for points in curves.values() for point in points)
        figures[name] = {
            "style distance of the content": round(untouched, 3),
            **{
                way: {
                    "LPIPS and style distance": [[round(x, 3), round(y, 3)] for x, y in points],
                    "area": round(dominated(points, furthest, untouched), 3),
                }
                | (
                    {"style distance at the same LPIPS, over the textbook's": ratio}
                    if way != "textbook" and (ratio := compared(points, curves["textbook"]))
                    else {}
                )
                for way, points in curves.items()
            },
        }
        record("style_quality", figures)
    return 0


def compared(points, others) -> dict[str, object] | None:
    """The ratio of the curves' heights over the range of x that both cover; None if there is none."""
    (x, y), (other_x, other_y) = (np.array(sorted(curve)).T for curve in (points, others))
    first, last = max(x[0], other_x[0]), min(x[-1], other_x[-1])
    if first >= last:
        return None
    places = np.linspace(first, last, 50)
    ratio = np.interp(places, x, y) / np.interp(places, other_x, other_y)
    return {
        "from": round(float(first), 3),
        "to": round(float(last), 3),
        "mean": round(float(ratio.mean()), 3),
        "largest": round(float(ratio.max()), 3),
    }


def dominated(points, furthest: float, worst: float) -> float:
    """The share of the rectangle up to ``furthest`` and ``worst`` that lies above and right of the points."""
    area, lowest = 0.0, worst
    for x, y in sorted(points):
        if y < lowest:
            area += (furthest - x) * (lowest - y)
            lowest = y
    return area / (furthest * worst)


def _inputs():
    from techniques.networks import NETWORKS, load_network
    from techniques.pictures import fit, read_picture
    from techniques.weights import obtain

    def picture(package, member):
        found = read_picture(Path(str(files(package).joinpath(member))))
        scale = SIZE / max(found.size)
        return _tensor(fit(found, (round(found.size[0] * scale), round(found.size[1] * scale))))

    weights = obtain("auto", networks=tuple(NETWORKS), announce=print, report=lambda *_: None)
    styles = {name: picture("skimage", f"data/{file}") for name, file in STYLES.items()}
    return picture("sklearn.datasets", "images/china.jpg"), styles, load_network(weights)


def _ours(content, style, network, weight: float, changed: dict):
    from techniques.pictures import Picture
    from techniques.sizes import pyramid
    from techniques.style import StyleSettings, stylize

    size = (content.shape[-1], content.shape[-2])
    steps = pyramid(size, start=128)
    shares = sum(width * height for width, height in steps) / (size[0] * size[1] * len(steps))
    settings = StyleSettings(
        size=max(size),
        content_weight=weight,
        iterations=round(EVALUATIONS / shares),
        device="cpu",
        precision="float32",
        **changed,
    )
    pictures = [Picture(one[0].permute(1, 2, 0).numpy()) for one in (content, style)]
    return _tensor(stylize(pictures[0], [pictures[1]], settings, network=network).picture)


def _tensor(picture):
    return torch.from_numpy(picture.rgb).permute(2, 0, 1).unsqueeze(0).contiguous()


if __name__ == "__main__":
    sys.exit(main())
