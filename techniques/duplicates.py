"""Which pictures are nearly the same: a perceptual hash, and groups of hashes that lie close together.

The hash is pHash as the ``imagehash`` package computes it (Zauner, "Implementation and Benchmarking of
Perceptual Image Hash Functions", 2010), written with one small matrix, so that no SciPy is needed. Scaled,
recompressed and slightly recoloured copies differ in a few of its 64 bits, other photographs in about 32.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from PIL import Image

__all__ = ["NEAR", "as_hex", "from_hex", "hash_of", "near_groups", "near_to"]

NEAR = 6
"""Bits by which two pictures may differ and still count as one; imagededup takes 10, equal hashes are 0."""

_SIDE, _KEPT, _BITS = 32, 8, 64
_BLOCK = 2048  # rows compared at once: 32 MB

Hashes = NDArray[np.uint64]
Labels = NDArray[np.int64]


def hash_of(image: Image.Image) -> int:
    """The 64-bit perceptual hash of ``image``; the same number as ``imagehash.phash`` gives.

    The grey picture is scaled to 32 x 32, its DCT-II taken, and each of the 8 x 8 lowest frequencies compared
    with their median; the first row holds the highest bits. One flat colour has no meaningful hash.
    """
    small = image.convert("L").resize((_SIDE, _SIDE), Image.Resampling.LANCZOS)
    low = _COSINES @ np.asarray(small, dtype=np.float64) @ _COSINES.T
    bits = low > np.median(low)
    return int.from_bytes(np.packbits(bits.reshape(-1)).tobytes(), "big")


def as_hex(value: int) -> str:
    """A hash as 16 hexadecimal digits, as ``imagehash`` writes it."""
    return f"{value:016x}"


def from_hex(text: str) -> int:
    """The hash that `as_hex` wrote.

    Raises:
        ValueError: it is no 16 hexadecimal digits.
    """
    if len(text) != _BITS // 4:
        raise ValueError(f"{text!r} is no hash of {_BITS // 4} digits")
    return int(text, 16)


def near_groups(hashes: Sequence[int], *, distance: int = NEAR) -> list[int]:
    """For each hash the index of the first of its group, which hangs together by steps of ``distance`` bits.

    What is near to something near is in it too: nothing of a group may stand on both sides of a split.
    Found by multi-index hashing (Norouzi, Punjani, Fleet, CVPR 2012): of ``distance + 1`` pieces of two near
    hashes at least one is equal, so only hashes with an equal piece are compared.

    Raises:
        ValueError: ``distance`` is not in 0..15.
    """
    if not 0 <= distance < 16:
        raise ValueError(f"a distance of {distance} bits is not in 0..15")
    distinct, first, inverse = np.unique(
        np.array(hashes, dtype=np.uint64), return_index=True, return_inverse=True
    )
    labels: Labels = np.arange(len(distinct))
    for shift, mask in _pieces(distance + 1):
        piece = (distinct >> np.uint64(shift)) & np.uint64(mask)
        order = np.argsort(piece, kind="stable")
        for members in np.split(order, np.flatnonzero(np.diff(piece[order])) + 1):
            for left, right in _near_pairs(distinct, members, distance):
                _join(labels, left, right)
    oldest = np.full(len(distinct), len(hashes), dtype=np.int64)
    np.minimum.at(oldest, labels, first)
    return [int(index) for index in oldest[labels][inverse]]


def near_to(value: int, others: Sequence[int], *, distance: int = NEAR) -> list[int]:
    """The indices of those of ``others`` that lie at most ``distance`` bits from ``value``."""
    apart = np.bitwise_count(np.array(others, dtype=np.uint64) ^ np.uint64(value))
    return [int(index) for index in np.flatnonzero(apart <= distance)]


def _pieces(count: int) -> Iterator[tuple[int, int]]:
    """The 64 bits in ``count`` pieces, as shifts and masks."""
    edges = [round(_BITS * number / count) for number in range(count + 1)]
    for low, high in pairwise(edges):
        yield low, (1 << (high - low)) - 1


def _near_pairs(hashes: Hashes, members: Labels, distance: int) -> Iterator[tuple[Labels, Labels]]:
    for begin in range(0, len(members), _BLOCK):
        rows = members[begin : begin + _BLOCK]
        for start in range(begin, len(members), _BLOCK):
            columns = members[start : start + _BLOCK]
            apart = np.bitwise_count(hashes[rows][:, None] ^ hashes[columns][None, :])
            left, right = np.nonzero(apart <= distance)
            different = rows[left] != columns[right]
            if different.any():
                yield rows[left[different]], columns[right[different]]


def _join(labels: Labels, left: Labels, right: Labels) -> None:
    """Give both ends of every pair the smaller label, until nothing changes; each label is its own root."""
    while True:
        ours, theirs = labels[left], labels[right]
        apart = ours != theirs
        if not apart.any():
            return
        ours, theirs = ours[apart], theirs[apart]
        np.minimum.at(labels, np.maximum(ours, theirs), np.minimum(ours, theirs))
        while True:
            roots = labels[labels]
            if (roots == labels).all():
                break
            labels[:] = roots


def _cosines() -> NDArray[np.float64]:
    """The first rows of the DCT-II as a matrix of shape (8, 32), unnormalised as in SciPy."""
    frequency, sample = np.arange(_KEPT)[:, None], np.arange(_SIDE)[None, :]
    return np.asarray(2 * np.cos(np.pi * frequency * (2 * sample + 1) / (2 * _SIDE)))


_COSINES = _cosines()
