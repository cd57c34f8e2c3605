"""Putting the bootstrap into storage, so that it runs wherever that is mounted, and taking it out again.

``STORAGE/pre-run.sh`` is our hook; a user's own keeps its bytes under another name and is sourced after it.
"""

import contextlib
import errno
import os
import re
from collections.abc import Iterator, Mapping
from shlex import quote
from typing import Any, NamedTuple

from bootstrap import bundle, capabilities, local
from bootstrap.errors import NotDoneError, WrongInputError
from bootstrap.lease import Lease
from bootstrap.owner import temporary
from bootstrap.place import Options, Place, locate
from bootstrap.system import RealSystem, System

HOOK = "pre-run.sh"
USERS = "pre-run.user.sh"
#: The one place at which some images look for a hook by themselves.
_SOURCED = "/storage/pre-run.sh"
_MARK = "# Written by `deepdesign-bootstrap install`"
_CALL = "    set -- -m bootstrap.hook"
#: The widely used script's own hook: it deletes from HOME what it links, and all that it links we link too.
_PREDECESSOR = re.compile(rb"rm -rf ~/\$p.*ln -s /storage/cfg/\$p", re.DOTALL)


class Installed(NamedTuple):
    """What was done, for people and for programs."""

    command: str
    place: Place
    changes: tuple[str, ...]
    advice: tuple[str, ...] = ()
    status: int = 0

    def lines(self) -> list[str]:
        """What a person reads."""
        return [*(self.changes or ("Everything was in place already.",)), *self.advice]

    def as_json(self) -> dict[str, Any]:
        """The same as an object."""
        root = self.place.storage.root
        return {
            "command": self.command,
            "status": self.status,
            "storage": root,
            "hook": root and os.path.join(root, HOOK),
            "program": root and _program(self.place),
            "changes": list(self.changes),
        }


def install(options: Options, environment: Mapping[str, str], system: System | None = None) -> Installed:
    """Write program and hook, each in one instant; what is as it should be is left alone."""
    place, system = locate(options, environment), system or RealSystem()
    root = place.storage.root
    if root is None:
        raise WrongInputError(f"--storage: {place.storage.reason}. Name the folder that persists.")
    content = bundle.build()
    changes: list[str] = []
    with _told(place, "install"), _alone(place, system):
        if _put(system, place, _program(place), content, 0o700):
            changes.append(f"{_program(place)}: the program, in one file.")
        path = os.path.join(root, HOOK)
        found = local.read(path)
        if os.path.exists(path) and not os.path.isfile(path):
            raise WrongInputError(f"{path} is no file, and a hook has to be one; rename it.")
        if os.path.lexists(path) and not is_ours(found):
            kept = _keep_users(system, place, path)
            changes.append(f"{path}: your own is now {kept}.")
        if _put(system, place, path, hook(place, options).encode(), 0o644):
            changes.append(f"{path}: the hook.")
    return Installed("install", place, tuple(changes), _advice(place))


def uninstall(options: Options, environment: Mapping[str, str], system: System | None = None) -> Installed:
    """Undo this home; then take away hook and program, and give a user's own hook its name back."""
    from bootstrap import report, undo

    place, system = locate(options, environment), system or RealSystem()
    undone = undo.run(options, environment, system)
    changes = report.lines(undone)[1:]
    if undone.status:
        # Whoever has to try again still needs the program.
        return Installed("uninstall", place, tuple(changes), status=undone.status)
    for name in (capabilities.NAME, "last-start.log"):
        if os.path.lexists(own := os.path.join(place.local, name)):
            system.unlink(own)
    root = place.storage.root
    if root is None:
        return Installed("uninstall", place, tuple(changes))
    path, users = os.path.join(root, HOOK), os.path.join(root, USERS)
    with _told(place, "uninstall"), _alone(place, system):
        if is_ours(local.read(path)):
            if os.path.lexists(users):
                system.rename(users, path)
                changes.append(f"{path}: your own again.")
            else:
                system.unlink(path)
                changes.append(f"{path}: removed.")
    # Last of all: this may be the file that the program runs from.
    if os.path.lexists(_program(place)):
        changes.append(f"{_program(place)}: removed.")
        system.unlink(_program(place))
    return Installed("uninstall", place, tuple(changes))


def is_ours(content: bytes | None) -> bool:
    """Whether a hook was written by ``install``, by this version or another."""
    return content is not None and _MARK.encode() in content[:500]


def hook(place: Place, options: Options) -> str:
    """The text of the hook: ``prerun.sh``, calling the program in this storage, and a user's own after it."""
    root = place.storage.root or ""
    settings = {"STORAGE": root}
    if options.profile != "auto":
        settings["PROFILE"] = options.profile
    if options.config is not None:
        settings["CONFIG"] = os.path.abspath(options.config)
    call = ['    [ -z "${DEEPDESIGN_STARTED:-}" ] || exit 3 # the entrypoint of our own image has done it #']
    for name, value in settings.items():
        variable = f"DEEPDESIGN_{name}"
        call.append(f'    [ -n "${{{variable}:-}}" ] || {variable}={quote(value)} ; export {variable} #')
    call.append(f"    set -- {quote(_program(place))} hook #")
    rows = []
    for row in bundle.hook_text().splitlines():
        rows += call if row.startswith(_CALL) else [row]
    users = quote(os.path.join(root, USERS))
    content = local.read(os.path.join(root, USERS))
    if content is None or not _PREDECESSOR.search(content):
        # A caller may have a function called `[`; and whatever the user's own ends with, this ends well.
        rows.append(f"if ( POSIXLY_CORRECT=1 ; unset -f [ ; [ -r {users} ] ); then #")
        rows += [f"    . {users} || case . in *) ;; esac #", "fi #", "case . in *) ;; esac #"]
    return "\n".join((f"{_MARK}; `uninstall` takes it away. #", *rows, ""))


def _program(place: Place) -> str:
    return os.path.join(place.storage.own, bundle.NAME)


def _put(system: System, place: Place, path: str, content: bytes, mode: int) -> bool:
    """Write a file in one instant, unless it is so already; returns whether it was written."""
    if local.read(path) == content:
        return False
    draft = temporary(os.path.join(place.storage.own, "tmp"))
    system.write_file(draft, content, mode)
    system.rename(draft, path)
    return True


def _keep_users(system: System, place: Place, path: str) -> str:
    """Give a user's own hook its second name before ours takes the first: it is never without one."""
    users = os.path.join(os.path.dirname(path), USERS)
    if local.read(users) is not None and local.read(users) == local.read(path):
        return users  # an earlier try was killed right after this
    number = 2
    while os.path.lexists(users):
        # One from before stands there: it moves on, for the hook that was in use is the one to go on with.
        older = os.path.join(os.path.dirname(path), f"pre-run.user.{number}.sh")
        if not os.path.lexists(older):
            system.rename(users, older)
        number += 1
    try:
        system.hard_link(path, users)
    except OSError:
        draft = temporary(os.path.join(place.storage.own, "tmp"))
        system.copy_file(os.path.realpath(path), draft, os.stat(path).st_mode & 0o777)
        system.rename(draft, users)
    return users


@contextlib.contextmanager
def _told(place: Place, command: str) -> Iterator[None]:
    """Say what an error of the disk means. Raises ``NotDoneError`` in its place."""
    from bootstrap.disk_errors import explain

    try:
        yield
    except OSError as error:
        raise NotDoneError(explain(error, place, command)) from error


@contextlib.contextmanager
def _alone(place: Place, system: System) -> Iterator[None]:
    """Hold the storage's lease."""
    from bootstrap.rooms import Rooms

    Rooms(place, system).stored("tmp")
    lease = Lease(place.storage.own, system)
    if not lease.take():
        raise BlockingIOError(errno.EWOULDBLOCK, "another notebook is changing it", place.storage.root)
    try:
        yield
    finally:
        with contextlib.suppress(OSError):  # it expires
            lease.release()


def _advice(place: Place) -> tuple[str, ...]:
    path = os.path.join(place.storage.root or "", HOOK)
    users = local.read(os.path.join(place.storage.root or "", USERS))
    said = [f"Begin the notebook's start command with:  . {quote(path)}; "]
    if path == _SOURCED:
        said.append(f"An image that sources {path} at its start (fastai's and ours do) needs not even that.")
    if users is not None and _PREDECESSOR.search(users):
        said.append(
            "Your former hook is the widely used one, which deletes before it links; ours does its work, so "
            f"it is kept as {USERS} and no longer run."
        )
    return tuple(said)
