"""Finding the storage, and what it allows."""

import os
import stat
from collections.abc import Mapping
from typing import NamedTuple

from bootstrap.errors import WrongInputError
from bootstrap.profiles import Profile

MISSING = "missing"
READ_ONLY = "read-only"
WRITABLE = "writable"


class Storage(NamedTuple):
    """The folder that outlives the notebook."""

    root: str | None
    state: str
    #: Where it stands, for people: why it is missing.
    reason: str = ""
    #: Where it would have been: links that lead there are the bootstrap's own.
    candidates: tuple[str, ...] = ()

    @property
    def settings(self) -> str | None:
        """Where the settings file is by default."""
        return self.root and os.path.join(self.root, "cfg", "bootstrap.yaml")

    def items(self, user: str | None) -> str:
        """The folder that holds the items: the widely used script's, or one person's part of it."""
        if self.root is None:
            raise ValueError("no storage has no items")
        cfg = os.path.join(self.root, "cfg")
        return os.path.join(cfg, "users", user) if user else cfg

    @property
    def own(self) -> str:
        """The folder of the bootstrap's own files in storage."""
        if self.root is None:
            raise ValueError("no storage has no files of ours")
        return os.path.join(self.root, "cfg", ".deepdesign")


def find(named: str | None, profile: Profile, environment: Mapping[str, str]) -> Storage:
    """The storage that is ``named``, taken at its word, or else the profile's if it is really a mount."""
    if named is not None:
        return _named(named)
    candidates = []
    for template in profile.storage:
        path = environment.get(template[1:], "") if template.startswith("$") else template
        if os.path.isabs(path) and path not in candidates:
            candidates.append(path)
    for path in candidates:
        if is_mount(path):
            return Storage(path, _access(path))
    if not candidates:
        return Storage(
            None, MISSING, f"profile {profile.name} has no storage of its own; name one with --storage"
        )
    return Storage(None, MISSING, f"no storage is mounted at {' or '.join(candidates)}", tuple(candidates))


def _named(named: str) -> Storage:
    if not named or "\0" in named:
        raise WrongInputError("--storage: the name of a folder is needed.")
    path = os.path.abspath(named)
    try:
        found = os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return Storage(None, MISSING, f"there is no folder {path}", (path,))
    except OSError as error:
        return Storage(None, MISSING, f"{path} does not answer ({error.strerror})", (path,))
    if not stat.S_ISDIR(found.st_mode):
        raise WrongInputError(f"--storage: {path} is not a folder.")
    return Storage(path, _access(path))


def is_mount(path: str) -> bool:
    """Whether another file system begins at ``path``; one folder of the container's own disk does not
    count.
    """
    try:
        here, above = os.stat(path), os.stat(os.path.dirname(path) or "/")
    except OSError:
        return False
    if not stat.S_ISDIR(here.st_mode):
        return False
    return here.st_dev != above.st_dev or os.path.samestat(here, above) or is_bind_mount(path)


def is_bind_mount(path: str) -> bool:
    """A bind mount from the same disk has its parent's device number, so the kernel's list decides."""
    escaped = os.path.realpath(path).replace("\\", "\\134").replace(" ", "\\040")
    try:
        with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as mounts:
            return any(line.split(" ", 5)[4] == escaped for line in mounts)
    except OSError:
        return False


def _access(path: str) -> str:
    cfg = os.path.join(path, "cfg")
    target = cfg if os.path.isdir(cfg) else path
    # access(2) also knows about read-only mounts. What it cannot know (quota, root squash) shows when
    # writing.
    return WRITABLE if os.access(target, os.W_OK | os.X_OK) else READ_ONLY
