"""Pictures larger than memory: exact gradients of sums over a picture, one tile of it at a time.

What can be rated from sums over all positions (Gram matrices, means, counts) needs the whole picture only in
those sums. So a first pass adds them up tile by tile, and a second one follows, tile by tile, what the rating
pulls at. Each tile is computed with a halo, wide enough that its own positions see what they would see in the
whole picture; there are no seams, and nothing depends on where the cuts lie but the rounding of sums.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

import torch
from torch import Tensor

__all__ = ["Part", "Statistic", "Sums", "Tile", "add_up", "cut_up", "known", "two_pass", "whole"]

Sums = dict[str, Tensor]
Window = tuple[slice, slice]


@dataclass(frozen=True)
class Part:
    """Which positions of a map count, as rows and columns: of the map that a tile gives, and of the whole
    picture's map.
    """

    inside: Window
    whole: Window

    def of_tile(self, values: Tensor) -> Tensor:
        """The tile's own positions of ``values`` (..., H, W), computed from it with its halo."""
        return values[(..., *self.inside)]

    def of_whole(self, values: Tensor) -> Tensor:
        """The same positions of a map (..., H, W) of the whole picture."""
        return values[(..., *self.whole)]


@dataclass(frozen=True)
class _Span:
    """One axis of a tile, in pixels: what is its own, and what is computed for it."""

    first: int
    end: int
    outer_first: int
    outer_end: int
    extent: int

    def windows(self, stride: int) -> tuple[slice, slice]:
        """The tile's own positions at ``stride``, counted in its own map and in the whole picture's."""
        # The last tile has what the division leaves: a map of 517 px at stride 16 has 32 positions.
        first, end = self.first // stride, (None if self.end == self.extent else self.end // stride)
        offset = self.outer_first // stride
        return slice(first - offset, None if end is None else end - offset), slice(first, end)


@dataclass(frozen=True)
class Tile:
    """One tile: the pixels that are its own, and the larger part of the picture that they depend on."""

    rows: _Span
    columns: _Span

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels, with the halo: what is computed at a time."""
        return (
            self.columns.outer_end - self.columns.outer_first,
            self.rows.outer_end - self.rows.outer_first,
        )

    def cut(self, picture: Tensor) -> Tensor:
        """The tile of ``picture`` (..., H, W), with its halo; a view, not a copy."""
        return picture[
            ...,
            self.rows.outer_first : self.rows.outer_end,
            self.columns.outer_first : self.columns.outer_end,
        ]

    def part(self, stride: int) -> Part:
        """The tile's own positions on maps with one position for each ``stride`` pixels."""
        rows, columns = self.rows.windows(stride), self.columns.windows(stride)
        return Part((rows[0], columns[0]), (rows[1], columns[1]))


Statistic = Callable[[Tensor, Tile], Sums]
"""Sums over a tile's own positions, by name, from its pixels with their halo (1, 3, h, w)."""


def whole(size: tuple[int, int]) -> Tile:
    """The picture of ``size`` (width, height) as a single tile."""
    return Tile(_Span(0, size[1], 0, size[1], size[1]), _Span(0, size[0], 0, size[0], size[0]))


def cut_up(size: tuple[int, int], tile: int, *, halo: int, stride: int) -> tuple[Tile, ...]:
    """Cut a picture of ``size`` (width, height) into tiles of about equal size, ``tile`` px a side at most.

    Edges lie on multiples of ``stride``, the deepest layer's, so that pools fall as they do in the whole
    picture; ``halo`` (px, how far a position of that layer sees beyond its own pixels) is rounded up to one.

    Raises:
        ValueError: ``tile`` is smaller than ``stride``.
    """
    if tile < stride:
        raise ValueError(f"a tile of {tile} px is smaller than the network's stride of {stride}")
    halo = ceil(halo / stride) * stride

    def spans(extent: int) -> Iterator[_Span]:
        count = ceil(extent / (tile // stride * stride))
        step = ceil(extent / count / stride) * stride
        for first in range(0, extent, step):
            end = min(extent, first + step)
            yield _Span(first, end, max(0, first - halo), min(extent, end + halo), extent)

    return tuple(Tile(rows, columns) for rows in spans(size[1]) for columns in spans(size[0]))


def add_up(picture: Tensor, tiles: Sequence[Tile], statistic: Statistic) -> Sums:
    """The sums of ``statistic`` over the whole ``picture`` (1, 3, H, W), without gradients.

    They are gathered in float64: what many tiles add must not depend on their number.
    """
    found: Sums = {}
    with torch.no_grad():
        for tile in tiles:
            for name, value in statistic(tile.cut(picture), tile).items():
                found[name] = found[name].add_(value) if name in found else value.double()
    return found


def two_pass(
    picture: Tensor,
    tiles: Sequence[Tile],
    statistic: Statistic,
    value: Callable[[Mapping[str, Tensor]], Tensor],
) -> tuple[Tensor, Sums]:
    """``value`` of the sums of ``statistic`` over ``picture`` (1, 3, H, W), and those sums.

    The first is a scalar that knows its gradient to ``picture``; it is the gradient that the whole picture
    computed at once would have.
    """
    sums = {name: total.float() for name, total in add_up(picture, tiles, statistic).items()}
    leaves = {name: total.requires_grad_() for name, total in sums.items()}
    with torch.enable_grad():
        rated = value(leaves)
    pulls = torch.autograd.grad(rated, list(leaves.values()), allow_unused=True)
    pull = {name: one for name, one in zip(leaves, pulls, strict=True) if one is not None}
    gradient = torch.zeros_like(picture)
    for tile in tiles:
        pixels = tile.cut(picture).detach().clone().requires_grad_()
        with torch.enable_grad():
            found = statistic(pixels, tile)
            pulled = [(found[name], pull[name]) for name in pull if found[name].requires_grad]
        if pulled:
            torch.autograd.backward([one for one, _ in pulled], [by.to(one.dtype) for one, by in pulled])
        if pixels.grad is not None:
            tile.cut(gradient).add_(pixels.grad)
    return known(picture, rated, gradient), {name: one.detach() for name, one in leaves.items()}


def known(picture: Tensor, value: Tensor, gradient: Tensor) -> Tensor:
    """The scalar ``value``, as one whose ``gradient`` to ``picture`` has been computed already."""
    result: Tensor = _Known.apply(picture, value.detach(), gradient)
    return result


class _Known(torch.autograd.Function):
    """A value whose gradient has been computed already."""

    @staticmethod
    def forward(context: Any, picture: Tensor, value: Tensor, gradient: Tensor) -> Tensor:  # noqa: ARG004
        context.gradient = gradient
        return value.clone()

    @staticmethod
    def backward(context: Any, *outer: Tensor) -> tuple[Tensor, None, None]:
        return context.gradient.mul_(outer[0]), None, None
