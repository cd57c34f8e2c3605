"""What an archive says that it holds, before any of it is believed."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Literal, Protocol

Kind = Literal["file", "folder", "symlink", "hardlink", "device"]


@dataclass(frozen=True)
class Entry:
    """One entry as the archive declares it."""

    index: int
    """Position in the archive: names can repeat, positions cannot."""
    name: str
    """Decoded, otherwise as the archive has it: may be absolute, hold ``..``, or control characters."""
    kind: Kind
    size: int
    """Bytes that the entry claims to have when unpacked."""
    target: str = ""
    """Where a link leads."""
    flaw: str = ""
    """What the container's own bookkeeping says against the entry (overlap, unknown method), or nothing."""


class Content(Protocol):
    """The bytes of one entry, to be read once."""

    def chunks(self) -> Iterator[bytes]:
        """Pieces of at most 1 MiB; raises `errors.DamagedError` if the bytes are not what was packed."""
        ...


class Archive(Protocol):
    """A container format: lists what it holds, then streams what is wanted, each in the archive's order."""

    packed: int
    """Bytes of the archive file."""

    def entries(self) -> Iterator[Entry]:
        """All entries; raises `errors.TruncatedError` or `errors.DamagedError` where it breaks off."""
        ...

    def stream(self, wanted: Collection[int]) -> Iterator[tuple[Entry, Content]]:
        """The entries whose index is wanted; each content must be read before the next is asked for."""
        ...
