"""Items of which a home has a copy: brought together at each start, with nobody's newer edit lost."""

import json
import os
from pathlib import Path

import pytest

from bootstrap import start
from bootstrap.place import Options
from tests.bootstrap.homes import Scratch, bytes_anywhere, mode, put, tree
from tests.bootstrap.systems import Watched

COPY = "items: [{name: .ssh, persist: copy}, {name: .gitconfig, persist: copy}]\nconflict: %s\n"


@pytest.fixture
def copied(scratch: Scratch) -> Scratch:
    """A home that has copies, in agreement with storage."""
    scratch.settings(COPY % "storage")
    put(scratch.home / ".ssh/id_x", "key", 0o644)
    put(scratch.home / ".ssh/config", "Host a", 0o644)
    put(scratch.home / ".gitconfig", "[user]")
    assert scratch.apply().status == 0
    assert scratch.look().plan.is_empty
    return scratch


def texts(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.iterdir() if path.is_file()}


def note(result: start.Result, name: str) -> str:
    return next(done.note for done in result.done or () if done.name == name)


def test_home_has_real_files_and_storage_the_same(copied: Scratch) -> None:
    for side in (copied.home, copied.cfg):
        assert not (side / ".ssh").is_symlink()
        assert texts(side / ".ssh") == {"id_x": "key", "config": "Host a"}
        assert mode(side / ".ssh") == 0o700
        assert mode(side / ".ssh/id_x") == 0o600
        assert (side / ".gitconfig").read_text() == "[user]"
    assert not (copied.local / "asides").exists()


def test_the_next_home_gets_a_copy_with_the_right_permissions(copied: Scratch) -> None:
    machine = copied.next_machine()
    assert machine.apply().status == 0
    assert texts(machine.home / ".ssh") == {"id_x": "key", "config": "Host a"}
    assert mode(machine.home / ".ssh") == 0o700
    assert mode(machine.home / ".ssh/id_x") == 0o600
    assert machine.look().plan.is_empty


def test_what_changes_here_is_copied_back(copied: Scratch) -> None:
    put(copied.home / ".ssh/known_hosts", "host", 0o644)
    put(copied.home / ".ssh/config", "Host b", 0o600)
    (copied.home / ".ssh/id_x").unlink()
    result = copied.apply()
    assert result.status == 0
    assert texts(copied.cfg / ".ssh") == {"known_hosts": "host", "config": "Host b"}
    assert mode(copied.cfg / ".ssh/known_hosts") == 0o600
    assert "key" in {path.read_text() for path in (copied.cfg / ".deepdesign/asides").rglob("id_x")}
    assert copied.look().plan.is_empty


def test_what_another_notebook_changed_comes_here(copied: Scratch) -> None:
    other = copied.next_machine()
    assert other.apply().status == 0
    put(other.home / ".ssh/config", "Host other", 0o600)
    put(other.home / ".ssh/id_new", "new key", 0o600)
    (other.home / ".ssh/id_x").unlink()
    assert other.apply().status == 0
    assert copied.apply().status == 0
    assert texts(copied.home / ".ssh") == {"config": "Host other", "id_new": "new key"}
    assert mode(copied.home / ".ssh/id_new") == 0o600
    assert copied.look().plan.is_empty


@pytest.mark.parametrize(
    ("policy", "wins"), [("storage", "there"), ("home", "here"), ("merge", "here"), ("stop", None)]
)
def test_where_both_changed_both_are_kept_and_it_is_said(
    copied: Scratch, policy: str, wins: str | None
) -> None:
    copied.settings(COPY % policy)
    put(copied.cfg / ".ssh/config", "there", 0o600)
    os.utime(copied.cfg / ".ssh/config", (1, 1))
    put(copied.home / ".ssh/config", "here", 0o600)
    before = bytes_anywhere(copied.home / ".ssh", copied.cfg / ".ssh")
    result = copied.apply(profile="gradient")
    assert before <= bytes_anywhere(copied.home, copied.storage)
    if wins is None:
        assert result.status == 1
        assert (copied.home / ".ssh/config").read_text() == "here"
        assert (copied.cfg / ".ssh/config").read_text() == "there"
        return
    assert result.status == 0
    assert "config" in note(result, ".ssh")
    assert (copied.home / ".ssh/config").read_text() == wins
    assert (copied.cfg / ".ssh/config").read_text() == wins
    # This home will be gone: storage has both.
    assert before <= bytes_anywhere(copied.storage)
    assert copied.look("gradient").plan.is_empty


@pytest.mark.parametrize("side", ["home", "storage"])
def test_a_side_that_lost_everything_is_filled_again(copied: Scratch, side: str) -> None:
    lost = (copied.home if side == "home" else copied.cfg) / ".ssh"
    before = tree(lost)
    for path in lost.iterdir():
        path.unlink()
    if side == "home":
        lost.rmdir()
    assert copied.apply().status == 0
    assert tree(lost) == before


def test_an_edit_while_the_copy_is_made_is_not_lost(copied: Scratch) -> None:
    put(copied.home / ".ssh/config", "first edit", 0o600)

    def edit(number: int, name: str) -> None:
        if name == "copy_file":
            put(copied.home / ".ssh/config", "second edit", 0o600)

    assert copied.apply(Watched(after=edit)).status == 0  # type: ignore[arg-type]
    assert copied.apply().status == 0
    assert (copied.home / ".ssh/config").read_text() == "second edit"
    assert (copied.cfg / ".ssh/config").read_text() == "second edit"


def test_a_link_becomes_a_copy_and_a_copy_a_link_without_loss(copied: Scratch) -> None:
    put(copied.home / ".ssh/config", "edited here", 0o600)
    copied.settings("items: [{name: .ssh, persist: link}]\n")
    assert copied.apply().status == 0
    assert (copied.home / ".ssh").readlink() == copied.cfg / ".ssh"
    assert (copied.home / ".ssh/config").read_text() == "edited here"
    assert not (copied.local / "copies/.ssh").exists()
    assert copied.look().plan.is_empty
    copied.settings(COPY % "storage")
    assert copied.apply().status == 0
    assert not (copied.home / ".ssh").is_symlink()
    assert texts(copied.home / ".ssh") == {"id_x": "key", "config": "edited here"}
    assert copied.look().plan.is_empty


def test_a_start_without_changes_writes_nothing(copied: Scratch) -> None:
    before = {path: path.lstat().st_ctime_ns for path in copied.home.parent.rglob("*")}
    assert copied.apply().plan.is_empty
    assert {path: path.lstat().st_ctime_ns for path in copied.home.parent.rglob("*")} == before


def test_the_record_holds_names_and_hashes_only(copied: Scratch) -> None:
    record = (copied.local / "copies/.ssh").read_text()
    assert "key" not in json.loads(record)["entries"].values()
    assert "Host a" not in record
    assert mode(copied.local / "copies/.ssh") == 0o600


def test_a_storage_that_cannot_be_written_still_gives_what_it_has(
    copied: Scratch, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = copied.next_machine()
    put(machine.home / ".ssh/mine", "mine", 0o600)
    before = tree(copied.storage)
    place = start.locate(Options(str(machine.home), str(machine.storage), None, "gradient"), {})
    result = start._without_writing(place, Watched(), "")  # type: ignore[arg-type]
    assert not result.problems
    assert tree(copied.storage) == before
    assert {"mine": "mine", "id_x": "key"}.items() <= texts(machine.home / ".ssh").items()


def test_an_older_layouts_link_becomes_a_copy(scratch: Scratch) -> None:
    old = put(scratch.storage / "config/.ssh/id_x", "key", 0o600).parent
    (scratch.home / ".ssh").symlink_to(old)
    scratch.settings(COPY % "storage")
    assert scratch.apply().status == 0
    assert not (scratch.home / ".ssh").is_symlink()
    assert (scratch.home / ".ssh/id_x").read_text() == "key"
    assert (scratch.cfg / ".ssh/id_x").read_text() == "key"
    assert (old / "id_x").read_text() == "key"
    assert scratch.look().plan.is_empty
