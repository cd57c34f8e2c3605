"""What was set aside goes when it is old and elsewhere too, and never the last copy of anything."""

import os
import time
from pathlib import Path

import pytest

from bootstrap import undo
from bootstrap.place import Options
from tests.bootstrap.homes import Scratch, bytes_anywhere, put

DAY = 24 * 3600


def aside(scratch: Scratch, number: int, text: str, *, days: int, stored: bool = False) -> Path:
    """One that is ``days`` old."""
    folder = scratch.cfg / ".deepdesign/asides" if stored else scratch.local / "asides"
    path = put(folder / f"aside-{number}" / ".config/app", text)
    at = time.time() - days * DAY
    os.utime(path.parent.parent, (at, at))
    return path


@pytest.fixture
def used(scratch: Scratch) -> Scratch:
    put(scratch.cfg / ".config/app", "in storage")
    scratch.settings("asides: {keep: 2, days: 30}\n")
    assert scratch.apply().status == 0
    return scratch


@pytest.mark.parametrize("stored", [False, True])
def test_what_is_old_and_in_storage_too_goes(used: Scratch, stored: bool) -> None:
    young = [aside(used, number, "in storage", days=number, stored=stored) for number in range(4)]
    old = [aside(used, 100 + number, "in storage", days=100 + number, stored=stored) for number in range(4)]
    before = bytes_anywhere(used.storage)
    assert used.apply().status == 0
    assert all(path.exists() for path in young)
    assert not any(path.exists() for path in old)
    assert before <= bytes_anywhere(used.storage)
    assert (used.local / "journal.jsonl").read_text().count('"prune"') == 4
    assert used.look().plan.is_empty


def test_the_newest_stay_however_old(used: Scratch) -> None:
    paths = [aside(used, number, "in storage", days=100 + number) for number in range(4)]
    assert used.apply().status == 0
    assert [path.exists() for path in paths] == [True, True, False, False]


def test_the_last_copy_of_anything_stays(used: Scratch) -> None:
    newest = [aside(used, number, "in storage", days=50) for number in range(2)]
    once = aside(used, 10, "nowhere else", days=200)
    twice = [aside(used, 20 + number, "only here", days=100 + number) for number in range(3)]
    assert used.apply().status == 0
    assert all(path.exists() for path in newest)
    assert once.exists()
    assert [path.exists() for path in twice] == [True, False, False]


def test_storage_changed_meanwhile_keeps_the_old_version(used: Scratch) -> None:
    paths = [aside(used, number, "in storage", days=100 + number) for number in range(3)]
    put(used.cfg / ".config/app", "changed")
    assert used.apply().status == 0
    assert [path.exists() for path in paths] == [True, True, False]  # two newer ones have the same
    put(paths[1], "x")
    assert used.apply().status == 0
    assert paths[0].exists()


def test_undo_without_storage_gives_back_what_was_pruned_down_to_the_newest(scratch: Scratch) -> None:
    put(scratch.home / ".config/app", "home's")
    scratch.settings("asides: {keep: 1, days: 0}\n")
    assert scratch.apply().status == 0
    for _ in range(2):
        assert scratch.apply().status == 0
    scratch.storage.rename(scratch.storage.with_name("unplugged"))
    result = undo.run(Options(str(scratch.home), str(scratch.storage), None, "plain"), {})
    assert result.status == 0
    assert (scratch.home / ".config/app").read_text() == "home's"


@pytest.mark.parametrize(
    "text", ["asides: 5", "asides: {keep: -1}", "asides: {days: many}", "asides: {weeks: 2}", "conflict: ask"]
)
def test_wrong_settings_are_named(scratch: Scratch, text: str) -> None:
    from bootstrap.errors import WrongInputError

    scratch.settings(text + "\n")
    with pytest.raises(WrongInputError, match=text.partition(":")[0]):
        scratch.apply()
