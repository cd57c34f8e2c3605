"""The pace that a host is asked at, against a service that counts a sliding window."""

import random

import pytest

from techniques.datasets.pace import Pace
from techniques.datasets.testkit.server import Window


@pytest.mark.parametrize("rates", [((20, 60.0),), ((5, 1.0), (20, 60.0)), ((1, 3.0),)])
def test_never_refused_and_within_five_percent_of_what_is_allowed(
    rates: tuple[tuple[int, float], ...],
) -> None:
    pace, windows, now = Pace(rates), [Window(*rate) for rate in rates], 1000.0
    spread = random.Random(4)
    count, seconds = rates[-1]
    for _ in range(count * 20):
        now += pace.reserve(now) + spread.random() * 1e-3
        assert all(window.take(now) is None for window in windows)
    assert (now - 1000.0) <= 20 * seconds * 1.05


def test_a_full_token_bucket_would_be_refused() -> None:
    """Why it is no token bucket: after 40 s it has 13 tokens again, and 33 requests are in one minute."""
    window, tokens, last, refused = Window(20, 60.0), 20.0, 0.0, 0
    for now in [0.0] * 20 + [40.0] * 13:
        tokens, last = min(20.0, tokens + (now - last) * 20 / 60), now
        assert tokens >= 1 - 1e-9
        tokens -= 1
        refused += window.take(now) is not None
    assert refused == 13
