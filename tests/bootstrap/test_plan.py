"""The planner, over every combination of what can be observed: some thousands, all of them."""

from collections.abc import Iterator
from itertools import product

from bootstrap.actions import (
    Adopt,
    ChangeMode,
    DropAside,
    Keep,
    Link,
    MakeFile,
    MakeFolder,
    Relink,
    RemoveLink,
    Replace,
    SetAside,
)
from bootstrap.items import ANY, FILE, FOLDER, HOME, STOP, Item
from bootstrap.observe import BROKEN, DEAD, LIVE, MISSING, MOUNT, OTHER, OURS, ItemState
from bootstrap.plan import Group, Plan, Rules, plan_item
from bootstrap.trees import Size
from bootstrap.wrong_modes import WrongMode

_STORAGE_WRITES = (MakeFolder, MakeFile, Adopt, Keep, Replace, ChangeMode)


def everything() -> Iterator[tuple[ItemState, Rules]]:
    for kind, home, store, behind in product(
        (FOLDER, FILE, ANY),
        (MISSING, FOLDER, FILE, OTHER, OURS, LIVE, DEAD, MOUNT),
        (MISSING, FOLDER, FILE, BROKEN),
        (FOLDER, FILE, OTHER),
    ):
        for covered, from_image, large, wrong, writable, ephemeral, hindered, free in product(
            *[(False, True)] * 7, (None, 0, 10**9)
        ):
            real = home in (FOLDER, FILE)
            if (writable and hindered) or (behind != FOLDER and home != LIVE):
                continue
            state = ItemState(
                Item(".item", kind),
                "/home/.item",
                "/storage/cfg/.item",
                home,
                store,
                behind if home == LIVE else home if real else MISSING,
                "/elsewhere" if home in (LIVE, DEAD) else "/storage/cfg/.item" if home == OURS else "",
                "it is broken" if store == BROKEN else "",
                Size(1, 100, 0.0) if real or home == LIVE else None,
                large,
                covered and real and store != MISSING,
                from_image and real,
                (WrongMode(".item/id_x", 0o644, 0o600, 1),) if wrong and store in (FOLDER, FILE) else (),
            )
            rules = Rules("/storage/cfg", writable, ephemeral, free=free, hindered=hindered)
            yield state, rules
            if real and store in (FOLDER, FILE):
                for policy in (HOME, STOP):  # what merge does is decided entry by entry, in test_merge
                    yield state._replace(policy=policy), rules


def index(group: Group, kind: type) -> int:
    return next((number for number, action in enumerate(group.actions) if isinstance(action, kind)), -1)


def test_there_are_thousands_of_states() -> None:
    assert sum(1 for _ in everything()) > 10_000


def test_a_storage_that_cannot_be_written_is_not_written() -> None:
    for state, rules in everything():
        group = plan_item(state, rules)
        if not rules.writable:
            assert not any(isinstance(action, _STORAGE_WRITES) for action in group.actions), (state, rules)


def test_nothing_is_done_to_an_item_that_has_a_problem() -> None:
    for state, rules in everything():
        group = plan_item(state, rules)
        # But for a link of ours that leads nowhere: with a dead ~/.local Jupyter does not start.
        dead_end = state.store == BROKEN and state.home == OURS
        steps = [step for step in group.actions if not (dead_end and isinstance(step, RemoveLink))]
        assert not (group.problem and steps), (state, rules)
        if state.store == BROKEN or state.home in (MOUNT, OTHER):
            assert not steps, (state, rules)


def test_what_goes_out_of_sight_of_a_home_that_will_be_gone_is_in_storage_first() -> None:
    for state, rules in everything():
        group = plan_item(state, rules)
        aside = index(group, SetAside)
        if aside < 0 or not rules.home_is_ephemeral or state.covered or state.from_image:
            continue
        if state.store == MISSING:
            assert 0 <= index(group, Adopt) < aside, (state, rules)
        elif state.policy == HOME:
            assert 0 <= index(group, Replace) < aside, (state, rules)
        elif rules.writable:
            assert 0 <= index(group, Keep) < aside, (state, rules)
        else:
            assert not rules.hindered, (state, rules)


def test_what_home_replaces_in_storage_is_kept() -> None:
    for state, rules in everything():
        for action in plan_item(state, rules).actions:
            assert not isinstance(action, Replace) or action.keep, (state, rules)


def test_stop_means_that_nothing_is_done_where_both_differ() -> None:
    for state, rules in everything():
        if state.policy == STOP and not state.covered and not state.from_image:
            group = plan_item(state, rules)
            assert group.problem or group.note, (state, rules)
            assert not any(isinstance(step, (SetAside, Link, Replace, Keep)) for step in group.actions)


def test_no_link_is_made_to_nothing() -> None:
    for state, rules in everything():
        group = plan_item(state, rules)
        link = max(index(group, Link), index(group, Relink))
        if link >= 0 and state.store == MISSING:
            made = max(index(group, MakeFolder), index(group, MakeFile), index(group, Adopt))
            assert 0 <= made < link, (state, rules)


def test_only_what_is_set_aside_or_missing_is_linked_over() -> None:
    for state, rules in everything():
        group = plan_item(state, rules)
        if index(group, Link) >= 0:
            assert state.home == MISSING or 0 <= index(group, SetAside) < index(group, Link), (state, rules)
        if index(group, Relink) >= 0:
            assert state.home in (LIVE, DEAD), (state, rules)
        if index(group, RemoveLink) >= 0:
            assert state.home == OURS, (state, rules)
            assert state.store in (MISSING, BROKEN), (state, rules)
        if index(group, DropAside) >= 0:
            assert state.covered, (state, rules)


def test_what_is_right_stays_untouched() -> None:
    for state, rules in everything():
        group = plan_item(state, rules)
        if state.home == OURS and state.store in (FOLDER, FILE) and not state.wrong_modes:
            assert not group.actions, (state, rules)


def test_whatever_takes_something_out_of_sight_needs_the_lease() -> None:
    for state, rules in everything():
        group = plan_item(state, rules)
        if any(isinstance(action, (*_STORAGE_WRITES, SetAside)) for action in group.actions):
            assert Plan((group,)).is_exclusive


def test_every_state_that_is_not_reached_is_explained() -> None:
    for state, rules in everything():
        group = plan_item(state, rules)
        reached = group.actions or (state.home == OURS and state.store in (FOLDER, FILE))
        nothing_there = state.store == MISSING and state.home in (MISSING, DEAD, OURS) and not rules.writable
        assert reached or nothing_there or group.problem or group.note, (state, rules)
