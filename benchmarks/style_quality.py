"""Style against content, judged by a network that the optimiser never saw; ours beside a textbook loop.

``python -m benchmarks.style_quality`` makes china.jpg after two styles at 160 px with three content weights
each, in equal work (pixels evaluated), in our way, with our other style losses if they are named
(``moments``, ``wasserstein``), and in the textbook's: one size, float32, L-BFGS, no pyramid. The judge is
MobileNetV2, which no optimiser here looks at:

- style: the mean over six of its layers of |G(result) - G(style)| / |G(style)|, G the Gram matrix;
- content: the mean over the same layers and all positions of the squared difference of unit-length features,
  as LPIPS computes it before its learned weights (Zhang et al. 2018).

One number never judges: the area that a curve dominates, up to the content's own style distance and the
largest content distance of all, is given beside its points. Larger is better.
"""

import os
import sys
from importlib.resources import files
from pathlib import Path

import torch

from benchmarks.record import record

SIZE, EVALUATIONS = 160, 30
WEIGHTS = (1.0, 5.0, 20.0)
JUDGED = (1, 3, 6, 10, 13, 16)  # of the eighteen blocks of MobileNetV2's features
LAYERS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")


def main() -> int:
    torch.manual_seed(0)
    judge = Judge()
    content, styles, network = _inputs()
    ways = {"ours": "gram", **{f"ours, {name}": name for name in sys.argv[1:]}}
    figures: dict[str, object] = {"load average at the start": round(os.getloadavg()[0], 1)}
    for name, style in styles.items():
        untouched = judge(content, content, style)[1]
        curves = {
            way: [judge(_ours(content, style, network, weight, loss), content, style) for weight in WEIGHTS]
            for way, loss in ways.items()
        }
        curves["textbook"] = [
            judge(_textbook(content, style, network, weight), content, style) for weight in WEIGHTS
        ]
        furthest = max(point[0] for points in curves.values() for point in points)
        figures[name] = {
            "style distance of the content": round(untouched, 3),
            **{
                way: {
                    "content and style distance": [[round(x, 4), round(y, 3)] for x, y in points],
                    "area": round(dominated(points, furthest, untouched), 3),
                }
                for way, points in curves.items()
            },
        }
        record("style_quality", figures)
    return 0


class Judge:
    """Distances as MobileNetV2 sees them."""

    def __init__(self) -> None:
        from techniques.classifiers.classifier import obtain_classifier

        self.network = obtain_classifier("mobilenet-v2", announce=print, report=lambda *_: None).network
        self.blocks = next(one for one in self.network.modules() if hasattr(one, "features")).features

    def __call__(self, result, content, style) -> tuple[float, float]:
        """Content and style distance of ``result``, all pictures (1, 3, H, W)."""
        made, wanted, paint = (self._features(one) for one in (result, content, style))
        apart, textures = [], []
        for one, other, brush in zip(made, wanted, paint, strict=True):
            unit, unit_other = (torch.nn.functional.normalize(values, dim=1) for values in (one, other))
            apart.append(float((unit - unit_other).square().sum(1).mean()))
            textures.append(float((_gram(one) - _gram(brush)).norm() / _gram(brush).norm()))
        return sum(apart) / len(apart), sum(textures) / len(textures)

    def _features(self, picture) -> list[torch.Tensor]:
        found: list[torch.Tensor] = []

        def keep(_module, _given, made) -> None:
            found.append(made)

        hooks = [self.blocks[number].register_forward_hook(keep) for number in JUDGED]
        with torch.no_grad():
            self.network(picture)
        for hook in hooks:
            hook.remove()
        return found


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
    styles = {
        "ihc": picture("skimage", "data/ihc.png"),
        "hubble": picture("skimage", "data/hubble_deep_field.jpg"),
    }
    return picture("sklearn.datasets", "images/china.jpg"), styles, load_network(weights)


def _ours(content, style, network, weight: float, loss: str):
    from techniques.pictures import Picture
    from techniques.sizes import pyramid
    from techniques.style import StyleSettings, stylize

    size = (content.shape[-1], content.shape[-2])
    steps = pyramid(size, start=128)
    shares = sum(width * height for width, height in steps) / (size[0] * size[1] * len(steps))
    settings = StyleSettings(
        size=max(size),
        content_weight=weight,
        style_loss=loss,
        iterations=round(EVALUATIONS / shares),
        device="cpu",
        precision="float32",
    )
    pictures = [Picture(one[0].permute(1, 2, 0).numpy()) for one in (content, style)]
    return _tensor(stylize(pictures[0], [pictures[1]], settings, network=network).picture)


def _textbook(content, style, network, weight: float):
    image = content.clone().requires_grad_()
    with torch.no_grad():
        forms = network(content, ["relu4_2"])["relu4_2"]
        textures = {layer: _gram(values) for layer, values in network(style, LAYERS).items()}
    optimizer = torch.optim.LBFGS([image], max_iter=1)

    def closure():
        optimizer.zero_grad()
        found = network(image, [*LAYERS, "relu4_2"])
        loss = weight * (found["relu4_2"] - forms).square().mean() / forms.square().mean()
        for layer, wanted in textures.items():
            loss = loss + 8 * (_gram(found[layer]) - wanted).square().mean() / wanted.square().mean()
        loss.backward()
        return loss

    for _ in range(EVALUATIONS):
        optimizer.step(closure)
    return image.detach().clamp(0, 1)


def _gram(features):
    flat = features.flatten(2).squeeze(0)
    return flat @ flat.T / flat.shape[1]


def _tensor(picture):
    return torch.from_numpy(picture.rgb).permute(2, 0, 1).unsqueeze(0).contiguous()


if __name__ == "__main__":
    sys.exit(main())
