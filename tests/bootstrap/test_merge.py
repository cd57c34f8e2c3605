"""Bringing two copies together: by worked values, and over trees that hypothesis makes up."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bootstrap import merge
from bootstrap.items import FOLDER, HOME, MERGE, POLICIES, STOP, STORAGE
from bootstrap.merge import Entry, Step, agreed, decide


def tree(**files: str) -> dict[str, Entry]:
    """A folder of files; ``a__b`` is ``a/b``, and what was written later is newer."""
    found = {"": Entry(FOLDER)}
    for number, (name, text) in enumerate(files.items()):
        path = name.replace("__", "/")
        for end in (index for index, letter in enumerate(path) if letter == "/"):
            found[path[:end]] = Entry(FOLDER)
        found[path] = Entry("file", text, float(number))
    return found


def test_what_only_one_side_has_is_added_to_the_other() -> None:
    steps = decide(tree(mine="1"), tree(theirs="2"), None, STORAGE)
    assert steps == (Step(merge.ADD_TO_STORAGE, "mine"), Step(merge.ADD_TO_HOME, "theirs"))


def test_a_folder_that_one_side_lacks_is_one_step() -> None:
    assert decide(tree(a__b="1", a__c="2"), tree(x="3"), tree(x="3"), STORAGE) == (
        Step(merge.ADD_TO_STORAGE, "a"),
        Step(merge.TAKE_FROM_STORAGE, "x"),
    )


def test_the_side_that_did_not_change_follows_whatever_the_policy() -> None:
    for policy in POLICIES:
        assert decide(tree(a="new"), tree(a="old"), tree(a="old"), policy) == (
            Step(merge.REPLACE_IN_STORAGE, "a"),
        )
        assert decide(tree(a="old"), tree(a="new"), tree(a="old"), policy) == (
            Step(merge.REPLACE_IN_HOME, "a"),
        )


@pytest.mark.parametrize(
    ("policy", "what"),
    [
        (STORAGE, merge.REPLACE_IN_HOME),
        (HOME, merge.REPLACE_IN_STORAGE),
        (STOP, merge.CONFLICT),
    ],
)
def test_where_both_changed_the_policy_decides_and_the_loser_is_kept(policy: str, what: str) -> None:
    (step,) = decide(tree(a="mine"), tree(a="theirs"), tree(a="old"), policy)
    assert step == Step(what, "a", keep=policy != STOP)


def test_merge_uses_the_newer() -> None:
    old, new = {"": Entry("file", "o", 1.0)}, {"": Entry("file", "n", 2.0)}
    assert decide(new, old, None, MERGE) == (Step(merge.REPLACE_IN_STORAGE, "", keep=True),)
    assert decide(old, new, None, MERGE) == (Step(merge.REPLACE_IN_HOME, "", keep=True),)


def test_what_one_side_deleted_goes_from_the_other_but_not_what_the_other_changed() -> None:
    base = tree(a="1", b="2", c="3", rest="x")
    assert decide(tree(b="2", c="3", rest="x"), tree(a="1", b="2", rest="x"), base, STORAGE) == (
        Step(merge.TAKE_FROM_STORAGE, "a"),
        Step(merge.TAKE_FROM_HOME, "c"),
    )
    assert decide(tree(rest="x"), tree(a="changed", b="2", c="3", rest="x"), base, STORAGE)[0] == Step(
        merge.ADD_TO_HOME, "a"
    )


@pytest.mark.parametrize("empty", [{}, {"": Entry(FOLDER)}])
def test_a_side_that_lost_everything_is_filled_again(empty: dict[str, Entry]) -> None:
    full = tree(a="1", b="2")
    assert {step.what for step in decide(empty, full, full, STORAGE)} == {merge.ADD_TO_HOME}
    assert {step.what for step in decide(full, empty, full, STORAGE)} == {merge.ADD_TO_STORAGE}


_NAMES = st.sampled_from(["a", "a/b", "a/b/c", "a-b", "b", "b/c"])
_TREES = st.dictionaries(
    _NAMES, st.builds(Entry, st.just("file"), st.sampled_from("xyz"), st.floats(0, 9))
).map(lambda files: _grown(files))


def _grown(files: dict[str, Entry]) -> dict[str, Entry]:
    """A tree as a disk has it: what has something below it is a folder."""
    found = {"": Entry(FOLDER)}
    for path in sorted(files):
        for end in (index for index, letter in enumerate(path) if letter == "/"):
            found[path[:end]] = Entry(FOLDER)
        found[path] = files[path]
    return found


def _done(home: dict[str, Entry], storage: dict[str, Entry], steps: tuple[Step, ...]) -> dict[str, Entry]:
    """HOME after ``steps``, done the way the executor does them."""
    after = dict(home)
    for step in steps:
        if step.what in (merge.ADD_TO_HOME, merge.REPLACE_IN_HOME, merge.TAKE_FROM_HOME):
            for path in list(merge.below(after, step.path)):
                del after[path]
        if step.what in (merge.ADD_TO_HOME, merge.REPLACE_IN_HOME):
            after.update({path: storage[path] for path in merge.below(storage, step.path)})
    return after


@settings(deadline=None, max_examples=400)
@given(_TREES, _TREES, st.none() | _TREES, st.sampled_from([STORAGE, HOME, MERGE]))
def test_both_sides_agree_afterwards_and_only_what_is_known_or_kept_gives_way(
    home: dict[str, Entry], storage: dict[str, Entry], base: dict[str, Entry] | None, policy: str
) -> None:
    steps = decide(home, storage, base, policy)
    after = agreed(home, storage, steps)
    assert {path: entry.mark for path, entry in after.items()} == {
        path: entry.mark for path, entry in _done(home, storage, steps).items()
    }
    assert decide(after, after, after, policy) == ()
    for step in steps:
        if step.what in (merge.REPLACE_IN_HOME, merge.REPLACE_IN_STORAGE) and not step.keep:
            # What gives way unkept is what both sides once had.
            side = home if step.what == merge.REPLACE_IN_HOME else storage
            assert base is not None
            assert all(side[path].is_as(base[path]) for path in merge.below(side, step.path))
