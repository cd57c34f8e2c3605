"""Permissions as a table: what keys, tokens and their folders must look like.

OpenSSH refuses a private key that anybody but its owner can read; tokens in a storage that several people
use are readable to them unless the mode says otherwise. Folders that are not in the table are left as they
are.
"""

from typing import NamedTuple


class Rule(NamedTuple):
    """Entries whose path in HOME matches ``pattern``: at most one ``*``, which also crosses slashes."""

    pattern: str
    folder: bool
    least: int  # bits that must be set
    most: int  # bits that may be set

    def covers(self, path: str, *, folder: bool) -> bool:
        """Whether this row speaks of ``path`` (relative to HOME)."""
        head, star, tail = self.pattern.partition("*")
        if folder is not self.folder:
            return False
        if not star:
            return path == head
        return len(path) >= len(head) + len(tail) and path.startswith(head) and path.endswith(tail)


_FOLDER, _FILE = True, False

TABLE = (
    Rule(".ssh", _FOLDER, 0o700, 0o700),
    Rule(".gnupg", _FOLDER, 0o700, 0o700),
    Rule(".ssh/*", _FOLDER, 0o700, 0o700),
    Rule(".gnupg/*", _FOLDER, 0o700, 0o700),
    Rule(".ssh/*.pub", _FILE, 0o644, 0o644),
    Rule(".ssh/id_*", _FILE, 0o400, 0o600),
    Rule(".ssh/*.pem", _FILE, 0o400, 0o600),
    Rule(".ssh/*_key", _FILE, 0o400, 0o600),
    Rule(".ssh/config", _FILE, 0o600, 0o600),
    Rule(".ssh/authorized_keys", _FILE, 0o600, 0o600),
    Rule(".ssh/known_hosts*", _FILE, 0o600, 0o600),
    # Keys have any name, and a ProxyCommand may be a script here: no one else's bits, the owner's x stays.
    Rule(".ssh/*", _FILE, 0o400, 0o700),
    Rule(".gnupg/*", _FILE, 0o400, 0o600),
    Rule(".git-credentials", _FILE, 0o400, 0o600),
    Rule(".netrc", _FILE, 0o400, 0o600),
    Rule(".pypirc", _FILE, 0o400, 0o600),
    Rule(".bash_history", _FILE, 0o400, 0o600),
    Rule(".python_history", _FILE, 0o400, 0o600),
    Rule(".kaggle/kaggle.json", _FILE, 0o400, 0o600),
    Rule(".kaggle/access_token", _FILE, 0o400, 0o600),
    Rule(".aws/credentials", _FILE, 0o400, 0o600),
    Rule(".config/gh/hosts.yml", _FILE, 0o400, 0o600),
    Rule(".config/git/credentials", _FILE, 0o400, 0o600),
    Rule(".config/huggingface/token", _FILE, 0o400, 0o600),
    Rule(".cache/huggingface/token", _FILE, 0o400, 0o600),
    Rule(".cache/huggingface/stored_tokens", _FILE, 0o400, 0o600),
    Rule(".huggingface/token", _FILE, 0o400, 0o600),
    Rule(".docker/config.json", _FILE, 0o400, 0o600),
)

#: Folders of which every entry has a rule.
PRIVATE_TREES = frozenset(rule.pattern for rule in TABLE if rule.folder and "*" not in rule.pattern)
_EXACT: dict[str, list[str]] = {}
for _rule in TABLE:
    if "*" not in _rule.pattern and not _rule.folder:
        _EXACT.setdefault(_rule.pattern.partition("/")[0], []).append(_rule.pattern)


def single_files(item: str) -> tuple[str, ...]:
    """Paths in HOME with a rule of their own that lie in ``item`` or are it."""
    return tuple(path for path in _EXACT.get(item, ()) if item not in PRIVATE_TREES)


def wanted(path: str, mode: int, *, folder: bool) -> int:
    """The permission bits that ``path`` (relative to HOME) should have, given those that it has.

    The first row that covers the path decides.
    """
    for rule in TABLE:
        if rule.covers(path, folder=folder):
            right = not mode & ~rule.most and not rule.least & ~mode
            return mode if right else (mode & rule.most & 0o700) | 0o600 | rule.least
    return mode


def at_birth(path: str, *, folder: bool) -> int:
    """The permission bits with which ``path`` is created when neither side has it."""
    return wanted(path, 0o755 if folder else 0o644, folder=folder)
