"""Keeping the content's colours: by exchanging them afterwards, or by giving them to the style beforehand."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from techniques.pictures import Picture, Plane

__all__ = ["matched_by_histogram", "matched_by_moments", "with_colours_of"]

_LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # Rec. 601
_TINY = 1e-6  # of variance: a style of one single colour has none


def with_colours_of(content: Plane, painted: Plane) -> Plane:
    """The luma of ``painted`` with the two chroma channels of ``content``, both (H, W, 3) in 0..1.

    Moving all three channels by the difference in luma is the same as swapping Y in YCbCr (Gatys et al. 2016,
    *Preserving Color in Neural Artistic Style Transfer*, section 3.2).
    """
    return (content + ((painted - content) @ _LUMA)[..., None]).clip(0, 1)


def matched_by_histogram(style: Picture, content: Picture) -> Picture:
    """``style`` with the histogram of ``content``, channel by channel."""
    wanted = content.over_white()
    channels = [_ranked(style.rgb[..., one], wanted[..., one]) for one in range(3)]
    return replace(style, rgb=np.stack(channels, -1))


def matched_by_moments(style: Picture, content: Picture) -> Picture:
    """``style`` with the mean and covariance of the colours of ``content``, moved as little as can be.

    The map is that of optimal transport between normal distributions, of Monge (Dowson and Landau 1982):
    :math:`A = S^{-1/2} (S^{1/2} C S^{1/2})^{1/2} S^{-1/2}` with covariances S and C. Colours that it takes
    outside 0..1 are cut off there.
    """
    own, wanted = style.rgb.reshape(-1, 3).astype(float), content.over_white().reshape(-1, 3).astype(float)
    spread = np.cov(own.T) + _TINY * np.eye(3)
    root, inverse = _power(spread, 0.5), _power(spread, -0.5)
    move = inverse @ _power(root @ np.cov(wanted.T) @ root, 0.5) @ inverse
    moved = (own - own.mean(0)) @ move.T + wanted.mean(0)
    return replace(style, rgb=moved.clip(0, 1).reshape(style.rgb.shape).astype(np.float32))


def _ranked(values: Plane, wanted: Plane) -> Plane:
    """``values`` (H, W), each replaced by the one of the same rank among ``wanted``."""
    _, places, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - counts / 2) / values.size
    others, their_counts = np.unique(wanted, return_counts=True)
    their_ranks = (np.cumsum(their_counts) - their_counts / 2) / wanted.size
    found: Plane = np.interp(ranks, their_ranks, others)[places].reshape(values.shape).astype(np.float32)
    return found


def _power(matrix: NDArray[np.float64], exponent: float) -> NDArray[np.float64]:
    values, vectors = np.linalg.eigh(matrix)
    powered: NDArray[np.float64] = (vectors * values.clip(1e-12) ** exponent) @ vectors.T
    return powered
