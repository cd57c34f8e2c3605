"""Permissions that are there and are not those of the table: read and never changed."""

import os
import stat
from typing import NamedTuple

from bootstrap import modes, trees


class WrongMode(NamedTuple):
    """An entry whose permissions are not those of the table."""

    path: str
    mode: int
    wanted: int
    names: int  # hard links


def wrong_modes(root: str, item: str) -> tuple[tuple[WrongMode, ...], str]:
    """Entries of ``item`` below ``root`` whose permissions differ from the table, and a link among them that
    leads to a file that others can read, which is not ours to change.
    """
    found = []
    open_key = ""
    if item in modes.PRIVATE_TREES and not os.path.islink(os.path.join(root, item)):
        for relative, state in trees.walk(os.path.join(root, item)):
            path = f"{item}/{relative}" if relative else item
            if not stat.S_ISLNK(state.st_mode):
                found.append((path, state))
            elif not open_key and _is_open(os.path.join(root, path), path):
                open_key = os.path.join(root, path)
    for path in modes.single_files(item):
        try:
            state = os.lstat(os.path.join(root, path))
        except OSError:
            continue
        parents = path.split("/")[:-1]
        below_links = any(os.path.islink(os.path.join(root, *parents[: n + 1])) for n in range(len(parents)))
        if stat.S_ISREG(state.st_mode) and not below_links:
            found.append((path, state))
    wrong = []
    for path, state in found:
        mode = stat.S_IMODE(state.st_mode) & 0o777
        folder = stat.S_ISDIR(state.st_mode)
        wanted = modes.wanted(path, mode, folder=folder)
        if wanted != mode:
            wrong.append(WrongMode(path, mode, wanted, 1 if folder else state.st_nlink))
    return tuple(wrong), open_key


def _is_open(link: str, path: str) -> bool:
    try:
        behind = os.stat(link)
    except OSError:
        return False
    mode = stat.S_IMODE(behind.st_mode) & 0o777
    return stat.S_ISREG(behind.st_mode) and bool(mode & ~modes.wanted(path, mode, folder=False) & 0o077)
