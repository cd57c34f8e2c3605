"""One start: locate, observe, plan, and (for ``apply``) do."""

import contextlib
import os
from collections.abc import Mapping
from typing import NamedTuple

from bootstrap import caches, capabilities, databases, local, observe, plugins, userbase
from bootstrap.actions import ChangeMode
from bootstrap.errors import WrongInputError
from bootstrap.items import DEFAULTS, Item
from bootstrap.observe import ItemState
from bootstrap.place import Options, Place, locate
from bootstrap.plan import APART, KEYS, SHARED, Done, Group, Plan, Rules, plan_item, plan_lost_links
from bootstrap.settings import Settings
from bootstrap.storage import MISSING, Storage
from bootstrap.system import System


class Result(NamedTuple):
    """What a start found and did."""

    place: Place
    states: tuple[ItemState, ...]
    plan: Plan
    done: tuple[Done, ...] | None = None  # None: nothing was to be done
    #: Another start had the storage, so it was not written.
    busy: bool = False

    @property
    def problems(self) -> tuple[Group | Done, ...]:
        """Everything that could not be done."""
        return tuple(
            group for group in (self.plan.groups if self.done is None else self.done) if group.problem
        )

    @property
    def status(self) -> int:
        """The exit status."""
        return 1 if self.problems else 0

    @property
    def environment_is_current(self) -> bool:
        """Whether the environment file has been written or found right."""
        groups = [group for group in (self.done or ()) if group.name == "environment"]
        return self.has_environment and not any(group.problem for group in groups)

    @property
    def has_environment(self) -> bool:
        """Whether this place gets an environment file at all."""
        return any(group.name == "environment" for group in self.plan.groups)


def look(options: Options, environment: Mapping[str, str]) -> Result:
    """Observe and plan; nothing is changed."""
    return look_at(locate(options, environment))


def look_at(place: Place) -> Result:
    """Observe and plan for a place that is known."""
    return _plan(_assume(place))


def run(options: Options, environment: Mapping[str, str], system: System | None = None) -> Result:
    """Observe, plan and do."""
    result = look(options, environment)
    # Only after everything that can be wrong with settings has been said.
    tried = _try_out(result.place, system)
    if tried.capabilities != result.place.capabilities:
        result = _plan(tried)
    if not result.plan.is_empty:
        result = _do(result, system)
    if result.has_environment:
        _remember(result.place, system)
    return result


def _remember(place: Place, system: System | None) -> None:
    """Keep which packages bring commands: no part of the plan, for nothing depends on it but time."""
    shelves = plugins.look(place)
    if local.read(os.path.join(place.local, plugins.KEPT)) == plugins.text(shelves):
        return
    from bootstrap.rooms import Rooms
    from bootstrap.system import RealSystem

    with contextlib.suppress(OSError):
        Rooms(place, system or RealSystem()).keep(plugins.KEPT, plugins.text(shelves))


def _assume(place: Place) -> Place:
    """The place with what is known of its storage, or what can be said before it is tried."""
    root = place.storage.root
    if not place.links or root is None:
        return place
    found = capabilities.known(root, place.local) or capabilities.assumed(root)
    older = not os.path.lexists(place.storage.own) and any(
        os.path.lexists(os.path.join(place.items, item.name)) for item in DEFAULTS
    )
    return place._replace(capabilities=found, taken_over=older)


def _try_out(place: Place, system: System | None) -> Place:
    """The place with what its storage can do; tried once for each home and mount."""
    root = place.storage.root
    if not place.links or root is None or not place.writable:
        return place
    found = capabilities.known(root, place.local)
    if found is None:
        from bootstrap.rooms import Rooms
        from bootstrap.system import RealSystem

        rooms = Rooms(place, system or RealSystem())
        try:
            found = capabilities.probe(rooms.stored("tmp"), rooms.system)
        except OSError:
            return place  # full or hindered: what could not be written is said item by item
        with contextlib.suppress(OSError):
            rooms.keep(capabilities.NAME, capabilities.text(root, found))
    return place._replace(capabilities=found)


def _do(result: Result, system: System | None) -> Result:
    # Most starts find everything in place; they do not wait for what only changes need.
    from bootstrap import copying
    from bootstrap.disk_errors import explain
    from bootstrap.execute import Executor
    from bootstrap.lease import Lease
    from bootstrap.rooms import Rooms
    from bootstrap.system import RealSystem

    system = system or RealSystem()
    place = result.place
    copying.sweep(system, os.path.join(place.local, "tmp"))
    if not (result.plan.is_exclusive and place.links and place.writable):
        return result._replace(done=Executor(place, system).run(result.plan))
    try:
        Rooms(place, system).stored("tmp")
        lease = Lease(place.storage.own, system)
        held = lease.take()
    except OSError as error:
        # Nothing can be written there, whatever the mount says (quota, root squash, full).
        return _without_writing(place, system, explain(error, place))
    if not held:
        return _without_writing(place, system, "")._replace(busy=True)
    try:
        copying.sweep(system, os.path.join(place.storage.own, "tmp"))
        # The other start may have changed everything while this one waited.
        result = _plan(place._replace(tick=lease.keep))
        return result._replace(done=Executor(place, system, lease).run(result.plan))
    finally:
        with contextlib.suppress(OSError):  # it expires
            lease.release()


def _without_writing(place: Place, system: System, trouble: str) -> Result:
    from bootstrap.execute import Executor

    result = _plan(place.read_only())
    done = Executor(result.place, system).run(result.plan)
    if trouble:
        done = (Done("storage", (), trouble, ""), *done)
    return result._replace(done=done)


def _plan(place: Place) -> Result:
    if place.storage.root is None and not place.profile.home_persists:
        return Result(place, (), Plan(plan_lost_links(_lost_links(place))))
    place = place._replace(base=userbase.find(place))
    states = observe.observe_items(place) if place.links else ()
    rules = _rules(place, states)
    groups: list[Group] = []
    if place.links:
        groups += [_own_place(place), _everybodys(place, states), _taken_over(place)]
        if any(state.item.name == userbase.ITEM for state in states):
            groups.append(userbase.plan_base(place))
    for state in states:
        groups.append(plan_item(state, rules))
        # Said once a start, and a start that finds the keys in storage does not say it again.
        rules = rules._replace(shared=rules.shared and groups[-1].note != SHARED)
    ipython = databases.is_linked(states, groups)
    if place.links:
        if _has_many_asides(place):
            from bootstrap import asides

            groups.append(asides.plan_asides(place))
        groups += [local.plan_notebooks(place), caches.plan_caches(place)]
    if ipython:
        groups.append(databases.plan_ipython(place))
    groups += [databases.plan_jupyter(place), local.plan_commands(place), local.plan_kernel(place)]
    groups.append(local.plan_environment(place, ipython=ipython))
    return Result(place, states, Plan(tuple(groups)))


def _has_many_asides(place: Place) -> bool:
    for folder in place.asides:
        try:
            if len(os.listdir(folder)) > place.settings.asides.keep:
                return True
        except OSError:
            continue
    return False


def _taken_over(place: Place) -> Group:
    """A word on a storage that another script has used until now."""
    if not place.taken_over:
        return Group("storage")
    return Group(
        "storage",
        note=f"what the widely used script keeps in {place.items} is taken over as it stands, uncopied.",
    )


def _everybodys(place: Place, states: tuple[ItemState, ...]) -> Group:
    """A word to whoever gets the keys of the one person whom a team's storage names in its settings."""
    person = place.settings.user
    coming = any(
        state.item.name in KEYS and state.store != observe.MISSING and state.home != observe.OURS
        for state in states
    )
    if person is None or not place.is_everybodys or not coming:
        return Group("keys")
    said = f"{place.source} names {person} for all who share this storage, so {person}'s keys come back here."
    return Group("keys", note=f"{said} {APART}")


def _own_place(place: Place) -> Group:
    """The person's own folder in a shared storage: somebody else may have made it, open to all."""
    if not place.settings.user:
        return Group("user")
    try:
        found = os.stat(place.items)
    except OSError:
        return Group("user")
    bits = found.st_mode & 0o777
    if found.st_uid not in (0, os.geteuid()):
        note = f"{place.items} belongs to another user (number {found.st_uid}), who can change what is in it."
        return Group("user", note=note)
    if not bits & 0o077:
        return Group("user")
    note = f"others could see what is in {place.items}; look through it if you have not made it yourself."
    if not (place.writable and place.capabilities.modes):
        return Group("user", note=note)
    cfg = os.path.join(place.storage.root or "", "cfg")
    mend = ChangeMode(cfg, f"users/{place.settings.user}", bits, 0o700)
    return Group("user", (mend,), note=note)


def _rules(place: Place, states: tuple[ItemState, ...]) -> Rules:
    free = None
    if place.links and any(state.size for state in states):
        found = os.statvfs(place.storage.root or "/")
        free = found.f_bavail * found.f_frsize
    return Rules(
        place.items if place.links else "",
        place.writable,
        place.profile.home_is_ephemeral,
        place.is_everybodys,
        place.hindered,
        free,
        place.capabilities.modes,
        place.home,
        place.local,
    )


def _lost_links(place: Place) -> tuple[ItemState, ...]:
    """Links of ours whose storage is not there."""
    from bootstrap import journal

    found = journal.lost_links(place.local)
    for item in place.settings.items:
        path = os.path.join(place.home, item.name)
        try:
            leads = os.readlink(path)
        except OSError:
            continue
        # The widely used script left links too, and no journal.
        ours = any(leads.startswith(os.path.join(root, "cfg", "")) for root in place.storage.candidates)
        if ours and not os.path.exists(path):
            found[path] = leads
    return tuple(
        ItemState(Item(os.path.basename(path)), path, leads, observe.DEAD, observe.MISSING, leads=leads)
        for path, leads in found.items()
    )


def remove_lost_links(home: str) -> None:
    """What is left to do for a home when nothing else can be: links of ours that lead nowhere go, because a
    dead ``~/.local`` keeps Jupyter from starting.
    """
    from bootstrap import profiles
    from bootstrap.execute import Executor
    from bootstrap.system import RealSystem

    nowhere = Storage(None, MISSING)
    place = Place(home, nowhere, profiles.choose("plain", {}), Settings(), starting=True)
    Executor(place, RealSystem()).run(Plan(plan_lost_links(_lost_links(place))))


__all__ = ["Options", "Result", "WrongInputError", "look", "remove_lost_links", "run"]
