"""Seeds of single steps, made from a run's own."""

__all__ = ["seed_of"]

_FACTOR = 1_000_003
_LARGEST = 2**63  # as --seed itself; PyTorch takes no more than 64 bits


def seed_of(seed: int, *places: int) -> int:
    """The seed for one place in the run that has ``seed``: the same each time, another for each place.

    ``places`` are numbers such as that of a stage and of a step in it.
    """
    for place in places:
        seed = (seed * _FACTOR + place) % _LARGEST
    return seed
