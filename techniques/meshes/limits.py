"""How much of a stranger's file is read: beyond it, memory would go before an answer comes."""

from dataclasses import dataclass

__all__ = ["LIMITS", "Limits"]


@dataclass(frozen=True)
class Limits:
    """Upper bounds, each named in the message that it causes."""

    file_bytes: int = 2 << 30
    vertices: int = 12_000_000
    corners: int = 24_000_000
    """Of all polygons together; a triangle has three."""
    line: int = 8 << 20
    """Characters of one line of a text format."""
    statement_bytes: int = 32 << 20
    """Of one material file."""
    texture_bytes: int = 512 << 20
    """Of all texture files together."""
    coordinate: float = 1e15


LIMITS = Limits()
