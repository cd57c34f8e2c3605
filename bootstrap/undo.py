"""Giving a home its own files back: the way out, also when the storage is gone.

What the journal says was linked becomes real files again: copied from storage where it answers, else what
was set aside when the link was made. Storage keeps everything.
"""

import os
from collections.abc import Mapping

from bootstrap import agreement, commands, completion, databases, environment, journal, kernel, local, plugins
from bootstrap.actions import Action, GiveBack, Remove, RemoveLink, Restore
from bootstrap.place import Options, Place, locate
from bootstrap.plan import Group, Plan
from bootstrap.start import Result
from bootstrap.system import RealSystem, System


def run(options: Options, environment_: Mapping[str, str], system: System | None = None) -> Result:
    """Undo what was done to this home."""
    from bootstrap import copying
    from bootstrap.execute import Executor

    place = locate(options, environment_)
    system = system or RealSystem()
    copying.sweep(system, os.path.join(place.local, "tmp"))
    plan = Plan((*_items(place), _own_files(place)))
    return Result(place, (), plan, Executor(place, system).run(plan))


def _items(place: Place) -> tuple[Group, ...]:
    """One group for each path that the journal says was linked, and that is no real file by now."""
    targets: dict[str, str] = {}
    asides: dict[str, str] = {}
    for entry in journal.entries(place.local):
        path = entry.get("path", "")
        if entry.get("step") in ("link", "relink"):
            targets[path] = entry["target"]
        elif entry.get("step") == "set-aside":
            asides[path] = entry["aside"]
        elif entry.get("step") in ("restored", "give-back"):
            targets.pop(path, None)
            asides.pop(path, None)
    known = {os.path.basename(path) for path in targets if _inside(place, path)}
    older = _older_links(place).items()
    targets |= {path: target for path, target in older if os.path.basename(path) not in known}
    groups = []
    for path, target in targets.items():
        linked = os.path.islink(path) and os.readlink(path) == target
        if _is_own(place, path):
            continue
        if linked or not os.path.lexists(path):
            groups.append(
                _item(path, target, asides.get(path, ""), linked=linked, inside=_inside(place, path))
            )
    return tuple(groups)


def _older_links(place: Place) -> dict[str, str]:
    """Links into the storage's items that no journal knows of: the widely used script made such."""
    roots = [place.storage.root] if place.storage.root else place.storage.candidates
    found = {}
    for name in os.listdir(place.home):
        path = os.path.join(place.home, name)
        try:
            leads = os.readlink(path)
        except OSError:
            continue
        ours = any(leads.startswith(os.path.join(root, "cfg", "")) for root in roots)
        if ours and os.path.basename(leads) == name:
            found[path] = leads
    return found


def _is_own(place: Place, path: str) -> bool:
    """Whether ``path`` is in the bootstrap's own folder, under whatever name of this home."""
    folder = os.path.realpath(os.path.dirname(path))
    return (folder + "/").startswith(os.path.realpath(place.local) + "/")


def _inside(place: Place, path: str) -> bool:
    return os.path.realpath(os.path.dirname(path)) == os.path.realpath(place.home)


def _item(path: str, target: str, aside: str, *, linked: bool, inside: bool) -> Group:
    name = os.path.basename(path)
    away: tuple[Action, ...] = (RemoveLink(path, target),) if linked else ()
    if not inside:  # the link in the browser's folder
        return Group("notebooks", away)
    if os.path.isdir(target) or os.path.isfile(target):
        return Group(name, (Restore(target, path, name, target if linked else ""),))
    if aside and os.path.lexists(aside):
        return Group(
            name,
            (*away, GiveBack(aside, path)),
            note=f"{target} is gone; this is what this home had before the link.",
        )
    return Group(name, away, note=f"{target} is gone, and this home had none of its own.")


def _own_files(place: Place) -> Group:
    """The environment file and the wrappers."""
    steps: list[Action] = []
    folder = os.path.join(place.local, "bin")
    for name in sorted(os.listdir(folder)) if os.path.isdir(folder) else ():
        path = os.path.join(folder, name)
        content = local.read(path)
        if content is not None and commands.is_ours(content):
            steps.append(Remove(path))
    copies = agreement.folder(place.local)
    names = sorted(os.listdir(copies)) if os.path.isdir(copies) else []
    steps += [Remove(os.path.join(copies, name)) for name in names]
    steps += _ipython(databases.ipython_folder(place))
    own = (environment.NAME, completion.NAME, plugins.KEPT)
    for path in (*(os.path.join(place.local, name) for name in own), kernel.path(place)):
        if os.path.lexists(path):
            steps.append(Remove(path))
    return Group("environment", tuple(steps))


def _ipython(folder: str) -> list[Action]:
    """Links in IPython's local folder; the history in it stays."""
    steps: list[Action] = []
    for below in (folder, os.path.join(folder, "profile_default")):
        for name in sorted(os.listdir(below)) if os.path.isdir(below) else ():
            path = os.path.join(below, name)
            if os.path.islink(path):
                steps.append(Remove(path))
    return steps
