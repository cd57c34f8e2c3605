"""How fast the network learns at each step."""

import math

__all__ = ["rate_at"]

_WARM = 0.1  # of the steps of a phase


def rate_at(step: int, *, head_steps: int, steps: int) -> tuple[float, float]:
    """The learning rates of head and body at ``step`` of ``steps``, as parts of their highest.

    While only the head learns, its rate is constant. Then both warm up for a tenth of what is left, since
    the head's first gradients would tear the trained layers, and fall along half a cosine to zero
    (Loshchilov and Hutter, ICLR 2017, equation 5, without restarts).
    """
    if step < head_steps:
        return 1.0, 0.0
    left, place = steps - head_steps, step - head_steps
    warm = max(1, round(_WARM * left))
    if place < warm:
        rate = (place + 1) / warm
        return rate, rate
    fall = 0.5 * (1 + math.cos(math.pi * (place - warm) / max(1, left - warm)))
    return fall, fall
