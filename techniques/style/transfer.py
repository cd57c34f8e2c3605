"""Style transfer by optimisation (Gatys, Ecker and Bethge 2016), coarse to fine. Pictures in, a picture out.

Departures from the paper, each because it makes better pictures or makes weights hold over sizes:

- A pyramid of sizes, a factor of the square root of 2 apart: textures larger than the network's receptive
  field form while the picture is small. The content's own detail is added back at every size, so that a style
  weight of 0 gives the content.
- Losses are means relative to their targets (losses.py), not sums.
- Colours outside 0..1 are cut off before the network sees them and pulled back by a loss of their own, so
  that what is optimised is what the file can hold.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - the name that everybody reads
from torch import Tensor

from techniques.device import Device, choose_device
from techniques.losses import Content, GramStyle, Loss, Terms, TotalVariation, Within, gram, mean_of, total
from techniques.networks import NETWORKS, FeatureNetwork, load_network
from techniques.optimise import Callback, History, Parameters, Stage, optimise
from techniques.pictures import Picture, fit
from techniques.sizes import SMALLEST, pyramid, result_size
from techniques.style.settings import StyleSettings
from techniques.weights import obtain

__all__ = ["Stylized", "stages", "stylize"]

# What a style weight of 1 means, chosen by eye so that the content weight 5 balances it.
_STYLE_UNIT = 40.0
_SMOOTHNESS_UNIT = 60.0
_RANGE_WEIGHT = 10.0
# Longer side of the coarsest picture: the receptive field of relu5_1 is 132 px in VGG16, 156 px in VGG19.
_COARSEST = 128


@dataclass(frozen=True)
class Stylized:
    """What came out: the picture, each loss over the steps, and the figures of the final picture.

    ``metrics`` holds the losses of the picture as returned, before weighting, and ``style_of_content``: the
    style loss of the content picture itself, which tells how far the style has been reached.
    """

    picture: Picture
    history: History
    metrics: dict[str, float]
    boundaries: tuple[int, ...]
    """The steps behind which the picture grew."""


def stylize(
    content: Picture,
    styles: Sequence[Picture],
    settings: StyleSettings = StyleSettings(),  # noqa: B008 - frozen
    *,
    network: FeatureNetwork | None = None,
    device: Device | None = None,
    callbacks: Sequence[Callback] = (),
    state: dict[str, Any] | None = None,
) -> Stylized:
    """Paint ``content`` in the manner of ``styles``.

    Without ``network`` or ``device`` those that ``settings`` name are taken; the network's weights are
    fetched if need be. The result has the content's transparency, ICC profile and bit depth. On a CPU, the
    same arguments give the same pixels. ``state`` continues an interrupted run (see ``optimise``).

    Raises:
        BadInputError: a size, layer or device that cannot be.
        WorkFailedError: the weights cannot be fetched, or the optimisation diverges.
    """
    target = result_size(content.size, size=settings.size, width=settings.width, height=settings.height)
    device = device or choose_device(settings.device, settings.precision)
    if network is None:
        weights = obtain(settings.weights, networks=tuple(NETWORKS), announce=print, report=lambda *_: None)
        network = load_network(weights)
    network = network.computing_in(device.precision).to(device.torch)
    plan = stages(content, styles, settings, target, network, device.torch)
    parameters, history = optimise(
        plan,
        optimizer=settings.optimizer,
        keep="average" if settings.optimizer == "adam" else "best",
        callbacks=callbacks,
        state=state,
    )
    image = parameters["image"].clamp(0, 1)
    if settings.keep_colors:
        image = _with_colors_of(_tensor(fit(content, target), image.device), image)
    metrics = _metrics(content, styles, settings, target, network, image)
    boundaries = tuple(accumulate(stage.steps for stage in plan[:-1]))
    rgb = image[0].permute(1, 2, 0).cpu().numpy().astype(np.float32)
    return Stylized(replace(fit(content, target), rgb=rgb), history, metrics, boundaries)


def stages(
    content: Picture,
    styles: Sequence[Picture],
    settings: StyleSettings,
    target: tuple[int, int],
    network: FeatureNetwork,
    device: torch.device,
) -> list[Stage]:
    """One stage for each size of the pyramid that ends in ``target`` (width, height)."""
    sizes = pyramid(target, start=_COARSEST)[-settings.iterations :]
    shares = [settings.iterations // len(sizes)] * len(sizes)
    shares[-1] += settings.iterations - sum(shares)
    return [
        _stage(content, styles, settings, size, before, steps, network, device)
        for size, before, steps in zip(sizes, [None, *sizes], shares, strict=False)
    ]


def _stage(
    content: Picture,
    styles: Sequence[Picture],
    settings: StyleSettings,
    size: tuple[int, int],
    before: tuple[int, int] | None,
    steps: int,
    network: FeatureNetwork,
    device: torch.device,
) -> Stage:
    def start(previous: Parameters | None) -> Parameters:
        here = _tensor(fit(content, size), device)
        if previous is None or before is None:
            return {"image": here if settings.start == "content" else _noise(here, settings.seed)}
        if settings.start == "noise":
            return {"image": _resized(previous["image"].clamp(0, 1), size)}
        painted = previous["image"].clamp(0, 1) - _tensor(fit(content, before), device)
        return {"image": here + _resized(painted, size)}

    def objective() -> Any:
        losses = _losses(content, styles, settings, size, network, device)
        layers = {layer for loss in losses for layer in loss.layers}

        def rate(parameters: Parameters) -> Terms:
            shown = parameters["image"].clamp(0, 1)
            terms = total(losses, shown, network(shown, layers))
            outside = Within(weight=_RANGE_WEIGHT)
            return replace(terms, total=terms.total + outside.weight * outside(parameters["image"], {}))

        return rate

    return Stage(f"{size[0]} x {size[1]}", steps, start, objective)


def _losses(
    content: Picture,
    styles: Sequence[Picture],
    settings: StyleSettings,
    size: tuple[int, int],
    network: FeatureNetwork,
    device: torch.device,
) -> list[Loss]:
    with torch.no_grad():
        forms = network(_tensor(fit(content, size), device), settings.content_layers)
        textures = [
            {
                layer: gram(activation)
                for layer, activation in network(
                    _tensor(fit(style, _style_size(style, size, settings.style_scale)), device),
                    settings.style_layers,
                ).items()
            }
            for style in styles
        ]
    return [
        Content(forms, weight=settings.content_weight),
        GramStyle(
            mean_of(textures, settings.blend or [1.0] * len(textures)),
            dict.fromkeys(settings.style_layers, 1.0),
            weight=settings.style_weight * _STYLE_UNIT,
        ),
        TotalVariation(weight=settings.smoothness * settings.style_weight * _SMOOTHNESS_UNIT),
    ]


def _metrics(
    content: Picture,
    styles: Sequence[Picture],
    settings: StyleSettings,
    size: tuple[int, int],
    network: FeatureNetwork,
    image: Tensor,
) -> dict[str, float]:
    losses = _losses(content, styles, settings, size, network, image.device)
    layers = {layer for loss in losses for layer in loss.layers}
    with torch.no_grad():
        terms = total(losses, image, network(image, layers))
        plain = _tensor(fit(content, size), image.device)
        untouched = total(losses, plain, network(plain, layers))
    return {
        "loss": float(terms.total),
        **{name: float(value) for name, value in terms.parts.items()},
        "style_of_content": float(untouched.parts["style"]),
    }


def _style_size(style: Picture, size: tuple[int, int], wanted: float) -> tuple[int, int]:
    """As large as the picture at this stage, times ``wanted``; never enlarged, because blur is no texture."""
    scale = min(1.0, wanted * max(size) / max(style.size))
    scale = max(scale, min(1.0, SMALLEST / min(style.size)))
    return max(SMALLEST, round(style.size[0] * scale)), max(SMALLEST, round(style.size[1] * scale))


def _with_colors_of(content: Tensor, image: Tensor) -> Tensor:
    """The luma of ``image`` with the two chroma channels of ``content`` (Rec. 601), both (1, 3, H, W).

    Moving all three channels by the difference in luma is the same as swapping Y in YCbCr.
    """
    luma = torch.tensor([0.299, 0.587, 0.114], device=image.device).view(1, 3, 1, 1)
    return (content + ((image - content) * luma).sum(1, keepdim=True)).clamp(0, 1)


def _tensor(picture: Picture, device: torch.device) -> Tensor:
    return torch.from_numpy(picture.over_white()).permute(2, 0, 1).unsqueeze(0).contiguous().to(device)


def _resized(image: Tensor, size: tuple[int, int]) -> Tensor:
    return F.interpolate(image, (size[1], size[0]), mode="bicubic", align_corners=False)


def _noise(like: Tensor, seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(like.shape, generator=generator).to(like.device)
