"""What should happen: a pure function of what was observed.

What HOME has and storage does not is adopted. Of what both have the item's policy says which is used, by
default storage's; the other is set aside, never deleted.
"""

import os
from typing import NamedTuple

from bootstrap import agreement, modes, observe
from bootstrap.actions import (
    EXCLUSIVE,
    Action,
    Adopt,
    ChangeMode,
    DropAside,
    Keep,
    Link,
    MakeFile,
    MakeFolder,
    Relink,
    Remove,
    RemoveLink,
    Replace,
    SetAside,
)
from bootstrap.items import ANY, COPY, FILE, FOLDER, MERGE, STOP, STORAGE
from bootstrap.observe import BROKEN, DEAD, LIVE, MISSING, MOUNT, OTHER, OURS, ItemState


class Group(NamedTuple):
    """The steps for one item: done in order, and the first that fails ends this group only."""

    name: str
    actions: tuple[Action, ...] = ()
    #: Why the item cannot be done (exit status 1).
    problem: str = ""
    #: What a person should know although nothing is wrong.
    note: str = ""
    #: What would have to get another name for that, or could not be read for want of a right.
    hinders: str = ""
    shut: str = ""


class Done(NamedTuple):
    """What became of a group: the steps that were done, up to the first that failed."""

    name: str
    actions: tuple[Action, ...]
    problem: str
    note: str


class Plan(NamedTuple):
    """All steps of one start."""

    groups: tuple[Group, ...]

    @property
    def is_empty(self) -> bool:
        """Whether everything is as it should be."""
        return not any(group.actions for group in self.groups)

    @property
    def is_exclusive(self) -> bool:
        """Whether a second start must wait for this one."""
        return any(isinstance(action, EXCLUSIVE) for group in self.groups for action in group.actions)


class Rules(NamedTuple):
    """What the place allows."""

    items: str
    writable: bool
    home_is_ephemeral: bool
    shared: bool = False
    hindered: bool = False  # it cannot be written now, but may be later
    free: int | None = None  # bytes that the storage can still take
    modes_stick: bool = True  # permissions that are set in storage stay
    home: str = ""
    local: str = ""  # the bootstrap's own folder in HOME


def plan_item(state: ItemState, rules: Rules) -> Group:
    """The steps that make ``state`` right under ``rules``."""
    name = state.item.name
    if state.store == BROKEN:
        # A dead ~/.local keeps Jupyter from starting.
        away = (RemoveLink(state.path, state.leads),) if state.home == OURS and state.leads else ()
        return Group(
            name,
            away,
            problem=f"{state.trouble}; your home is left as it is.",
            hinders=state.hinders,
            shut=state.shut,
        )
    if state.store != MISSING and state.item.kind != ANY and state.store != state.item.kind:
        return Group(
            name,
            problem=f"{state.target} is a {state.store} where a {state.item.kind} is needed; "
            "your home is left as it is. Rename it.",
            hinders=state.target,
        )
    if state.holds_storage:
        return Group(name, problem=f"{state.path} holds the storage itself; it is left alone. Rename one.")
    if state.home == MOUNT:
        return Group(name, note="it is a mount of its own and left alone.")
    if state.home == OTHER or (state.home == LIVE and state.store == MISSING and state.kind == OTHER):
        return Group(
            name,
            problem=f"{state.path} is neither a file nor a folder; it is left alone. Rename it.",
            hinders=state.path,
        )
    if state.way == COPY and not (state.home == OURS and not state.leads):
        from bootstrap.copied import plan_copied

        return plan_copied(state, rules)
    group = _without_store(state, rules) if state.store == MISSING else _with_store(state, rules)
    if state.agreed and state.home != MISSING and (group.actions or state.home == OURS):
        # It was a copy until now.
        forget = Remove(agreement.file(rules.local, name))
        return group._replace(actions=(*group.actions, forget))
    return group


def _with_store(state: ItemState, rules: Rules) -> Group:
    """Storage has the item, so storage wins."""
    name, link = state.item.name, Link(state.path, state.target)
    chmods, note = _chmods(state, rules)
    if state.home == OURS:
        return Group(name, chmods, note=note)
    if state.home == MISSING:
        return Group(name, (*chmods, link), note=note)
    if state.home in (LIVE, DEAD):
        return Group(name, (*chmods, Relink(state.path, state.target, state.leads)), note=note)
    aside = SetAside(state.path, name)
    if state.covered:
        return Group(name, (*chmods, aside, link, DropAside(state.target)), note=note)
    if state.sides or (state.policy != STORAGE and not state.from_image):
        return _by_policy(state, rules, chmods)
    if not rules.home_is_ephemeral or state.from_image:
        return Group(
            name, (*chmods, aside, link), note=note or "this home's own was set aside; storage has another."
        )
    if state.large:
        return Group(name, note=LATER)
    if rules.hindered:
        return Group(name, note="this home's own stays for now, for no copy of it can be kept in storage.")
    if not rules.writable:
        return Group(
            name,
            (aside, link),
            note="this home's own was set aside, here only, for the storage cannot be written.",
        )
    if trouble := no_room(state, rules):
        return Group(name, problem=trouble)
    return Group(
        name,
        (*chmods, Keep(state.path, name), aside, link),
        note=note or "this home's own was set aside, and a copy kept in storage.",
    )


def _by_policy(state: ItemState, rules: Rules, chmods: tuple[Action, ...]) -> Group:
    """Both sides have it and differ, and storage does not simply win."""
    from bootstrap import copied, merge

    name = state.item.name
    if state.policy == STOP and not state.sides:
        return stopped(state)
    if state.large:
        return Group(name, note=LATER)
    if not rules.writable:
        return Group(name, note="the storage cannot be written, so this home's own stays for now.")
    if trouble := no_room(state, rules):
        return Group(name, problem=trouble)
    end = (SetAside(state.path, name), Link(state.path, state.target))
    if state.sides is None:
        first = Replace(state.path, state.target, name, keep=True)
        return Group(name, (*chmods, first, *end), note="this home's is used; storage's own was set aside.")
    policy = MERGE if state.replaced else state.policy
    choices = merge.decide(state.sides.home, state.sides.storage, state.sides.base, policy)
    if any(choice.what == merge.CONFLICT for choice in choices):
        return stopped(state)
    kept: list[Action] = []
    if rules.home_is_ephemeral:
        for choice in choices:
            if choice.what == merge.REPLACE_IN_HOME and choice.keep:
                here, _, path = copied.places(state, choice)
                kept.append(Keep(here, path))
    steps = (*chmods, *kept, *copied.into_storage(state, choices), *end)
    return Group(name, steps, note=copied.both_changed(choices, policy))


def stopped(state: ItemState) -> Group:
    """Both sides differ, and the settings say that a person decides."""
    return Group(
        state.item.name,
        problem=f"{state.path} and {state.target} differ, and the settings say `conflict: stop`. "
        "Rename one of them.",
    )


def open_key(state: ItemState) -> str:
    """A word on a key that is only linked from where its permissions would be mended."""
    return f"{state.open_key} leads to a file that others can read; run `chmod 600 {state.open_key}`."


def _without_store(state: ItemState, rules: Rules) -> Group:
    """Storage does not have the item yet."""
    name, item = state.item.name, state.item
    if state.home in (FOLDER, FILE, LIVE):
        if not rules.writable:
            return Group(name, note="the storage cannot be written, so this stays in this home only.")
        if item.kind not in (ANY, state.kind):
            return Group(
                name,
                problem=f"{state.path} is a {state.kind} where a {item.kind} is needed; "
                "it is left alone. Rename it.",
                hinders=state.path,
            )
        if state.large:
            return Group(name, note=LATER)
        if trouble := no_room(state, rules):
            return Group(name, problem=trouble)
        adopt = Adopt(state.path, state.target, name)
        if state.home == LIVE:
            steps: tuple[Action, ...] = (adopt, Relink(state.path, state.target, state.leads))
        else:
            steps = (adopt, SetAside(state.path, name), Link(state.path, state.target))
        return Group(name, steps, note=_shared(name, rules))
    if not rules.writable or item.kind == ANY:
        # A dead ~/.local keeps Jupyter from starting; a link of ours that leads nowhere is of no use to
        # anybody.
        if state.home == OURS:
            return Group(name, (RemoveLink(state.path, state.leads),))
        if item.kind == ANY:
            return Group(
                name,
                note="neither home nor storage has it yet. Create it and run `deepdesign-bootstrap apply`, "
                "or say `kind: folder` or `kind: file` in the settings.",
            )
        return Group(name)
    folder = item.kind == FOLDER
    mode = modes.at_birth(name, folder=folder)
    birth: Action = MakeFolder(state.target, mode) if folder else MakeFile(state.target, mode)
    steps = (birth,)
    if state.home == MISSING:
        steps = (birth, Link(state.path, state.target))
    elif state.home == DEAD:
        steps = (birth, Relink(state.path, state.target, state.leads))
    return Group(name, steps, note=_shared(name, rules))


def _chmods(state: ItemState, rules: Rules) -> tuple[tuple[Action, ...], str]:
    """Steps for wrong permissions, and a word on those that cannot be mended."""
    note = open_key(state) if state.open_key else ""
    if not state.wrong_modes:
        return (), note
    first = state.wrong_modes[0].path
    if not rules.writable:
        return (), f"{first} is readable to others, and the storage cannot be written."
    if not rules.modes_stick:
        if state.home == OURS:  # said when the link was made
            return (), note
        return (), f"{first} is readable to others, for permissions do not stick in this storage."
    mendable = [wrong for wrong in state.wrong_modes if wrong.names == 1]
    shared = [wrong for wrong in state.wrong_modes if wrong.names != 1]
    if shared:
        note = f"{shared[0].path} has a second name elsewhere, so its permissions are left alone."
    root = os.path.dirname(state.target)
    return tuple(ChangeMode(root, wrong.path, wrong.mode, wrong.wanted) for wrong in mendable), note


def _shared(name: str, rules: Rules) -> str:
    """The one warning about keys in a team's storage, when they go there."""
    if not rules.shared or name not in KEYS:
        return ""
    return SHARED


def no_room(state: ItemState, rules: Rules) -> str:
    """Why the storage cannot take what HOME has, if it cannot."""
    need = state.size.bytes if state.size else 0
    if rules.free is None or need <= rules.free:
        return ""
    return (
        f"the storage has {rules.free:,} bytes left and {state.path} needs {need:,}; "
        "your home is left as it is. Make room there."
    )


KEYS = (".ssh", ".git-credentials")
APART = "Put `export DEEPDESIGN_USER=NAME; ` before the notebook's start command to have your own."
SHARED = f"whoever shares this storage can read what is in it, and is given it too. {APART}"
LATER = (
    "it is too large to be moved while a notebook starts; run `deepdesign-bootstrap apply` in a terminal "
    "to keep it in storage."
)


def plan_lost_links(states: tuple[ItemState, ...]) -> tuple[Group, ...]:
    """Without storage: take away links of ours that lead nowhere now, for with them Jupyter does not
    start.
    """
    return tuple(
        Group(state.item.name, (RemoveLink(state.path, state.leads),))
        for state in states
        if state.home in (observe.DEAD, observe.OURS)
    )
