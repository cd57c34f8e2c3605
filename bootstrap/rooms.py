"""The bootstrap's own folders, in storage and in HOME: made when they are needed, closed to others, and never
reached through a link.
"""

import errno
import os
import time

from bootstrap import trees
from bootstrap.owner import temporary
from bootstrap.place import Place
from bootstrap.system import System


class Rooms:
    """Where a copy is made, a draft written, and what had to give way is kept."""

    def __init__(self, place: Place, system: System) -> None:
        self.place = place
        self.system = system

    # In storage

    def items(self) -> None:
        """Make the folder of the items, and what leads there."""
        # A home is often closed to others while files in it are not; its copy must not be more open. People
        # who share a storage under different users need the way to their own folder.
        person = self.place.settings.user is not None
        cfg = os.path.join(self.place.storage.root or "", "cfg")
        self.ensure(cfg, 0o755 if person else 0o700)
        if person:
            self.ensure(os.path.join(cfg, "users"), 0o755)
            self.ensure(self.place.items, 0o700)

    def stored(self, name: str) -> str:
        """A folder of the bootstrap's own in storage, made if need be."""
        self.items()
        self.ensure(self.place.storage.own, 0o700)
        return self.ensure(os.path.join(self.place.storage.own, name), 0o700)

    def is_stored(self, path: str) -> bool:
        """Whether ``path`` is one of the items in storage."""
        return path.startswith(os.path.join(self.place.items, ""))

    def for_copy(self, source: str, name: str, *, always: bool = False) -> str:
        """Where in storage a copy of ``source`` is to be kept; ``""`` if it is kept already."""
        # Named by content: an image's own files come back at every start and are kept once.
        label = name.lstrip(".").replace("/", "-")[:50]
        asides, wanted = self.stored("asides"), f"{label}-{trees.digest(source, self.place.tick)}"
        folder, number = os.path.join(asides, wanted), 1
        while os.path.lexists(path := os.path.join(folder, name)):
            if not always and trees.is_covered(source, path, self.place.tick):
                return ""
            # Somebody tidied or changed that one: its name promises more than it holds.
            number += 1
            folder = os.path.join(asides, f"{wanted}-{number}")
        self._ensure_way(folder, name)
        return path

    # In HOME

    def local(self, name: str) -> str:
        """A folder of the bootstrap's own in HOME, made if need be."""
        self.ensure(self.place.local, 0o700)
        return self.ensure(os.path.join(self.place.local, name), 0o700)

    def draft(self) -> str:
        """An unused path in HOME for what is not complete yet."""
        return temporary(self.local("tmp"))

    def for_aside(self, name: str) -> str:
        """An unused place for something of HOME's own that has to give way."""
        folder = self.local("asides")
        stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        number = 0
        while os.path.lexists(unique := os.path.join(folder, f"{stamp}-{number}")):
            number += 1
        self._ensure_way(unique, name)
        return os.path.join(unique, name)

    def keep(self, name: str, content: bytes) -> None:
        """Write one of the bootstrap's own small files, private, into its folder in HOME."""
        self.local("tmp")
        self.write(os.path.join(self.place.local, name), content, 0o600)

    def write(self, path: str, content: bytes, mode: int) -> None:
        """Write a file into the bootstrap's own folder in HOME, whole or not at all."""
        folder = self.place.local
        for name in os.path.relpath(os.path.dirname(path), folder).split(os.sep):
            self.ensure(folder, 0o700)
            folder = os.path.join(folder, name)
        self.ensure(folder, 0o700)
        draft = self.draft()
        try:
            self.system.write_file(draft, content, mode)
            self.system.rename(draft, path)
        except OSError:
            if os.path.lexists(draft):
                self.system.unlink(draft)
            raise

    # Anywhere

    def _ensure_way(self, folder: str, name: str) -> None:
        """Make ``folder`` and in it what leads to ``name``."""
        self.ensure(folder, 0o700)
        for part in name.split("/")[:-1]:
            folder = self.ensure(os.path.join(folder, part), 0o700)

    def ensure(self, path: str, mode: int) -> str:
        """Make the folder ``path`` if it is not there; returns it.

        Raises:
            OSError: it cannot be made, or is a link, which would lead what is written and tidied away.
        """
        if os.path.islink(path):
            raise NotADirectoryError(errno.ENOTDIR, "it is a link where a folder is needed", path)
        if not os.path.isdir(path):
            try:
                self.system.make_folder(path, mode)
            except FileExistsError:
                if not os.path.isdir(path):
                    raise
        return path
