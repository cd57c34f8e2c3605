"""The picture as it is optimised: a change to a photograph, in Fourier space and in decorrelated colours.

Steps of equal size in pixels of red, green and blue go into noise and into garish colours first. Here they
are taken where a photograph's own variation is equal in all directions: frequencies scaled by their
wavelength, and colours along the axes in which those of natural pictures are uncorrelated (Olah, Mordvintsev
and Schubert, Feature Visualization, 2017).
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F  # noqa: N812 - the name that everybody reads
from torch import Tensor

__all__ = ["Canvas"]

# Columns: light, blue against yellow, green against magenta; the square root of the covariance of
# ImageNet's colours, scaled so that the longest column is 1.
_COLOURS = ((0.5631, 0.1949, 0.0433), (0.5848, 0.0, -0.1083), (0.5848, -0.1949, 0.0650))
_AMPLITUDE = 0.25  # a step of Adam's usual size then moves a pixel by a few hundredths
_DARKEST = 0.02  # and the lightest: where the logistic curve would be too flat to leave


@dataclass(frozen=True, eq=False)
class Canvas:
    """A photograph, (1, 3, H, W) in 0..1, that changes of its spectrum are laid over.

    ``mask``, (1, 1, H, W) in 0..1, says where; None is everywhere. ``decay`` is the power of the wavelength
    that amplitudes go with: larger is smoother.
    """

    photo: Tensor
    mask: Tensor | None = None
    decay: float = 1.0

    @property
    def sides(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return self.photo.shape[-2], self.photo.shape[-1]

    def blank(self) -> Tensor:
        """The spectrum that changes nothing: zeros, (3, H, W // 2 + 1, 2), real and imaginary parts."""
        height, width = self.sides
        return torch.zeros(3, height, width // 2 + 1, 2, device=self.photo.device)

    def picture(self, spectrum: Tensor) -> Tensor:
        """The photograph with the change of ``spectrum``: (1, 3, H, W), in 0..1 and differentiable.

        The change is added on a logistic scale, so that it cannot leave 0..1; without a change the
        photograph is exactly itself.
        """
        waves = torch.view_as_complex(spectrum) * self._scale()
        planes = torch.fft.irfft2(waves, s=self.sides, norm="ortho") * _AMPLITUDE
        colours = torch.tensor(_COLOURS, device=planes.device)
        change = torch.einsum("ck,khw->chw", colours, planes).unsqueeze(0)
        if self.mask is not None:
            change = change * self.mask
        middle = torch.logit(self.photo.clamp(_DARKEST, 1 - _DARKEST))
        return (self.photo + (torch.sigmoid(middle + change) - torch.sigmoid(middle))).clamp(0, 1)

    def enlarged(self, spectrum: Tensor, before: "Canvas") -> Tensor:
        """The ``spectrum`` of a smaller canvas, ``before``, as one of this: the same change, exactly."""
        waves = torch.view_as_complex(spectrum) * before._scale() * self._registered(before)
        result = torch.zeros(3, self.sides[0], self.sides[1] // 2 + 1, dtype=waves.dtype, device=waves.device)
        rows, columns = min(before.sides[0], self.sides[0]), min(waves.shape[-1], result.shape[-1])
        top = (rows + 1) // 2
        result[:, :top, :columns] = waves[:, :top, :columns]
        if rows > top:
            result[:, top - rows :, :columns] = waves[:, top - rows :, :columns]
        # An orthonormal transform of n pixels spreads a wave of amplitude 1 over the square root of n.
        growth = (self.sides[0] * self.sides[1] / (before.sides[0] * before.sides[1])) ** 0.5
        return torch.view_as_real(result * growth / self._scale()).contiguous()

    def _registered(self, before: "Canvas") -> Tensor:
        """The phases that keep a change over the same part of the photograph: the middle of the first pixel
        of a small picture is not that of a large one.
        """
        height, width = before.sides
        down = torch.fft.fftfreq(height, 1 / height, device=self.photo.device).unsqueeze(1)
        across = torch.fft.rfftfreq(width, 1 / width, device=self.photo.device).unsqueeze(0)
        angle = down * (1 / self.sides[0] - 1 / height) + across * (1 / self.sides[1] - 1 / width)
        return torch.polar(torch.ones_like(angle), torch.pi * angle)

    def _scale(self) -> Tensor:
        height, width = self.sides
        down = torch.fft.fftfreq(height, device=self.photo.device).unsqueeze(1)
        across = torch.fft.rfftfreq(width, device=self.photo.device).unsqueeze(0)
        frequency = (down.square() + across.square()).sqrt()
        scale: Tensor = frequency.clamp_min(1 / max(height, width)).pow(-self.decay)
        return scale


def pooled(image: Tensor, halvings: int) -> Tensor:
    """``image`` (N, C, H, W) at half its size, ``halvings`` times, by averaging: no aliasing to speak of."""
    return F.avg_pool2d(image, 2**halvings) if halvings else image
