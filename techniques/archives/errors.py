"""What can be wrong with an archive, as types whose text a student can act on."""

from techniques.errors import BadInputError


class ArchiveError(BadInputError):
    """The archive, or a name that the user gave for it, is wrong; the text is one plain line."""


class NotAnArchiveError(ArchiveError):
    """The file is no archive that we can open."""


class TruncatedError(ArchiveError):
    """The file ends before the archive does, as after an upload that was cut."""


class DamagedError(ArchiveError):
    """The archive's own bookkeeping does not hold, or an entry's bytes are not those that were packed."""


class TooMuchError(ArchiveError):
    """Unpacking would take more than a limit allows: bytes, files, or growth (a decompression bomb)."""


class UnsafeEntriesError(ArchiveError):
    """Entries that would reach outside the folder, overwrite each other, or are damaged."""


class OccupiedError(ArchiveError):
    """Something stands where the result should go."""


class PasswordNeededError(ArchiveError):
    """Entries are encrypted, and no password or a wrong one was given."""
