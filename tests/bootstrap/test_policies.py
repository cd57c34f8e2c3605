"""What happens to an item that both home and storage have: storage, home, merge or stop."""

import json
import os
from pathlib import Path

import pytest

from bootstrap import container
from tests.bootstrap.homes import Scratch, bytes_anywhere, program, put, tree


def both(scratch: Scratch, policy: str, *, single: bool = False) -> set[str]:
    """``.config`` (or ``.gitconfig``) on both sides; home's ``shared`` is the newer."""
    scratch.settings(f"conflict: {policy}\n")
    if single:
        put(scratch.cfg / ".gitconfig", "storage's")
        put(scratch.home / ".gitconfig", "home's")
        os.utime(scratch.cfg / ".gitconfig", (1, 1))
    else:
        put(scratch.cfg / ".config/shared", "storage's")
        put(scratch.cfg / ".config/newer", "storage's newer")
        put(scratch.cfg / ".config/only-storage/x", "x")
        put(scratch.home / ".config/shared", "home's")
        put(scratch.home / ".config/newer", "home's older")
        put(scratch.home / ".config/only-home/y", "y")
        os.utime(scratch.cfg / ".config/shared", (1, 1))
        os.utime(scratch.home / ".config/newer", (1, 1))
    return bytes_anywhere(scratch.home, scratch.storage)


def kept(scratch: Scratch) -> set[str]:
    """The texts that storage keeps of what gave way."""
    folder = scratch.cfg / ".deepdesign/asides"
    return {path.read_text() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("profile", ["plain", "gradient"])
@pytest.mark.parametrize("policy", ["storage", "home", "merge"])
def test_every_policy_links_loses_nothing_and_is_done_after_once(
    scratch: Scratch, policy: str, profile: str
) -> None:
    before = both(scratch, policy)
    result = scratch.apply(profile=profile)
    assert result.status == 0, [one.problem for one in result.problems]
    assert (scratch.home / ".config").readlink() == scratch.cfg / ".config"
    assert before <= bytes_anywhere(scratch.home, scratch.storage)
    if profile == "gradient":  # that home will be gone
        assert before <= bytes_anywhere(scratch.storage)
    assert scratch.look(profile).plan.is_empty


def test_home_wins_where_the_settings_say_so(scratch: Scratch) -> None:
    both(scratch, "home")
    assert scratch.apply().status == 0
    assert sorted(path.name for path in (scratch.cfg / ".config").iterdir()) == [
        "newer",
        "only-home",
        "shared",
    ]
    assert (scratch.cfg / ".config/shared").read_text() == "home's"
    assert kept(scratch) == {"storage's", "storage's newer", "x"}


def test_merge_adds_what_is_missing_and_uses_the_newer(scratch: Scratch) -> None:
    both(scratch, "merge")
    result = scratch.apply(profile="gradient")
    folder = scratch.cfg / ".config"
    assert (folder / "shared").read_text() == "home's"
    assert (folder / "newer").read_text() == "storage's newer"
    assert (folder / "only-home/y").read_text() == "y"
    assert (folder / "only-storage/x").read_text() == "x"
    assert kept(scratch) == {"storage's", "home's older"}
    (note,) = [one.note for one in result.done or () if one.name == ".config"]
    assert "newer" in note


@pytest.mark.parametrize(("policy", "text"), [("storage", "storage's"), ("home", "home's")])
def test_a_single_file_follows_the_policy(scratch: Scratch, policy: str, text: str) -> None:
    both(scratch, policy, single=True)
    assert scratch.apply().status == 0
    assert (scratch.home / ".gitconfig").is_symlink()
    assert (scratch.home / ".gitconfig").read_text() == text


def test_stop_leaves_both_and_says_so(scratch: Scratch) -> None:
    both(scratch, "stop")
    before = tree(scratch.home / ".config"), tree(scratch.cfg / ".config")
    result = scratch.apply()
    assert result.status == 1
    assert (tree(scratch.home / ".config"), tree(scratch.cfg / ".config")) == before
    assert not (scratch.home / ".config").is_symlink()
    assert "conflict: stop" in result.problems[0].problem
    assert (scratch.home / ".ssh").is_symlink()


def test_stop_is_for_what_differs_only(scratch: Scratch) -> None:
    scratch.settings("conflict: stop\n")
    for side in (scratch.home, scratch.cfg):
        put(side / ".config/app", "same")
    assert scratch.apply().status == 0
    assert (scratch.home / ".config").is_symlink()


def test_an_items_own_policy_counts_before_the_general_one(scratch: Scratch) -> None:
    both(scratch, "storage", single=True)
    scratch.settings("conflict: stop\nitems: [.ssh, {name: .gitconfig, conflict: home}]\n")
    assert scratch.apply().status == 0
    assert (scratch.cfg / ".gitconfig").read_text() == "home's"


@pytest.mark.parametrize("policy", ["home", "merge", "stop"])
def test_what_comes_with_the_image_is_no_conflict(
    scratch: Scratch, policy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    both(scratch, policy)
    monkeypatch.setattr(container, "started", lambda _: 9e9)
    assert scratch.apply(profile="gradient").status == 0
    assert (scratch.cfg / ".config/shared").read_text() == "storage's"
    assert not (scratch.cfg / ".config/only-home").exists()


@pytest.mark.parametrize(
    ("policy", "shown"), [("home", "Replace"), ("merge", "Adopt"), ("storage", "SetAside"), ("stop", None)]
)
def test_the_plan_shows_what_the_policy_will_do(scratch: Scratch, policy: str, shown: str | None) -> None:
    both(scratch, policy)
    before = tree(scratch.home.parent)
    done = program("plan", "--home", scratch.home, "--storage", scratch.storage, "--json")
    assert tree(scratch.home.parent) == before
    (item,) = [one for one in json.loads(done.stdout)["items"] if one["name"] == ".config"]
    assert item["conflict"] == policy
    assert item["persist"] == "link"
    steps = [step["action"] for step in item["actions"]]
    assert (shown in steps) if shown else not steps
    assert bool(item["problem"]) is (policy == "stop")


def test_a_program_that_replaces_the_link_by_a_file_has_the_newer_version(scratch: Scratch) -> None:
    put(scratch.home / ".gitconfig", "old")
    assert scratch.apply().status == 0
    os.utime(scratch.cfg / ".gitconfig", (1, 1))
    new = put(scratch.home / ".gitconfig.new", "new")
    new.rename(scratch.home / ".gitconfig")
    assert scratch.apply(profile="gradient").status == 0
    assert (scratch.home / ".gitconfig").is_symlink()
    assert (scratch.home / ".gitconfig").read_text() == "new"
    assert "old" in kept(scratch)


def test_a_file_in_place_of_our_link_that_is_older_than_storage_is_set_aside(scratch: Scratch) -> None:
    put(scratch.home / ".gitconfig", "first")
    assert scratch.apply().status == 0
    (scratch.home / ".gitconfig").unlink()
    os.utime(put(scratch.home / ".gitconfig", "older"), (1, 1))
    assert scratch.apply().status == 0
    assert (scratch.home / ".gitconfig").read_text() == "first"
    assert "older" in {path.read_text() for path in scratch.local.glob("asides/*/.gitconfig")}


def test_a_relative_link_that_leaves_its_item_still_leads_there(scratch: Scratch, tmp_path: Path) -> None:
    put(scratch.home / "themes/dark.css", "dark")
    put(scratch.home / ".config/app/inside.css", "inside")
    (scratch.home / ".config/app/theme.css").symlink_to("../../themes/dark.css")
    (scratch.home / ".config/app/near.css").symlink_to("../app/inside.css")
    assert scratch.apply().status == 0
    assert (scratch.home / ".config/app/theme.css").read_text() == "dark"
    assert (scratch.cfg / ".config/app/near.css").readlink() == Path("../app/inside.css")


def test_a_file_with_holes_takes_no_more_room_in_storage(scratch: Scratch) -> None:
    image = put(scratch.home / ".config/disk.img", "begin")
    with image.open("r+b") as file:
        file.seek(40_000_000)
        file.write(b"middle")
        file.truncate(80_000_000)
    if image.stat().st_blocks * 512 > 1_000_000:
        pytest.skip("this disk keeps no holes")
    before = image.read_bytes()
    assert scratch.apply().status == 0
    copy = scratch.cfg / ".config/disk.img"
    assert copy.read_bytes() == before
    assert copy.stat().st_blocks * 512 < 1_000_000
