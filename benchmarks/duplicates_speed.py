"""Near duplicates among 100,000 hashes, beside imagehash compared pair by pair (on a part, scaled up)."""

import argparse
import random
import time

import imagehash
import numpy as np

from benchmarks.record import record
from techniques.duplicates import NEAR, as_hex, near_groups

_PART = 1500  # of imagehash, whose pairs grow with the square


def _hashes(count: int) -> list[int]:
    """Hashes as a collected set has them: one in twenty is a copy with a few bits changed."""
    noise = random.Random(8)
    made: list[int] = []
    for _ in range(count):
        value = noise.choice(made) if made and noise.random() < 0.05 else noise.getrandbits(64)
        for bit in noise.sample(range(64), noise.randrange(4)):
            value ^= 1 << bit
        made.append(value)
    return made


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=100_000)
    count = parser.parse_args().count
    hashes = _hashes(count)
    began = time.perf_counter()
    groups = near_groups(hashes)
    ours = time.perf_counter() - began
    theirs = [imagehash.hex_to_hash(as_hex(value)) for value in hashes[:_PART]]
    began = time.perf_counter()
    near = sum(int(theirs[i] - theirs[j] <= NEAR) for i in range(_PART) for j in range(i))
    pairwise = time.perf_counter() - began
    record(
        "duplicates_speed",
        {
            "hashes": count,
            "groups": int(np.unique(groups).size),
            "deepdesign_seconds": round(ours, 2),
            "imagehash_every_pair_seconds_scaled": round(pairwise * (count / _PART) ** 2),
            "pairs_found_in_part": near,
        },
    )


if __name__ == "__main__":
    main()
