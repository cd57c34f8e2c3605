"""A texture as numbers to optimise: changes at several scales on top of the colours that were there.

Adam's steps are of one size in every number, however weak its gradient. In red, green and blue they leave
specks of any colour where few views look, at corners and at the borders of charts; along the axes of the
style's own colours (as Olah, Mordvintsev and Schubert 2017 do with those of photographs) they are of its
colours.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F  # noqa: N812 - the name that everybody reads
from torch import Tensor

from techniques.optimise import Parameters
from techniques.pictures import Picture

__all__ = ["Paint", "colour_axes"]

_LEVELS = 5  # texels of 1, 2, 4, 8 and 16: broad changes come first, as in a pyramid of pictures
_STEP = 4.0  # of a logit for a change of 1, so that Adam's steps are visible ones
_EDGE = 0.02  # colours nearer to black or white than this have no slope to move along
_STILL = 1e-6
_PLAIN = 1e-6  # variance of a picture of one colour, which has no axes
_LONGEST = 3**0.5  # how far red, green and blue get when all three step together
_NARROWEST = 0.15  # of the longest axis: a style of few colours can still reach the others


def colour_axes(styles: Sequence[Picture]) -> Tensor:
    """The principal axes (3, 3) of the colours of ``styles``, one a column; the longest is as long as
    the diagonal of red, green and blue.
    """
    colours = torch.cat([torch.from_numpy(style.over_white()).reshape(-1, 3) for style in styles]).double()
    variances, directions = torch.linalg.eigh(torch.cov(colours.T))
    variances = variances.clamp(min=_PLAIN)
    lengths = (variances / variances.max()).sqrt().clamp(min=_NARROWEST)
    axes: Tensor = directions * (_LONGEST * lengths)
    return axes.float()


class Paint:
    """Colours (S, S, 3) in 0..1, a logistic function of the parameters; all of them 0 gives ``base``.

    ``axes`` (3, 3) are the colours of the three channels of the parameters, one a column.
    """

    def __init__(
        self, base: Tensor, axes: Tensor | None = None, *, noise: float = 0.0, seed: int = 0
    ) -> None:
        self.base = base
        self.axes = (torch.eye(3) if axes is None else axes).to(base)
        start = base.clamp(_EDGE, 1 - _EDGE)
        if noise:
            random = torch.randn(base.shape, generator=torch.Generator().manual_seed(seed))
            start = (start + noise * random.to(base)).clamp(_EDGE, 1 - _EDGE)
        self._start, self._noisy = start.logit(), bool(noise)

    def parameters(self) -> Parameters:
        """The parameters of the colours as they were."""
        side = self.base.shape[0]
        return {
            f"texels {2**level}": self.base.new_zeros(1, 3, side >> level, side >> level)
            for level in range(_LEVELS)
        }

    def colors(self, parameters: Parameters) -> Tensor:
        """The colours that ``parameters`` mean, differentiable."""
        return (self._start + self._change(parameters)).sigmoid()

    def finished(self, parameters: Parameters) -> Tensor:
        """The same; texels that no view has ever touched have their own colour back, also black and white."""
        with torch.no_grad():
            change = self._change(parameters)
            colors = (self._start + change).sigmoid()
            return colors if self._noisy else torch.where(change.abs() < _STILL, self.base, colors)

    def _change(self, parameters: Parameters) -> Tensor:
        side = self.base.shape[0]
        total = sum(
            F.interpolate(
                parameters[f"texels {2**level}"], (side, side), mode="bilinear", align_corners=False
            )
            if level
            else parameters["texels 1"]
            for level in range(_LEVELS)
        )
        return _STEP * torch.as_tensor(total)[0].permute(1, 2, 0) @ self.axes.T
