"""Does mesh-style bring a mesh nearer to a style, seen from cameras and by a network that took no part?

A box and a sphere in the manner of a photograph. The Gram distance to the style is measured on eight
held-out cameras, at a size that was not painted at: in the network that was optimised, and in MobileNet-v2,
whose features no step has looked at. Beside it two anchors: the mesh as it came, and one half of the style
against the other.
"""

import time
from collections.abc import Callable, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from benchmarks.record import record
from techniques.classifiers.classifier import Classifier, obtain_classifier
from techniques.mesh_style import MeshStyleSettings
from techniques.mesh_style.cameras import HELD_OUT
from techniques.mesh_style.statistics import views_moments
from techniques.mesh_style.stylize import Work, stylize
from techniques.meshes.light import Light
from techniques.meshes.mesh import Mesh
from techniques.meshes.primed import primed
from techniques.meshes.render import Surface, View, render
from techniques.meshes.shapes import box, icosphere
from techniques.networks import NETWORKS, load_network
from techniques.pictures import Picture, fit, read_picture
from techniques.raster.backend import TorchRasteriser
from techniques.textures import GramStyle
from techniques.weights import obtain

SETTINGS = MeshStyleSettings(size=128, views=4, texture_size=256, iterations=24, precision="float32")
JUDGED_AT = 96  # px of a view
Features = Callable[[Tensor], Mapping[str, Tensor]]


def main() -> None:
    style = read_picture(Path(str(files("skimage").joinpath("data/coffee.png"))))
    network = load_network(obtain("auto", networks=tuple(NETWORKS), announce=print, report=lambda *_: None))
    other = obtain_classifier("mobilenet-v2", announce=print, report=lambda *_: None)
    judges: dict[str, Features] = {
        "optimised network": lambda image: network(image, SETTINGS.style_layers),
        "MobileNet-v2": _mobilenet(other),
    }
    figures: dict[str, Any] = {
        "settings": "128 px, 4 views, 256 texels, 24 steps; judged on 8 cameras at 96 px"
    }
    for name, mesh in (("box", box((3, 2, 2))), ("sphere of 1,280 triangles", icosphere(3))):
        work = _work(mesh, style, network)
        began = time.perf_counter()
        styled = stylize(work, SETTINGS)
        seconds = time.perf_counter() - began
        found: dict[str, Any] = {"seconds a step": round(seconds / SETTINGS.iterations, 2)}
        for judge, features in judges.items():
            before = _distance(_view(work.surface, work.base), style, features)
            after = _distance(_view(work.surface, styled.texture), style, features)
            found[judge] = {"before": round(before, 4), "after": round(after, 4)}
        figures[name] = found
    figures["anchor: one half of the style against the other"] = {
        judge: round(_halves(style, features), 4) for judge, features in judges.items()
    }
    record("mesh_style", figures)


def _work(mesh: Mesh, style: Picture, network: Any) -> Work:
    ground = primed(mesh, SETTINGS.texture_size)
    return Work(ground.surface, ground.base, [style], network, TorchRasteriser(), seams=ground.seams)


def _view(surface: Surface, texture: Tensor) -> View:
    with torch.no_grad():
        ground = torch.full((3,), 0.5)
        return render(
            surface, texture, HELD_OUT, (JUDGED_AT, JUDGED_AT), background=ground, lights=[Light("flat")]
        )


def _distance(view: View, style: Picture, features: Features) -> float:
    with torch.no_grad():
        return _between(features(_scaled(style)), None, features(view.image), view.mask)


def _halves(style: Picture, features: Features) -> float:
    image = _scaled(style)
    middle = image.shape[3] // 2
    with torch.no_grad():
        one, two = (features(half) for half in (image[..., :middle], image[..., middle:]))
        return _between(one, None, two, None)


def _between(
    style: Mapping[str, Tensor], style_mask: Tensor | None, found: Mapping[str, Tensor], mask: Tensor | None
) -> float:
    layers = list(style)
    targets, moments = (
        views_moments(values, torch.ones_like(values[layers[0]][:, :1]) if chosen is None else chosen, layers)
        for values, chosen in ((style, style_mask), (found, mask))
    )
    return float(GramStyle(targets, dict.fromkeys(layers, 1.0)).compare(moments))


def _scaled(style: Picture) -> Tensor:
    factor = JUDGED_AT / max(style.size)
    small = fit(style, (round(style.size[0] * factor), round(style.size[1] * factor)))
    return torch.from_numpy(small.over_white()).permute(2, 0, 1).unsqueeze(0)


def _mobilenet(classifier: Classifier) -> Features:
    """Activations behind the stages at 1/2 to 1/16 of the picture's size."""
    normalise, network = classifier.network.children()
    stages = (1, 3, 6, 13)

    def features(image: Tensor) -> Mapping[str, Tensor]:
        x, found = normalise(image), {}
        for number, layer in enumerate(network.features[: max(stages) + 1]):
            x = layer(x)
            if number in stages:
                found[f"features.{number}"] = x
        return found

    return features


if __name__ == "__main__":
    main()
