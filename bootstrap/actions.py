"""The steps of a plan. Each says what will be so afterwards; none holds the content of a user's file."""

from typing import NamedTuple


class MakeFolder(NamedTuple):
    """Create an empty folder in storage."""

    path: str
    mode: int


class Ensure(NamedTuple):
    """Have a folder of the bootstrap's own."""

    path: str
    mode: int


class MarkBase(NamedTuple):
    """Note in storage that its ``.local`` is this image's and Python's."""

    path: str
    target: str


class MakeFile(NamedTuple):
    """Create an empty file in storage."""

    path: str
    mode: int


class Adopt(NamedTuple):
    """Copy what HOME has into storage, whole or not at all."""

    source: str
    path: str
    name: str


class Replace(NamedTuple):
    """Put a copy of ``source`` in the place of ``path``, on either side; ``keep``: what was there is kept."""

    source: str
    path: str
    name: str
    keep: bool


class Retire(NamedTuple):
    """Move what storage has, and home no longer has, out of the item and keep it."""

    path: str
    name: str


class Prune(NamedTuple):
    """Remove something that was set aside long ago, and that ``by`` has too."""

    path: str
    by: str


class Keep(NamedTuple):
    """Keep a copy of what is set aside in storage, because this HOME will be gone."""

    source: str
    name: str


class SetAside(NamedTuple):
    """Rename HOME's own file or folder into the bootstrap's folder in HOME."""

    path: str
    name: str


class Link(NamedTuple):
    """Create a link where nothing is."""

    path: str
    target: str


class Relink(NamedTuple):
    """Replace a link in one instant."""

    path: str
    target: str
    was: str


class DropAside(NamedTuple):
    """Remove what was just set aside, entry by entry, as far as storage has the very same."""

    by: str


class RemoveLink(NamedTuple):
    """Remove a link of ours that leads nowhere."""

    path: str
    was: str


class ChangeMode(NamedTuple):
    """Set permissions below ``root``."""

    root: str
    path: str
    was: int
    mode: int


class Write(NamedTuple):
    """Write one of the bootstrap's own small files."""

    path: str
    content: bytes
    mode: int


class Remove(NamedTuple):
    """Remove one of the bootstrap's own small files."""

    path: str


class Restore(NamedTuple):
    """Put a copy of what storage has in HOME, in the place of a link to ``was`` or of nothing."""

    source: str
    path: str
    name: str
    was: str


class GiveBack(NamedTuple):
    """Move what was set aside to where it was."""

    aside: str
    path: str


Action = (
    MakeFolder
    | Ensure
    | MarkBase
    | MakeFile
    | Adopt
    | Keep
    | Replace
    | Retire
    | Prune
    | SetAside
    | Link
    | Relink
    | DropAside
    | RemoveLink
    | ChangeMode
    | Write
    | Remove
    | Restore
    | GiveBack
)

#: These change the storage, or take something out of HOME's view: one start at a time.
EXCLUSIVE = (MakeFolder, MakeFile, MarkBase, Adopt, Keep, Replace, Retire, Prune, SetAside, ChangeMode)
