"""What should happen to an item of which HOME has a copy: pure, like ``plan``, of which it is a part."""

import os

from bootstrap import agreement, merge, plan
from bootstrap.actions import (
    Action,
    Adopt,
    ChangeMode,
    Keep,
    RemoveLink,
    Replace,
    Restore,
    Retire,
    SetAside,
    Write,
)
from bootstrap.items import FILE, FOLDER, HOME, STORAGE
from bootstrap.merge import Step, Tree
from bootstrap.observe import LIVE, MISSING, ItemState, Sides
from bootstrap.plan import Group, Rules


def plan_copied(state: ItemState, rules: Rules) -> Group:
    """The steps after which home and storage hold the same."""
    name = state.item.name
    if state.large:
        return Group(name, note=plan.LATER)
    if state.home not in (FOLDER, FILE):
        steps = _fetched(state, rules)
    elif state.sides is None:
        return Group(name)
    else:
        choices = merge.decide(state.sides.home, state.sides.storage, state.sides.base, state.policy)
        if any(choice.what == merge.CONFLICT for choice in choices):
            return plan.stopped(state)
        if adds(choices) and (trouble := plan.no_room(state, rules)):
            return Group(name, problem=trouble)
        steps = _together(state, state.sides, choices, rules)
        note = both_changed(choices, state.policy)
        if note and steps:
            return Group(name, steps, note=note)
    return Group(name, steps, note=_why(state, rules, steps))


def _why(state: ItemState, rules: Rules, steps: tuple[Action, ...]) -> str:
    if state.open_key:
        return plan.open_key(state)
    if state.home in (FOLDER, FILE) and not rules.writable:
        return "the storage cannot be written, so what changes here stays in this home only."
    if not steps or not state.why:
        return ""
    return f"this home has a copy, since {state.why}. Run `deepdesign-bootstrap apply` after a change."


def _fetched(state: ItemState, rules: Rules) -> tuple[Action, ...]:
    """HOME has a link or nothing: it gets the storage's."""
    sides = state.sides or Sides({}, {})
    was = state.leads if state.home != MISSING else ""
    fetch: Action = Restore(state.target, state.path, state.item.name, was)
    if state.store != MISSING:
        return (*_chmods(state, rules), fetch, *_record(state, sides.storage, rules))
    if state.home == LIVE and rules.writable:
        # A home of an older layout.
        adopt = Adopt(state.path, state.target, state.item.name)
        return (adopt, fetch, *_record(state, sides.storage, rules))
    return (RemoveLink(state.path, state.leads),) if state.home not in (MISSING, LIVE) else ()


def _together(state: ItemState, sides: Sides, choices: tuple[Step, ...], rules: Rules) -> tuple[Action, ...]:
    steps: list[Action] = [*_chmods(state, rules)]
    for choice in choices:
        here, there, name = places(state, choice)
        if choice.what == merge.ADD_TO_HOME:
            steps.append(Restore(there, here, name, ""))
        elif choice.what == merge.REPLACE_IN_HOME:
            if choice.keep and rules.home_is_ephemeral:
                if not rules.writable:
                    continue  # its one copy would be gone with this home
                steps.append(Keep(here, name))
            steps.append(Replace(there, here, name, choice.keep))
        elif choice.what == merge.TAKE_FROM_HOME:
            steps.append(SetAside(here, name))
    if not rules.writable:
        return tuple(steps)
    steps += into_storage(state, choices)
    return (*steps, *_record(state, merge.agreed(sides.home, sides.storage, choices), rules))


def into_storage(state: ItemState, choices: tuple[Step, ...]) -> list[Action]:
    """The steps of ``choices`` that change storage."""
    steps: list[Action] = []
    for choice in choices:
        here, there, name = places(state, choice)
        if choice.what == merge.ADD_TO_STORAGE:
            steps.append(Adopt(here, there, name))
        elif choice.what == merge.REPLACE_IN_STORAGE:
            steps.append(Replace(here, there, name, choice.keep))
        elif choice.what == merge.TAKE_FROM_STORAGE:
            steps.append(Retire(there, name))
    return steps


def places(state: ItemState, choice: Step) -> tuple[str, str, str]:
    """The path of a step's entry in HOME, in storage, and its name from HOME."""
    if not choice.path:
        return state.path, state.target, state.item.name
    return (
        os.path.join(state.path, choice.path),
        os.path.join(state.target, choice.path),
        f"{state.item.name}/{choice.path}",
    )


def adds(choices: tuple[Step, ...]) -> bool:
    """Whether storage will take more room."""
    return any(choice.what in (merge.ADD_TO_STORAGE, merge.REPLACE_IN_STORAGE) for choice in choices)


def both_changed(choices: tuple[Step, ...], policy: str) -> str:
    """What a person should know of what both sides have and which differs."""
    lost = [choice for choice in choices if choice.keep]
    if not lost:
        return ""
    first = f"{lost[0].path or 'it'}{f' and {len(lost) - 1} more' if len(lost) > 1 else ''}"
    side = {HOME: "this home's is used", STORAGE: "storage's is used"}.get(policy, "the newer is used")
    return f"{first} differed here and in storage: {side}, the other was set aside."


def _record(state: ItemState, tree: Tree, rules: Rules) -> tuple[Action, ...]:
    """Write down what both sides have now, unless that is on record."""
    content = agreement.text(state.target, tree)
    if state.sides is not None and state.sides.record == content:
        return ()
    return (Write(agreement.file(rules.local, state.item.name), content, 0o600),)


def _chmods(state: ItemState, rules: Rules) -> tuple[Action, ...]:
    """Wrong permissions in HOME, and in storage if they stick there."""
    home = [ChangeMode(rules.home, wrong.path, wrong.mode, wrong.wanted) for wrong in state.home_modes]
    if not (rules.writable and rules.modes_stick):
        return tuple(home)
    root = os.path.dirname(state.target)
    there = [
        ChangeMode(root, wrong.path, wrong.mode, wrong.wanted)
        for wrong in state.wrong_modes
        if wrong.names == 1
    ]
    return (*home, *there)
