"""Near duplicates, against the imagehash package and against comparing every pair."""

import io
import random
from pathlib import Path

import imagehash
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageEnhance

from techniques.duplicates import NEAR, as_hex, from_hex, hash_of, near_groups, near_to


@pytest.fixture(scope="session")
def pieces(photos: dict[str, Path]) -> list[Image.Image]:
    """Forty different pieces of real photographs."""
    noise = random.Random(3)
    found = []
    for name in ("china", "chelsea", "coffee", "hubble"):
        with Image.open(photos[name]) as image:
            photo = image.convert("RGB")
        for _ in range(10):
            left, top = noise.randrange(photo.width - 150), noise.randrange(photo.height - 120)
            found.append(photo.crop((left, top, left + 150, top + 120)))
    return found


def _recompressed(image: Image.Image) -> Image.Image:
    written = io.BytesIO()
    image.save(written, "JPEG", quality=40)
    return Image.open(written)


def _apart(one: int, other: int) -> int:
    return (one ^ other).bit_count()


def test_the_hash_is_imagehash_s(pieces: list[Image.Image]) -> None:
    for image in pieces:
        for changed in (
            image,
            image.convert("L"),
            image.convert("RGBA"),
            image.quantize(32),
            image.rotate(90),
        ):
            assert as_hex(hash_of(changed)) == str(imagehash.phash(changed))
            assert from_hex(as_hex(hash_of(changed))) == hash_of(changed)


def test_copies_are_near_and_other_pictures_are_not(pieces: list[Image.Image]) -> None:
    for image in pieces:
        known = hash_of(image)
        for copy in (
            image.resize((600, 480), Image.Resampling.BICUBIC),
            image.resize((75, 60), Image.Resampling.LANCZOS),
            _recompressed(image),
            ImageEnhance.Brightness(image).enhance(1.1),
        ):
            assert _apart(known, hash_of(copy)) <= NEAR
        assert _apart(known, hash_of(image.rotate(180))) > NEAR


def _by_every_pair(hashes: list[int], distance: int) -> list[int]:
    group = list(range(len(hashes)))
    for i, one in enumerate(hashes):
        for j, other in enumerate(hashes[:i]):
            if _apart(one, other) <= distance and group[i] != group[j]:
                keep, lose = sorted((group[i], group[j]))
                group = [keep if name == lose else name for name in group]
    return group


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 15), st.integers(0, 2**32), st.integers(0, 60))
def test_groups_are_those_of_comparing_every_pair(distance: int, seed: int, count: int) -> None:
    noise = random.Random(seed)
    hashes: list[int] = []
    for _ in range(count):
        value = noise.choice(hashes) if hashes and noise.random() < 0.6 else noise.getrandbits(64)
        for bit in noise.sample(range(64), noise.randrange(distance + 3)):
            value ^= 1 << bit
        hashes.append(value)
    assert near_groups(hashes, distance=distance) == _by_every_pair(hashes, distance)


def test_a_chain_is_one_group_and_the_first_names_it() -> None:
    chain = [0, 0x3F, 0xFFF, 0x3FFFF]
    assert near_groups([1 << 63 | 0xF0F0F0F0 << 20, *chain, 0]) == [0, 1, 1, 1, 1, 1]
    assert near_groups([]) == []


def test_many_pictures_that_all_look_alike_take_bounded_memory() -> None:
    """All of 6,000 hashes share most pieces: the worst case, compared in blocks."""
    base = np.random.default_rng(1).integers(0, 2**63, dtype=np.uint64)
    hashes = [int(base) ^ number for number in range(6000)]
    assert set(near_groups(hashes)) == {0}


def test_the_near_ones_of_one_picture() -> None:
    assert near_to(0, [0, 1, 0b111, 0xFFFF, 1 << 63], distance=3) == [0, 1, 2, 4]
    assert near_to(7, []) == []


@pytest.mark.parametrize("distance", [-1, 16])
def test_a_distance_that_means_nothing_is_refused(distance: int) -> None:
    with pytest.raises(ValueError, match=r"0\.\.15"):
        near_groups([1, 2], distance=distance)


@pytest.mark.parametrize("text", ["", "12", "x" * 16, "0" * 17])
def test_a_hash_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - int()'s own words for letters
        from_hex(text)
