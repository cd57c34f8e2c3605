r"""Pictures optimised through their spectrum, so that large forms move as easily as small ones.

The gradient of a feature network to the pixels is mostly fine grain, and an optimiser follows it: early steps
make noise, and colours and strokes come late. Photographs have the opposite spectrum, whose amplitude falls
as one over the frequency (Field 1987). So the optimiser is given a hidden picture z, and the picture is

.. math:: x = T z, \qquad T = \mathcal{F}^{-1} (|f|^2 + f_0^2)^{-1/4} \mathcal{F},

scaled to a mean square of 1. The least x is the same; the way to it is shorter. A gradient passes T twice, so
that it is divided by the frequency once. Olah, Mordvintsev and Schubert (2017, *Feature Visualization*) take
the power -1/2, for one size of picture. Under a pyramid, whose coarse sizes make the large forms already,
that is too much: glows and blown out light at the fine sizes, whose grain the steps no longer reach.
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

__all__ = ["InSpectrum", "filtered"]

_LARGEST = 64  # px: the wavelength from which on all move alike


class InSpectrum(torch.optim.Optimizer):
    """An optimiser of pictures (..., H, W) that moves them through their spectrum.

    ``make`` makes the optimiser that does the work, from the hidden pictures; its ``step`` takes a closure.
    """

    def __init__(
        self, pictures: Sequence[Tensor], make: Callable[[list[Tensor]], torch.optim.Optimizer]
    ) -> None:
        super().__init__(pictures, {})
        self.pictures = list(pictures)
        self.hidden = [filtered(one.detach(), -1).requires_grad_() for one in pictures]
        self.method = make(self.hidden)

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Evaluate ``closure`` and move."""
        if closure is None:
            raise TypeError("a closure is needed that evaluates the pictures")

        def pulled() -> Any:
            value = closure()
            for hidden, picture in zip(self.hidden, self.pictures, strict=True):
                # T is its own transpose.
                hidden.grad = None if picture.grad is None else filtered(picture.grad, 1)
            return value

        found = self.method.step(pulled)
        with torch.no_grad():
            for hidden, picture in zip(self.hidden, self.pictures, strict=True):
                picture.copy_(filtered(hidden, 1))
                hidden.grad = None
        return found

    def state_dict(self) -> dict[str, Any]:
        """All that the next step depends on."""
        return {"hidden": [one.detach() for one in self.hidden], "method": self.method.state_dict()}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from what ``state_dict`` gave."""
        with torch.no_grad():
            for hidden, saved in zip(self.hidden, state_dict["hidden"], strict=True):
                hidden.copy_(saved)
        self.method.load_state_dict(state_dict["method"])


def filtered(picture: Tensor, power: int) -> Tensor:
    """T of ``picture`` (..., H, W), or with ``power`` -1 its inverse; a new tensor."""
    height, width = picture.shape[-2:]
    down = torch.fft.fftfreq(height, device=picture.device).unsqueeze(-1)
    across = torch.fft.rfftfreq(width, device=picture.device)
    gain = (down.square() + across.square() + _LARGEST**-2) ** -0.25
    gain = (gain / gain.square().mean().sqrt()) ** power
    found = torch.empty_like(picture, memory_format=torch.contiguous_format)
    # One channel after the other: a spectrum of complex numbers is as large as two of them.
    for plane, result in zip(picture.reshape(-1, height, width), found.view(-1, height, width), strict=True):
        result.copy_(torch.fft.irfft2(torch.fft.rfft2(plane).mul_(gain), s=(height, width)))
    return found
