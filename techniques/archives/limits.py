"""How much an archive may ask of a machine."""

from dataclasses import dataclass

from techniques.archives.errors import TooMuchError

MB = 1_000_000


@dataclass(frozen=True)
class Limits:
    """Limits of one unpacking; sizes in bytes."""

    room: int
    """Free space where the result goes, less what the machine needs itself."""
    max_ratio: float = 100.0
    """Unpacked over packed. JPEGs pack 1:1, text 5:1; deflate ends at 1032:1, on one repeated byte."""
    ratio_floor: int = 100 * MB
    """Below this a bomb harms nobody, and small files of zeros are ordinary."""
    max_files: int = 500_000

    def check(self, *, unpacked: int, packed: int, files: int) -> None:
        """Raises `TooMuchError` when the totals so far are over a limit, so that a bomb stops early."""
        if unpacked > self.ratio_floor and unpacked > self.max_ratio * max(packed, 1):
            raise TooMuchError(
                f"it would grow more than {self.max_ratio:g} times ({packed / MB:.1f} MB become over "
                f"{unpacked / MB:.0f} MB), as decompression bombs do; "
                "if you know where it comes from, --max-ratio allows more"
            )
        if unpacked > self.room:
            raise TooMuchError(
                f"it unpacks to at least {unpacked / MB:.0f} MB and there is room for "
                f"{self.room / MB:.0f} MB; free some space or name another disk with -o"
            )
        if files > self.max_files:
            raise TooMuchError(
                f"it holds more than {self.max_files} files; --max-files allows more, "
                "if this machine has the inodes"
            )
