"""The layers of the feature networks by name: known without loading a network, or PyTorch."""

from collections.abc import Collection, Sequence

from techniques.errors import BadInputError

__all__ = ["LAYERS", "require_layers"]

# Convolutions in each block: columns D and E of table 1 in Simonyan and Zisserman (2014).
_BLOCKS = {"vgg16": (2, 2, 3, 3, 3), "vgg19": (2, 2, 4, 4, 4)}


def _names(blocks: Sequence[int]) -> tuple[str, ...]:
    return tuple(
        name
        for block, count in enumerate(blocks, start=1)
        for number in range(1, count + 1)
        for name in (
            f"conv{block}_{number}",
            f"relu{block}_{number}",
            *([f"pool{block}"] * (number == count)),
        )
    )


LAYERS = {network: _names(blocks) for network, blocks in _BLOCKS.items()}
"""By network, in the order of computation: ``relu4_2`` is block 4, second ReLU."""


def require_layers(wanted: Collection[str], names: Sequence[str]) -> None:
    """Refuse a layer that is not among ``names``.

    Raises:
        BadInputError: the message names the first such layer, and those that there are.
    """
    if unknown := sorted(set(wanted) - set(names)):
        raise BadInputError(f"There is no layer {unknown[0]}. Choose from: {', '.join(names)}.")
