"""Numbers of things, as a person says them."""

__all__ = ["counted"]


def counted(number: int, noun: str, several: str = "") -> str:
    """Such as ``1 picture`` and ``1,200 pictures``; ``several`` where an s alone makes no plural."""
    return f"{number:,} {noun if number == 1 else several or f'{noun}s'}"
