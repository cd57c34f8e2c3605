"""Doing what the plan says, group by group, through the system; a group that fails leaves the others
alone.
"""

import contextlib
import errno
import os
import stat
from collections.abc import Iterator

from bootstrap import actions, copying, trees
from bootstrap.disk_errors import explain
from bootstrap.journal import Journal
from bootstrap.lease import Lease
from bootstrap.owner import temporary
from bootstrap.place import Place
from bootstrap.plan import Done, Group, Plan
from bootstrap.rooms import Rooms
from bootstrap.system import System


class Executor:
    """Carries out one plan."""

    def __init__(self, place: Place, system: System, lease: Lease | None = None) -> None:
        self.place = place._replace(tick=self._tick)
        self.system = system
        self.lease = lease
        self.rooms = Rooms(self.place, system)
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
            try:
                if isinstance(action, actions.EXCLUSIVE):
                    self._tick()
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
                self.rooms.items()
                self.system.make_folder(path, mode)
            case actions.Ensure(path, mode):
                if not (path + "/").startswith(self.place.local + "/"):
                    self.rooms.items()
                self.rooms.ensure(path, mode)
            case actions.MarkBase(path, target):
                with contextlib.suppress(FileExistsError):  # another start was faster
                    self.system.symlink(target, path)
            case actions.MakeFile(path, mode):
                self.rooms.items()
                self.system.write_file(path, b"", mode)
            case actions.Adopt(source, path, name):
                self.rooms.items()
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
                draft = self.rooms.draft()
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
                self.rooms.write(path, content, mode)
            case actions.Remove(path):
                self.system.unlink(path)

            case actions.Restore(source, path, name, was):
                self._restore(source, path, name, was)
            case actions.GiveBack(aside, path):
                self._move(aside, path)
                self.journal.record("give-back", path=path, aside=aside)

    # Storage

    def _copy_into(self, source: str, path: str, name: str) -> None:
        """Copy ``source`` to ``path`` in storage, whole or not at all."""
        if "/" not in name:  # the item itself may be a link to where it really is
            source = os.path.realpath(source)
        made = temporary(self.rooms.stored("tmp"))
        with self._clean(made):
            self.left_out += copying.copy_tree(self.system, source, made, name, self._tick, away=True)
            self._tick()
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
        stored = self.rooms.is_stored(path)
        if "/" not in name:
            source = os.path.realpath(source)
        made = temporary(self.rooms.stored("tmp") if stored else self.rooms.local("tmp"))
        self.journal.record("replace", path=path, by=source)
        with self._clean(made):
            self.left_out += copying.copy_tree(self.system, source, made, name, self._tick, away=stored)
            self._tick()
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
                away = self.rooms.for_copy(path, name) if stored else self._aside_for(path, name)
                if away and not os.path.lexists(away):
                    self._second_name(path, away)
            self.system.rename(made, path)

    def _second_name(self, path: str, away: str) -> None:
        """Give the file at ``path`` another name, or move it where files have but one."""
        try:
            self.system.hard_link(path, away)
        except OSError:
            self.system.rename(path, away)

    def _put_away(self, path: str, name: str) -> str:
        """Move what storage has at ``path`` to what is kept there; returns where it is now."""
        away = self.rooms.for_copy(path, name, always=True)
        self.system.rename(path, away)
        return away

    def _prune(self, path: str, by: str) -> None:
        """Remove what was set aside, if ``by`` still has all of it."""
        for name in os.listdir(path):
            if not trees.is_covered(os.path.join(path, name), os.path.join(by, name), self._tick):
                return
        self.journal.record("prune", aside=path, by=by)
        copying.remove_tree(self.system, path)

    def _tick(self) -> None:
        """Keep the lease; raises OSError when another start has it by now: then the storage is that one's."""
        if self.lease:
            self.lease.renew()

    def _keep(self, source: str, name: str) -> None:
        room = self.rooms.for_copy(source, name)
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
        aside = self.rooms.for_aside(name)
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
        made = self.rooms.draft()
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
        if not trees.is_covered(self.aside, by, self._tick):
            return
        self.journal.record("drop-aside", aside=self.aside, by=by)
        copying.remove_tree(self.system, self.aside)
        self.system.remove_folder(os.path.dirname(self.aside))
