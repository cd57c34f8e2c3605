"""The function that style transfer minimises, over a whole picture at once or tile by tile."""

from collections.abc import Sequence

import torch
from torch import Tensor

from techniques.losses import PIXELS, VALUES, Loss, Terms, gather, settle
from techniques.networks import FeatureNetwork
from techniques.tiling import Statistic, Sums, Tile, add_up, cut_up, known, two_pass, whole

__all__ = ["features_of", "rate", "sums_of", "tiles_of"]


def rate(
    image: Tensor,
    losses: Sequence[Loss],
    network: FeatureNetwork,
    tiles: Sequence[Tile],
    *,
    checkpointed: bool,
) -> Terms:
    """Evaluate ``losses`` on ``image`` (1, 3, H, W), cut into ``tiles``; the total knows its gradient.

    What the network sees is cut off at 0 and 1. With more than one tile no more than one tile's activations
    are in memory at a time (see tiling.py).
    """
    statistic = _statistic(losses, network, checkpointed=checkpointed)
    if len(tiles) == 1:
        pixels = image.detach().requires_grad_()
        terms = settle(losses, statistic(pixels, tiles[0]))
        # The way back is part of this call: it is where memory runs out, if it does.
        (gradient,) = torch.autograd.grad(terms.total, pixels)
        return Terms(known(image, terms.total, gradient), terms.parts)
    total, sums = two_pass(image, tiles, statistic, lambda found: settle(losses, found).total)
    return Terms(total, settle(losses, sums).parts)


def tiles_of(
    size: tuple[int, int], tile: int | None, network: FeatureNetwork, layers: Sequence[str]
) -> tuple[Tile, ...]:
    """A picture of ``size`` (width, height) cut for ``network``; whole if ``tile`` is None."""
    if tile is None or tile >= max(size):
        return (whole(size),)
    stride = max((network.stride(layer) for layer in layers), default=1)
    return cut_up(size, tile, halo=max(1, network.reach(layers)), stride=stride)


def sums_of(image: Tensor, losses: Sequence[Loss], network: FeatureNetwork, tiles: Sequence[Tile]) -> Sums:
    """What ``losses`` want to know of ``image`` (1, 3, H, W), as ``settle`` takes it; without gradients."""
    sums = add_up(image, tiles, _statistic(losses, network, checkpointed=False))
    return {name: value.float() for name, value in sums.items()}


def features_of(
    image: Tensor, layers: Sequence[str], network: FeatureNetwork, tiles: Sequence[Tile]
) -> dict[str, Tensor]:
    """Activations of the whole of ``image`` (1, 3, H, W) at ``layers``, computed in ``tiles``."""
    if len(tiles) == 1:
        with torch.no_grad():
            return network.visit(image, layers, lambda name, values: {name: values})
    height, width = image.shape[-2:]
    found = {
        layer: image.new_empty(
            (1, network.channels(layer), height // network.stride(layer), width // network.stride(layer)),
            dtype=network.precision,
        )
        for layer in layers
    }
    for tile in tiles:
        with torch.no_grad():
            for layer, values in network(tile.cut(image), layers).items():
                part = tile.part(network.stride(layer))
                part.of_whole(found[layer]).copy_(part.of_tile(values))
    return found


def _statistic(losses: Sequence[Loss], network: FeatureNetwork, *, checkpointed: bool) -> Statistic:
    layers = sorted({layer for loss in losses for layer in loss.layers} - {PIXELS, VALUES})

    def statistic(pixels: Tensor, tile: Tile) -> Sums:
        shown = pixels.clamp(0, 1)

        def look(layer: str, values: Tensor) -> Sums:
            return gather(losses, layer, values, tile.part(network.stride(layer)))

        found = gather(losses, VALUES, pixels, tile.part(1)) | gather(losses, PIXELS, shown, tile.part(1))
        return found | network.visit(shown, layers, look, checkpointed=checkpointed)

    return statistic
