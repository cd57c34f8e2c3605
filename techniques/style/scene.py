"""What a run of style transfer works on, and the losses of one size of it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from techniques.losses import Content, Loss, TotalVariation, Within, settle
from techniques.networks import FeatureNetwork
from techniques.pictures import Picture, fit
from techniques.plans import Costs, Planner, Way
from techniques.sizes import SMALLEST
from techniques.style.colours import matched_by_histogram, matched_by_moments
from techniques.style.masks import Masks
from techniques.style.objective import features_of, sums_of, tiles_of
from techniques.style.regions import maps_of
from techniques.style.settings import StyleSettings
from techniques.textures import STYLE_LOSSES, Moments, TextureLoss, mean_of

__all__ = ["Scene", "costs_of", "losses_of", "measured", "tensor_of"]

Size = tuple[int, int]

# What a style weight of 1 means, chosen by eye so that the content weight 5 balances it.
_STYLE_UNIT = 40.0
_SMOOTHNESS_UNIT = 60.0
_RANGE_WEIGHT = 10.0
# Bytes at the peak of forward and backward together, for each pixel computed at a time; measured on a
# processor by benchmarks/style_memory.py, in float32 and in bfloat16 (whose sums are float32 anyhow).
_PIXEL, _PIXEL_CHECKPOINTED = 1850, 1400
_FIXED = 900 << 20  # the interpreter, PyTorch, the network and the convolutions' own scratch
_COPIES = {"adam": 13, "lbfgs": 33}  # of the picture; L-BFGS keeps ten pairs


@dataclass(frozen=True)
class Scene:
    """The inputs of a run, and what computes them. ``target`` is the result's width and height."""

    content: Picture
    styles: Sequence[Picture]
    settings: StyleSettings
    target: Size
    network: FeatureNetwork
    device: torch.device
    planner: Planner
    announce: Callable[[str], None]
    masks: Masks | None = None
    initial: Picture | None = None

    @property
    def layers(self) -> tuple[str, ...]:
        """All layers that are looked at."""
        return tuple(sorted({*self.settings.content_layers, *self.settings.style_layers}))

    def content_at(self, size: Size) -> Tensor:
        """The content picture scaled to fill ``size``: (1, 3, H, W) in 0..1."""
        return tensor_of(fit(self.content, size), self.device)


def costs_of(settings: StyleSettings, network: FeatureNetwork, regions: int = 0) -> Costs:
    """What a run with ``settings`` and so many ``regions`` holds in memory."""
    layers = tuple(sorted({*settings.content_layers, *settings.style_layers}))
    return Costs(
        pixel=_PIXEL,
        pixel_checkpointed=_PIXEL_CHECKPOINTED,
        halo=network.reach(layers),
        copies=_COPIES[settings.optimizer],
        targets=sum(
            network.channels(layer) / network.stride(layer) ** 2 * network.precision.itemsize
            for layer in settings.content_layers
        )
        + regions * (1 + sum(1 / network.stride(layer) ** 2 for layer in settings.style_layers)),
        fixed=_FIXED,
    )


def losses_of(scene: Scene, size: Size, way: Way) -> list[Loss]:
    """What is minimised at ``size``, its targets computed in ``way``."""
    settings, network = scene.settings, scene.network
    tiles = tiles_of(size, way.tile, network, settings.content_layers)
    forms = features_of(scene.content_at(size), settings.content_layers, network, tiles)
    layers, masks = settings.style_layers, scene.masks
    wanted: TextureLoss = STYLE_LOSSES[settings.style_loss]({}, dict.fromkeys(layers, 1.0))
    textures = [_texture(scene, number, size, way, wanted) for number in range(len(scene.styles))]
    return [
        Content(forms, weight=settings.content_weight),
        replace(
            wanted,
            targets=mean_of(textures, settings.blend or [1.0] * len(textures)),
            regions=maps_of(masks.content, len(masks.names), size, layers, network, scene.device)
            if masks
            else None,
            weight=settings.style_weight * _STYLE_UNIT,
        ),
        TotalVariation(weight=settings.smoothness * settings.style_weight * _SMOOTHNESS_UNIT),
        Within(weight=_RANGE_WEIGHT),
    ]


def _texture(scene: Scene, number: int, size: Size, way: Way, wanted: TextureLoss) -> dict[str, Moments]:
    """What the style loss ``wanted`` compares with, of one of the styles."""
    style, masks, network = scene.styles[number], scene.masks, scene.network
    laid = _style_size(style, size, scene.settings.style_scale)
    if masks:
        maps = maps_of(masks.styles[number], len(masks.names), laid, wanted.layers, network, scene.device)
        wanted = replace(wanted, regions=maps)
    tiles = tiles_of(laid, way.tile, network, wanted.layers)
    sums = sums_of(tensor_of(_coloured(scene, fit(style, laid)), scene.device), [wanted], network, tiles)
    return wanted.statistics({name.removeprefix("style: "): value for name, value in sums.items()})


def _coloured(scene: Scene, style: Picture) -> Picture:
    """``style``, in the colours of the content if they are to be kept in one of these ways."""
    if scene.settings.colors == "histogram":
        return matched_by_histogram(style, scene.content)
    if scene.settings.colors == "wasserstein":
        return matched_by_moments(style, scene.content)
    return style


def measured(scene: Scene, image: Tensor) -> dict[str, float]:
    """The losses of ``image`` (1, 3, H, W) before weighting, and the style loss of the content itself."""
    size = (image.shape[-1], image.shape[-2])

    def work(way: Way) -> dict[str, float]:
        losses = losses_of(scene, size, way)
        tiles = tiles_of(size, way.tile, scene.network, scene.layers)
        terms = settle(losses, sums_of(image, losses, scene.network, tiles))
        untouched = settle(losses, sums_of(scene.content_at(size), losses, scene.network, tiles))
        return {
            "loss": float(terms.total),
            **{name: float(value) for name, value in terms.parts.items()},
            "style_of_content": float(untouched.parts["style"]),
        }

    return scene.planner.attempt(size, work, scene.announce)


def tensor_of(picture: Picture, device: torch.device) -> Tensor:
    """The colours of ``picture`` over white: (1, 3, H, W) in 0..1."""
    return torch.from_numpy(picture.over_white()).permute(2, 0, 1).unsqueeze(0).contiguous().to(device)


def _style_size(style: Picture, size: Size, wanted: float) -> Size:
    """As large as the picture at this stage, times ``wanted``; never enlarged, because blur is no texture."""
    scale = min(1.0, wanted * max(size) / max(style.size))
    scale = max(scale, min(1.0, SMALLEST / min(style.size)))
    return max(SMALLEST, round(style.size[0] * scale)), max(SMALLEST, round(style.size[1] * scale))
