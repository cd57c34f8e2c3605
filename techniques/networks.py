"""Feature networks: activations at named layers, from pictures that are always RGB in 0..1."""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import Literal

import torch
import torch.nn.functional as F  # noqa: N812 - the name that everybody reads
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint
from torchvision.models.vgg import cfgs, make_layers

from techniques.errors import WorkFailedError
from techniques.layers import require_layers
from techniques.weights import InputConvention, Weights
from techniques.weights.formats import read_weights

__all__ = ["NETWORKS", "FeatureNetwork", "Padding", "Pooling", "load_network"]

Pooling = Literal["max", "average", "l2"]
Padding = Literal["replicate", "zeros"]
_TINY = 1e-8  # under the root, whose slope at 0 has no end

NETWORKS = {"vgg16": "D", "vgg19": "E"}  # columns of table 1 in Simonyan and Zisserman (2014)


class FeatureNetwork(nn.Module):
    """The convolutions of a VGG network, with names on its layers: ``relu1_1`` is block 1, first ReLU.

    One departure from the network as it was trained: the first convolution repeats the picture's edge
    instead of padding with zeros, which mean a grey frame that leaks into every layer. Two more are choices,
    see ``pooling_by`` and ``padding_with``.
    """

    def __init__(self, layers: nn.Sequential, convention: InputConvention) -> None:
        super().__init__()
        self.layers = layers
        self.names = _names(layers)
        self._flip = convention.order == "BGR"
        self._maximum = convention.maximum
        self.register_buffer("_mean", torch.tensor(convention.mean).view(1, 3, 1, 1), persistent=False)
        self.register_buffer(
            "_deviation", torch.tensor(convention.deviation).view(1, 3, 1, 1), persistent=False
        )
        self._dtype = torch.float32
        self._pooling: Pooling = "max"
        self._padding: Padding = "replicate"
        self.requires_grad_(False).eval()

    @property
    def precision(self) -> torch.dtype:
        """What the convolutions compute in; pictures and returned features may differ from it."""
        return self._dtype

    def computing_in(self, dtype: torch.dtype) -> "FeatureNetwork":
        """The same network with convolutions in ``dtype``; normalisation stays in float32."""
        self.layers.to(dtype)
        self._dtype = dtype
        return self

    def pooling_by(self, pooling: Pooling) -> "FeatureNetwork":
        """The same network with pools that take the maximum, the mean or the root mean square of four.

        The latter two are scaled (by 2 and 0.78) to what the maximum gives on average, for which the next
        layers were trained.
        """
        self._pooling = pooling
        return self

    def padding_with(self, padding: Padding) -> "FeatureNetwork":
        """The same network; "replicate" repeats the edge in the first convolution, "zeros" is as trained."""
        self._padding = padding
        return self

    def forward(self, image: Tensor, layers: Collection[str]) -> dict[str, Tensor]:
        """Activations at the named ``layers`` for ``image``, (N, 3, H, W) of RGB in 0..1.

        Each is (N, C, H / s, W / s) with s = 1, 2, 4, 8, 16 in blocks 1 to 5 (rounded down), in
        ``precision``. Nothing behind the deepest layer asked for is computed.

        Raises:
            BadInputError: a layer that the network does not have.
        """
        return self.visit(image, layers, lambda name, values: {name: values})

    def visit(
        self,
        image: Tensor,
        layers: Collection[str],
        look: Callable[[str, Tensor], dict[str, Tensor]],
        *,
        checkpointed: bool = False,
    ) -> dict[str, Tensor]:
        """What ``look`` makes of the activations at each of ``layers``, one after the other, in one mapping.

        With ``checkpointed`` only what passes from block to block is kept for the way back, and everything
        else, what ``look`` needs included, is computed again there (Chen et al. 2016, *Training Deep Nets
        with Sublinear Memory Cost*): the same gradients for about half the memory. Raises as ``forward``.
        """
        wanted = set(layers)
        require_layers(wanted, self.names)

        def block(indices: Sequence[int], x: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
            seen: dict[str, Tensor] = {}
            for index in indices:
                layer = self.layers[index]
                x = self._edge_repeated(x, layer) if index == 0 else self._applied(x, layer)
                if self.names[index] in wanted:
                    seen |= look(self.names[index], x)
            return x, seen

        found: dict[str, Tensor] = {}
        x = self._normalised(image).to(self._dtype)
        for indices in self._blocks(wanted):
            if checkpointed and torch.is_grad_enabled():
                x, seen = checkpoint(block, indices, x, use_reentrant=False, preserve_rng_state=False)
            else:
                x, seen = block(indices, x)
            found |= seen
        return found

    def stride(self, layer: str) -> int:
        """How many pixels of the picture a side one position of ``layer`` stands for."""
        return int(2 ** sum(isinstance(one, nn.MaxPool2d) for one in self._up_to({layer})))

    def reach(self, layers: Collection[str]) -> int:
        """How many pixels beyond its own a position of the deepest of ``layers`` depends on, on each side.

        58 at relu5_1 of VGG16: half of the receptive field's 132 px, less half of the position's own 16.
        """
        reach = 0
        for layer in reversed(self._up_to(layers)):
            if isinstance(layer, nn.MaxPool2d):
                reach *= 2
            elif isinstance(layer, nn.Conv2d):
                reach += int(layer.kernel_size[0]) // 2
        return reach

    def channels(self, layer: str) -> int:
        """The number of channels of ``layer``."""
        return [int(one.out_channels) for one in self._up_to({layer}) if isinstance(one, nn.Conv2d)][-1]

    def _up_to(self, layers: Collection[str]) -> list[nn.Module]:
        deepest = max((self.names.index(name) for name in layers), default=-1)
        return list(self.layers[: deepest + 1])

    def _blocks(self, layers: Collection[str]) -> Iterator[range]:
        """The layers that have to be computed, by number, cut behind each pool."""
        end, first = len(self._up_to(layers)), 0
        for index in range(end):
            if index == end - 1 or isinstance(self.layers[index], nn.MaxPool2d):
                yield range(first, index + 1)
                first = index + 1

    def _normalised(self, image: Tensor) -> Tensor:
        x = image.flip(1) if self._flip else image
        return (x * self._maximum - self.get_buffer("_mean")) / self.get_buffer("_deviation")

    def _applied(self, x: Tensor, layer: nn.Module) -> Tensor:
        if isinstance(layer, nn.ReLU):
            # torchvision's is in place, and would overwrite the convolution's own activations
            return F.relu(x)
        if isinstance(layer, nn.MaxPool2d) and self._pooling != "max":
            square = x.square() if self._pooling == "l2" else x
            mean = F.avg_pool2d(square, 2)
            return 0.78 * (4 * mean + _TINY).sqrt() if self._pooling == "l2" else 2 * mean
        result: Tensor = layer(x)
        return result

    def _edge_repeated(self, x: Tensor, layer: nn.Module) -> Tensor:
        if not isinstance(layer, nn.Conv2d):
            raise TypeError(f"the first layer is a {type(layer).__name__}, not a convolution")
        if self._padding == "zeros":
            return F.conv2d(x, layer.weight, layer.bias, padding=1)
        return F.conv2d(F.pad(x, (1, 1, 1, 1), mode="replicate"), layer.weight, layer.bias)


def load_network(weights: Weights) -> FeatureNetwork:
    """The network that ``weights`` were trained for, with them inside, on the CPU in float32.

    Raises:
        WorkFailedError: the file does not fit the architecture.
    """
    with torch.device("meta"):  # no memory and no time for values that are replaced at once
        layers = make_layers(cfgs[NETWORKS[weights.entry.network]])
    tensors = read_weights(weights.path, weights.entry.format)
    try:
        layers.load_state_dict(
            {
                key.removeprefix("features."): value
                for key, value in tensors.items()
                if key.startswith("features.")  # the rest is the classifier
            },
            strict=True,
            assign=True,
        )
    except RuntimeError as error:
        raise WorkFailedError(
            f"{weights.path} does not fit {weights.entry.network}; it is not used."
        ) from error
    return FeatureNetwork(layers, weights.entry.input)


def _names(layers: Iterable[nn.Module]) -> tuple[str, ...]:
    names, block, number = [], 1, 0
    for layer in layers:
        if isinstance(layer, nn.Conv2d):
            number += 1
            names.append(f"conv{block}_{number}")
        elif isinstance(layer, nn.ReLU):
            names.append(f"relu{block}_{number}")
        else:
            names.append(f"pool{block}")
            block, number = block + 1, 0
    return tuple(names)
