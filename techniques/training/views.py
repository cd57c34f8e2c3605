"""The held-out pictures exactly as ``deepdesign classify`` sees them, so that figures are of real use."""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from techniques.classifiers.preprocessing import view
from techniques.errors import BadInputError, WorkFailedError
from techniques.files import sha256_of
from techniques.pictures import read_picture
from techniques.training.dataset import Dataset
from techniques.training.examine import in_order
from techniques.weights.registry import View

__all__ = ["Views"]


class Views:
    """What a network with the view ``how`` sees of a dataset's pictures; kept while ``memory`` bytes last."""

    def __init__(self, dataset: Dataset, how: View, *, memory: int, threads: int) -> None:
        self._dataset, self._how, self._threads = dataset, how, threads
        self._left = memory
        self._kept: dict[int, Tensor] = {}

    def batches(self, indices: Sequence[int], *, size: int = 32) -> Iterator[Tensor]:
        """The pictures ``indices`` in order: float32 in 0..1, (up to ``size``, 3, height, width).

        Raises:
            WorkFailedError: a file is another one now than the one that was looked at.
        """
        images = in_order(self._image, indices, threads=self._threads)
        batch: list[Tensor] = []
        for image in images:
            batch.append(image)
            if len(batch) == size:
                yield torch.stack(batch).float() / 255
                batch = []
        if batch:
            yield torch.stack(batch).float() / 255

    def _image(self, index: int) -> Tensor:
        if (found := self._kept.get(index)) is not None:
            return found
        example = self._dataset.examples[index]
        path = self._dataset.root / example.path
        try:
            same = sha256_of(path) == example.sha256
            picture = read_picture(path, convert=True)
        except (OSError, BadInputError) as error:
            raise _changed(example.path) from error
        if not same:
            raise _changed(example.path)
        # Rounded to what a file could hold: a quarter of the memory.
        image = (view(picture, self._how) * 255).round().to(torch.uint8)
        if image.nbytes <= self._left:
            self._kept[index] = image
            self._left -= image.nbytes
        return image


def _changed(path: str) -> WorkFailedError:
    return WorkFailedError(
        f"{path} changed or went away during the training. Put it back and use --resume, or train anew."
    )
