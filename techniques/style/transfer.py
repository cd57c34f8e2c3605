"""Style transfer by optimisation (Gatys, Ecker and Bethge 2016), coarse to fine. Pictures in, a picture out.

Departures from the paper, each because it makes better pictures or makes weights hold over sizes:

- A pyramid of sizes, a factor of the square root of 2 apart: textures larger than the network's receptive
  field form while the picture is small. The content's own detail is added back at every size, so that a style
  weight of 0 gives the content.
- The picture moves through its spectrum (spectra.py), so that strokes and colours come as early as grain.
- Losses are means relative to their targets (losses.py), not sums.
- Colours outside 0..1 are cut off before the network sees them and pulled back by a loss of their own, so
  that what is optimised is what the file can hold.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - the name that everybody reads
from torch import Tensor

from techniques.device import Device, choose_device
from techniques.losses import Loss, Terms
from techniques.networks import NETWORKS, FeatureNetwork, load_network
from techniques.optimise import Callback, History, Parameters, Stage, method_named, optimise
from techniques.pictures import Picture, fit
from techniques.plans import Planner, Way, limit_for
from techniques.sizes import pyramid, result_size
from techniques.spectra import InSpectrum
from techniques.style.colours import with_colours_of
from techniques.style.masks import NOWHERE, Masks
from techniques.style.objective import rate, tiles_of
from techniques.style.regions import styled_share
from techniques.style.scene import Scene, costs_of, losses_of, measured, tensor_of
from techniques.style.settings import StyleSettings
from techniques.weights import obtain

__all__ = ["Stylized", "stages", "stylize"]

# Longer side of the coarsest picture: the receptive field of relu5_1 is 132 px in VGG16, 156 px in VGG19.
_COARSEST = 128
# Steps of the hidden picture, whose large forms are a few times as large in the picture (spectra.py).
_ADAM_RATE, _FIRST_MOVE = 0.006, 0.01
# Over the number of values, because losses are means: gradients are hundreds of times this at first, and what
# lies below is rounding, which Adam would make a whole step of.
_ADAM_EPSILON = 1.0


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
    planner: Planner | None = None,
    callbacks: Sequence[Callback] = (),
    state: dict[str, Any] | None = None,
    announce: Callable[[str], None] = lambda _: None,
    masks: Masks | None = None,
    initial: Picture | None = None,
) -> Stylized:
    """Paint ``content`` in the manner of ``styles``, region by region if there are ``masks``.

    With ``initial`` the work begins with that picture, at full size, in half the steps: the frame before.

    Without ``network`` or ``device`` those that ``settings`` name are taken; the network's weights are
    fetched if need be. The result has the content's transparency, ICC profile and bit depth. On a CPU, the
    same arguments give the same pixels. ``state`` continues an interrupted run (see ``optimise``). Pictures
    that do not fit into memory are computed in tiles, as ``planner`` says; ``announce`` is told when it
    changes its mind.

    Raises:
        BadInputError: a size, layer or device that cannot be, or a picture that no memory plan fits.
        WorkFailedError: the weights cannot be fetched, the optimisation diverges, or memory runs out.
    """
    target = result_size(content.size, size=settings.size, width=settings.width, height=settings.height)
    device = device or choose_device(settings.device, settings.precision)
    if network is None:
        weights = obtain(
            settings.weights, networks=tuple(NETWORKS), announce=announce, report=lambda *_: None
        )
        network = load_network(weights)
    network = network.pooling_by(settings.pooling).padding_with(settings.padding)
    network = network.computing_in(device.precision).to(device.torch)
    if planner is None:
        costs = costs_of(settings, network, len(masks.names) if masks else 0)
        planner = Planner(limit_for(settings.memory, device), costs)
    scene = Scene(content, styles, settings, target, network, device.torch, planner, announce, masks, initial)
    plan = stages(scene)
    parameters, history = optimise(
        plan,
        optimizer=settings.optimizer,
        keep="average" if settings.optimizer == "adam" else "best",
        callbacks=callbacks,
        state=state,
        device=device.torch,
    )
    picture = finished(scene, parameters.pop("image"))
    boundaries = tuple(accumulate(stage.steps for stage in plan[:-1]))
    return Stylized(picture, history, measured(scene, tensor_of(picture, device.torch)), boundaries)


def finished(scene: Scene, image: Tensor) -> Picture:
    """The picture that ``image`` (1, 3, H, W) is in the end: cut off, its colours and regions in place."""
    size = (image.shape[-1], image.shape[-2])
    before = fit(scene.content, size)
    rgb = image[0].detach().clamp(0, 1).permute(1, 2, 0).cpu().numpy().astype(np.float32)
    if scene.settings.keep_colors or scene.settings.colors == "luminance":
        rgb = with_colours_of(before.over_white(), rgb)
    if scene.masks and (scene.masks.content == NOWHERE).any():
        share = styled_share(scene.masks, size)[..., None]
        rgb = share * rgb + (1 - share) * before.over_white()
    return replace(before, rgb=rgb)


def stages(scene: Scene) -> list[Stage]:
    """One stage for each size of the pyramid that ends in the scene's target."""
    settings = scene.settings
    if scene.initial is not None:
        return [_stage(scene, scene.target, None, max(1, settings.iterations // 2))]
    sizes = pyramid(scene.target, start=_COARSEST)[-settings.iterations :]
    shares = [settings.iterations // len(sizes)] * len(sizes)
    shares[-1] += settings.iterations - sum(shares)
    return [
        _stage(scene, size, before, steps)
        for size, before, steps in zip(sizes, [None, *sizes], shares, strict=False)
    ]


def _stage(scene: Scene, size: tuple[int, int], before: tuple[int, int] | None, steps: int) -> Stage:
    noisy = scene.settings.start == "noise"

    def start(previous: Parameters | None) -> Parameters:
        if scene.initial is not None:
            return {"image": tensor_of(fit(scene.initial, size), scene.device)}
        here = scene.content_at(size)
        if previous is None or before is None:
            return {"image": _noise(here, scene.settings.seed) if noisy else here}
        if noisy:
            return {"image": _resized(previous["image"].clamp(0, 1), size)}
        painted = previous["image"].clamp(0, 1) - scene.content_at(before)
        return {"image": here.add_(_resized(painted, size))}

    def objective() -> Callable[[Parameters], Terms]:
        losses: list[Loss] = scene.planner.attempt(
            size, lambda way: losses_of(scene, size, way), scene.announce
        )

        def evaluate(parameters: Parameters) -> Terms:
            def work(way: Way) -> Terms:
                tiles = tiles_of(size, way.tile, scene.network, scene.layers)
                return rate(parameters["image"], losses, scene.network, tiles, checkpointed=way.checkpointed)

            return scene.planner.attempt(size, work, scene.announce)

        return evaluate

    def made(hidden: list[Tensor]) -> torch.optim.Optimizer:
        return method_named(
            scene.settings.optimizer,
            hidden,
            rate=_ADAM_RATE,
            epsilon=_ADAM_EPSILON / sum(one.numel() for one in hidden),
            first_move=_FIRST_MOVE,
        )

    def method(pictures: list[Tensor]) -> torch.optim.Optimizer:
        return InSpectrum(pictures, made)

    return Stage(f"{size[0]} x {size[1]}", steps, start, objective, method=method)


def _resized(image: Tensor, size: tuple[int, int]) -> Tensor:
    return F.interpolate(image, (size[1], size[0]), mode="bicubic", align_corners=False)


def _noise(like: Tensor, seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(like.shape, generator=generator).to(like.device)
