"""How much of a stranger's file is read: beyond it, memory would go before an answer comes."""

from dataclasses import dataclass

from techniques.errors import BadInputError

__all__ = ["LIMITS", "Limits", "check_faces"]


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


def check_faces(faces: int | None) -> None:
    """Refuse a number of triangles that no mesh can be reduced to.

    Raises:
        BadInputError: it is outside 4 to 100 million.
    """
    if faces is not None and not 4 <= faces <= 10**8:
        raise BadInputError(f"--faces {faces}: give a number from 4 to {10**8}.")
