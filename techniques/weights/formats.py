"""Files of weights as tensors by torchvision's names. Reading one never runs code that is inside it."""

import pickle
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import h5py
import torch
from torch import Tensor

from techniques.errors import WorkFailedError

__all__ = ["read_weights"]

# Convolutions in each block of VGG16: the layout of the Keras file.
_KERAS_BLOCKS = (2, 2, 3, 3, 3)
_LARGEST_ARRAY = 64 << 20  # bytes; VGG's largest convolution has 9.4 MB


def read_weights(path: Path, kind: str) -> Mapping[str, Tensor]:
    """Tensors by torchvision's key (``features.0.weight`` ...), float32, from a file in the format ``kind``.

    The file's hash must have been compared before.

    Raises:
        WorkFailedError: the file lacks something, or holds what such a file never does.
    """
    return _READERS[kind](path)


def _keras_vgg(path: Path) -> dict[str, Tensor]:
    tensors: dict[str, Tensor] = {}
    index = 0
    with h5py.File(path, "r") as file:
        for block, count in enumerate(_KERAS_BLOCKS, start=1):
            for number in range(count):
                folder = f"block{block}/layers/conv2d{f'_{number}' if number else ''}/vars"
                kernel, bias = _array(file, f"{folder}/0"), _array(file, f"{folder}/1")
                # Keras keeps kernels as (height, width, in, out).
                tensors[f"features.{index}.weight"] = kernel.permute(3, 2, 0, 1).contiguous()
                tensors[f"features.{index}.bias"] = bias
                index += 2  # a ReLU follows each convolution
            index += 1  # and a pool each block
    return tensors


def _array(file: Any, name: str) -> Tensor:
    # Each link on the way is looked at: an external one would read another file of this machine.
    place = file
    for part in name.split("/"):
        if not isinstance(place, h5py.Group) or not isinstance(place.get(part, getlink=True), h5py.HardLink):
            raise WorkFailedError(f"{file.filename} has no array of its own at {name}; it is not used.")
        place = place[part]
    if (
        not isinstance(place, h5py.Dataset)
        or place.external
        or place.is_virtual
        or place.nbytes > _LARGEST_ARRAY
    ):
        raise WorkFailedError(
            f"{file.filename}: {name} is not an array that such a file holds; it is not used."
        )
    return torch.from_numpy(place.astype("float32")[()])


def _torchvision(path: Path) -> dict[str, Tensor]:
    try:
        tensors = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError) as error:
        raise WorkFailedError(f"{path} holds something else than tensors; it is not used.") from error
    # Counters of batch normalisation are whole numbers and stay so.
    return {
        key: value.float() if value.is_floating_point() else value
        for key, value in tensors.items()
        if isinstance(value, Tensor)
    }


def _efficientnet_pytorch(path: Path) -> dict[str, Tensor]:
    # That package's attributes are private ones: `_blocks.0._bn1.weight`.
    return {
        ".".join(part.removeprefix("_") for part in key.split(".")): value
        for key, value in _torchvision(path).items()
    }


_READERS: dict[str, Callable[[Path], dict[str, Tensor]]] = {
    "keras-vgg": _keras_vgg,
    "torchvision": _torchvision,
    "efficientnet-pytorch": _efficientnet_pytorch,
}
