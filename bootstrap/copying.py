"""Copying a tree into storage: under a temporary name, on disk, and only then under its own name.

A crash at any point leaves a temporary tree, never half a tree under a name that counts.
"""

import errno
import os
import stat
import time
from collections.abc import Callable

from bootstrap import modes, trees
from bootstrap.owner import is_temporary, of_temporary, this_process
from bootstrap.storage import is_mount
from bootstrap.system import System

#: Temporary trees of other machines' starts are leftovers after this many seconds.
_OLD = 24 * 3600.0


def copy_tree(
    system: System,
    source: str,
    target: str,
    name: str,
    tick: Callable[[], None],
    *,
    away: bool = False,
) -> list[str]:
    """Copy the tree or file at ``source`` to ``target``; ``name`` is its path in HOME, for the permissions.

    Returns what was left out: sockets, fifos and devices, which hold nothing. Permissions are the source's,
    but never wider than the table in ``modes`` says. ``tick`` is called before every entry and again and
    again within a large file. ``away``: it leaves HOME, so links that lead out of it are made to lead there
    from everywhere.
    """
    skipped = []
    folders = []
    for relative, found in trees.walk(source):
        tick()
        old = os.path.join(source, relative) if relative else source
        new = os.path.join(target, relative) if relative else target
        path = f"{name}/{relative}" if relative else name
        bits = stat.S_IMODE(found.st_mode) & 0o777
        if stat.S_ISDIR(found.st_mode):
            # Nobody else looks into it until its files have their permissions.
            system.make_folder(new, 0o700)
            folders.append((new, old, modes.wanted(path, bits, folder=True)))
        elif stat.S_ISLNK(found.st_mode):
            leads = os.readlink(old)
            system.symlink(trees.carried(path, old, leads) if away else leads, new)
        elif stat.S_ISREG(found.st_mode):
            system.copy_file(old, new, modes.wanted(path, bits, folder=False), tick)
        else:
            skipped.append(path)
    for new, old, bits in reversed(folders):
        # The whole is still to be renamed, which takes the owner's right to write.
        system.finish_folder(new, old, bits | 0o700 if new == target else bits)
    return skipped


def remove_tree(system: System, path: str) -> None:
    """Remove a tree of the bootstrap's own, entry by entry; links are not followed, mounts not entered.

    Raises OSError before anything is removed if something is mounted in there.
    """
    _open_folders(system, path)
    entries = [(relative, stat.S_ISDIR(found.st_mode)) for relative, found in trees.walk(path)]
    for relative, is_folder in reversed(entries):
        full = os.path.join(path, relative) if relative else path
        if is_folder:
            system.remove_folder(full)
        else:
            system.unlink(full)


def _open_folders(system: System, path: str) -> None:
    """Give the owner every right to the folders of a tree: without them its files cannot be removed."""
    waiting = [path]
    while waiting:
        folder = waiting.pop()
        found = os.lstat(folder)
        if not stat.S_ISDIR(found.st_mode):
            continue
        if is_mount(folder):
            raise OSError(errno.EBUSY, "something is mounted there", folder)
        if found.st_mode & 0o700 != 0o700:
            parent, name = os.path.split(folder)
            system.change_mode(parent, name, stat.S_IMODE(found.st_mode) & 0o777 | 0o700)
        waiting += [os.path.join(folder, name) for name in os.listdir(folder)]


def put_in_place(system: System, made: str, path: str, source: str, name: str) -> None:
    """Give the finished copy ``made`` of ``source`` its own name, where nothing may be."""
    if os.path.isdir(made) and not os.path.islink(made):
        if os.path.lexists(path):
            raise FileExistsError(errno.EEXIST, "another start was faster", path)
        system.rename(made, path)
        close_folder(system, path, source, name)
        return
    try:
        system.hard_link(made, path)
    except FileExistsError:
        raise
    except OSError:
        if os.path.lexists(path):
            raise FileExistsError(errno.EEXIST, "another start was faster", path) from None
        system.rename(made, path)
    else:
        system.unlink(made)


def close_folder(system: System, path: str, source: str, name: str) -> None:
    """Give a folder that was copied the permissions that its owner's writing had to wait for."""
    bits = stat.S_IMODE(os.stat(source).st_mode) & 0o777
    wanted = modes.wanted(name, bits, folder=True)
    if wanted & 0o700 != 0o700:
        system.finish_folder(path, source, wanted)


def sweep(system: System, folder: str) -> None:
    """Remove what crashed starts left in ``folder``; call it with the lease held."""
    here = this_process()
    if os.path.islink(folder) or os.path.islink(os.path.dirname(folder)):
        return  # what a link leads to is not ours to tidy
    try:
        names = [name for name in os.listdir(folder) if is_temporary(name)]
    except OSError:
        return
    for name in names:
        path = os.path.join(folder, name)
        owner = of_temporary(name, here)
        try:
            left_here = owner is not None and (owner == here or owner.is_dead(here))
            if left_here or time.time() - os.lstat(path).st_mtime > _OLD:
                remove_tree(system, path)
        except OSError:
            continue  # another start's sweep was faster, or it cannot be removed: the next start tries again
