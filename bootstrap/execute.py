"""Doing what the plan says, group by group, through the system; a group that fails leaves the others
alone.
"""

import contextlib
import errno
import os
import stat
import time
from collections.abc import Iterator

from bootstrap import actions, copying, trees
from bootstrap.journal import Journal
from bootstrap.lease import Lease
from bootstrap.owner import temporary
from bootstrap.place import Place
from bootstrap.plan import Done, Group, Plan
from bootstrap.system import System


class Executor:
    """Carries out one plan."""

    def __init__(self, place: Place, system: System, lease: Lease | None = None) -> None:
        self.place = place
        self.system = system
        self.lease = lease
        self.journal = Journal(place.local, system)
        self.aside = ""  # where the last SetAside put it
        self.left_out: list[str] = []

    def run(self, plan: Plan) -> tuple[Done, ...]:
        """Do all groups; returns what was done and what went wrong."""
        return tuple(self._group(group) for group in plan.groups)

    def _group(self, group: Group) -> Done:
        finished: list[actions.Action] = []
        self.left_out = []
        problem, note = group.problem, group.note
        for action in group.actions:
            if self.lease:
                self.lease.renew()
            try:
                self._do(action)
            except OSError as error:
                if isinstance(action, actions.ChangeMode) and error.errno in (errno.EPERM, errno.EACCES):
                    note = f"{action.path} belongs to somebody else, so its permissions stay as they are."
                    continue
                problem = explain(error, self.place)
                self._give_back(finished)
                break
            finished.append(action)
        if self.left_out:
            note = f"{self.left_out[0]} holds no data (a socket or pipe) and was not copied. {note}".strip()
        return Done(group.name, tuple(finished), problem, note)

    def _give_back(self, finished: list[actions.Action]) -> None:
        """Undo a set-aside whose link could not be made."""
        last = finished[-1] if finished else None
        if not isinstance(last, actions.SetAside):
            return
        finished.pop()
        path = last.path
        if not os.path.lexists(path):
            self.journal.record("give-back", path=path, aside=self.aside)
            self._move(self.aside, path)

    def _do(self, action: actions.Action) -> None:
        match action:
            case actions.MakeFolder(path, mode):
                self._ensure_items()
                self.system.make_folder(path, mode)
            case actions.Ensure(path, mode):
                if not (path + "/").startswith(self.place.local + "/"):
                    self._ensure_items()
                self._ensure(path, mode)
            case actions.MarkBase(path, target):
                with contextlib.suppress(FileExistsError):  # another start was faster
                    self.system.symlink(target, path)
            case actions.MakeFile(path, mode):
                self._ensure_items()
                self.system.write_file(path, b"", mode)
            case actions.Adopt(source, path, name):
                self._ensure_items()
                self._copy_into(source, path, name)
            case actions.Keep(source, name):
                self._keep(source, name)
            case actions.Replace(source, path, name, keep):
                self._replace(source, path, name, keep=keep)
            case actions.Retire(path, name):
                self.journal.record("retire", path=path)
                self._put_away(path, name)
            case actions.Prune(path, by):
                self._prune(path, by)
            case actions.SetAside(path, name):
                self._set_aside(path, name)
            case actions.Link(path, target):
                self._link(path, target)
            case actions.Relink(path, target, was):
                self.journal.record("relink", path=path, target=target, was=was)
                draft = self._draft()
                self.system.symlink(target, draft)
                self.system.rename(draft, path)
            case actions.DropAside(by):
                self._drop_aside(by)
            case actions.RemoveLink(path, was):
                self.journal.record("remove-link", path=path, was=was)
                self.system.unlink(path)
            case actions.ChangeMode(root, path, _, mode):
                self.system.change_mode(root, path, mode)
            case actions.Write(path, content, mode):
                self._write(path, content, mode)
            case actions.Remove(path):
                self.system.unlink(path)

            case actions.Restore(source, path, name, was):
                self._restore(source, path, name, was)
            case actions.GiveBack(aside, path):
                self._move(aside, path)
                self.journal.record("give-back", path=path, aside=aside)

    # Storage

    def _ensure_items(self) -> None:
        # A home is often closed to others while files in it are not; its copy must not be more open. People
        # who share a storage under different users need the way to their own folder.
        person = self.place.settings.user is not None
        cfg = os.path.join(self.place.storage.root or "", "cfg")
        self._ensure(cfg, 0o755 if person else 0o700)
        if person:
            self._ensure(os.path.join(cfg, "users"), 0o755)
            self._ensure(self.place.items, 0o700)

    def own_folder(self, name: str) -> str:
        """A folder of the bootstrap's own in storage, made if need be."""
        self._ensure_items()
        self._ensure(self.place.storage.own, 0o700)
        return self._ensure(os.path.join(self.place.storage.own, name), 0o700)

    def _copy_into(self, source: str, path: str, name: str) -> None:
        """Copy ``source`` to ``path`` in storage, whole or not at all."""
        if "/" not in name:  # the item itself may be a link to where it really is
            source = os.path.realpath(source)
        made = temporary(self.own_folder("tmp"))
        with self._clean(made):
            self.left_out += copying.copy_tree(self.system, source, made, name, self._tick, away=True)
            if os.path.lexists(made):
                copying.put_in_place(self.system, made, path, source, name)

    @contextlib.contextmanager
    def _clean(self, made: str) -> Iterator[None]:
        """Leave no half-made copy behind when something fails."""
        try:
            yield
        except OSError:
            if os.path.lexists(made):
                copying.remove_tree(self.system, made)
            raise

    def _replace(self, source: str, path: str, name: str, *, keep: bool) -> None:
        """Put a copy of ``source`` where ``path`` is; the old one stays until the new one is complete."""
        stored = self._is_stored(path)
        if "/" not in name:
            source = os.path.realpath(source)
        made = temporary(self.own_folder("tmp") if stored else self._local("tmp"))
        self.journal.record("replace", path=path, by=source)
        with self._clean(made):
            self.left_out += copying.copy_tree(self.system, source, made, name, self._tick, away=stored)
            if os.path.isdir(made) or (os.path.isdir(path) and not os.path.islink(path)):
                away = self._put_away(path, name) if stored else self._set_aside(path, name)
                try:
                    copying.put_in_place(self.system, made, path, source, name)
                except OSError:
                    with contextlib.suppress(OSError):
                        self._move(away, path)
                    raise
                return
            if keep:
                away = self._room(path, name) if stored else self._aside_for(path, name)
                if away and not os.path.lexists(away):
                    self._second_name(path, away)
            self.system.rename(made, path)

    def _is_stored(self, path: str) -> bool:
        return path.startswith(os.path.join(self.place.items, ""))

    def _second_name(self, path: str, away: str) -> None:
        """Give the file at ``path`` another name, or move it where files have but one."""
        try:
            self.system.hard_link(path, away)
        except OSError:
            self.system.rename(path, away)

    def _put_away(self, path: str, name: str) -> str:
        """Move what storage has at ``path`` to what is kept there; returns where it is now."""
        away = self._room(path, name, always=True)
        self.system.rename(path, away)
        return away

    def _room(self, source: str, name: str, *, always: bool = False) -> str:
        """Where in storage a copy of ``source`` is to be kept; ``""`` if it is kept already."""
        # Named by content: an image's own files come back at every start and are kept once.
        label = name.lstrip(".").replace("/", "-")[:50]
        asides, wanted = self.own_folder("asides"), f"{label}-{trees.digest(source)}"
        folder, number = os.path.join(asides, wanted), 1
        while os.path.lexists(path := os.path.join(folder, name)):
            if not always and trees.is_covered(source, path):
                return ""
            # Somebody tidied or changed that one: its name promises more than it holds.
            number += 1
            folder = os.path.join(asides, f"{wanted}-{number}")
        self._ensure_way(folder, name)
        return path

    def _ensure_way(self, folder: str, name: str) -> None:
        """Make ``folder`` and in it what leads to ``name``."""
        self._ensure(folder, 0o700)
        for part in name.split("/")[:-1]:
            folder = self._ensure(os.path.join(folder, part), 0o700)

    def _prune(self, path: str, by: str) -> None:
        """Remove what was set aside, if ``by`` still has all of it."""
        for name in os.listdir(path):
            if not trees.is_covered(os.path.join(path, name), os.path.join(by, name)):
                return
        self.journal.record("prune", aside=path, by=by)
        copying.remove_tree(self.system, path)

    def _tick(self) -> None:
        if self.lease:
            self.lease.renew()

    def _keep(self, source: str, name: str) -> None:
        room = self._room(source, name)
        if room:
            self._copy_into(source, room, name)

    # Home

    def _set_aside(self, path: str, name: str) -> str:
        self.aside = self._aside_for(path, name)
        try:
            self._move(path, self.aside)
        except OSError:
            with contextlib.suppress(OSError):
                copying.remove_tree(self.system, self._aside_root(self.aside, name))
            raise
        return self.aside

    def _aside_for(self, path: str, name: str) -> str:
        """An unused place for something of HOME's own that has to give way."""
        folder = self._local("asides")
        stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        number = 0
        while os.path.lexists(unique := os.path.join(folder, f"{stamp}-{number}")):
            number += 1
        self._ensure_way(unique, name)
        aside = os.path.join(unique, name)
        self.journal.record("set-aside", path=path, aside=aside)
        return aside

    @staticmethod
    def _aside_root(aside: str, name: str) -> str:
        return aside[: -len(name) - 1]

    def _move(self, path: str, to: str) -> None:
        """Rename; a folder that its owner may not write to is opened for that moment."""
        try:
            self.system.rename(path, to)
        except PermissionError:
            found = os.lstat(path)
            bits = stat.S_IMODE(found.st_mode) & 0o777
            if not stat.S_ISDIR(found.st_mode) or bits & 0o200:
                raise
            self.system.change_mode(*os.path.split(path), bits | 0o700)
            self.system.rename(path, to)
            self.system.change_mode(*os.path.split(to), bits)

    def _link(self, path: str, target: str) -> None:
        self.journal.record("link", path=path, target=target)
        try:
            self.system.symlink(target, path)
        except FileExistsError:
            if not (os.path.islink(path) and os.readlink(path) == target):
                raise

    def _restore(self, source: str, path: str, name: str, was: str) -> None:
        """Copy first, then take the link away: a crash in between leaves a gap that the journal knows of."""
        made = self._draft()
        source = os.path.realpath(source) if "/" not in name else source
        with self._clean(made):
            self.left_out += copying.copy_tree(self.system, source, made, name, self._tick)
        if was:
            self.system.unlink(path)
        if os.path.lexists(made):
            copying.put_in_place(self.system, made, path, source, name)
        self.journal.record("restored", path=path)

    def _drop_aside(self, by: str) -> None:
        """Remove what storage has byte for byte; anything that differs by now stays set aside."""
        if not trees.is_covered(self.aside, by):
            return
        self.journal.record("drop-aside", aside=self.aside, by=by)
        copying.remove_tree(self.system, self.aside)
        self.system.remove_folder(os.path.dirname(self.aside))

    def keep(self, name: str, content: bytes) -> None:
        """Write one of the bootstrap's own small files, private, into its folder in HOME."""
        self._local("tmp")
        self._write(os.path.join(self.place.local, name), content, 0o600)

    def _draft(self) -> str:
        return temporary(self._local("tmp"))

    def _write(self, path: str, content: bytes, mode: int) -> None:
        folder = self.place.local
        for name in os.path.relpath(os.path.dirname(path), folder).split(os.sep):
            self._ensure(folder, 0o700)
            folder = os.path.join(folder, name)
        self._ensure(folder, 0o700)
        draft = self._draft()
        try:
            self.system.write_file(draft, content, mode)
            self.system.rename(draft, path)
        except OSError:
            if os.path.lexists(draft):
                self.system.unlink(draft)
            raise

    def _local(self, name: str) -> str:
        self._ensure(self.place.local, 0o700)
        return self._ensure(os.path.join(self.place.local, name), 0o700)

    def _ensure(self, path: str, mode: int) -> str:
        # A link would lead what is written, and what is tidied, out of the storage.
        if os.path.islink(path):
            raise NotADirectoryError(errno.ENOTDIR, "it is a link where a folder is needed", path)
        if not os.path.isdir(path):
            try:
                self.system.make_folder(path, mode)
            except FileExistsError:
                if not os.path.isdir(path):
                    raise
        return path


def explain(error: OSError, place: Place) -> str:
    """One plain line for an error of the disk: what happened, what follows, what to do."""
    where = os.fsdecode(error.filename) if error.filename else "the storage"
    root = place.storage.root
    kept = "your home is left as it is"
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"the disk is full; {kept}. Make room in {root or place.home}."
    if error.errno in (errno.EIO, errno.ESTALE, errno.ETIMEDOUT, errno.ENOTCONN):
        return f"the storage does not answer ({error.strerror}); {kept}. Restart the notebook."
    if error.errno == errno.EROFS:
        return f"{where} is read-only; {kept}. Ask whoever runs the storage."
    if error.errno in (errno.EACCES, errno.EPERM):
        return f"{where} cannot be changed by this user (no permission); {kept}. Ask whoever owns it."
    if error.errno == errno.EOPNOTSUPP:
        return f"{where}: {error.strerror}, so others may read it. Keep keys in another storage."
    if error.errno == errno.ENOTDIR:
        return f"{where}: {error.strerror}; {kept}. Put a folder in its place."
    if error.errno == errno.EEXIST:
        return f"{where} has just been made by another start; run `deepdesign-bootstrap apply` again."
    return f"{where}: {error.strerror}; {kept}. Run `deepdesign-bootstrap apply` again."
