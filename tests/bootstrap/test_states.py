"""Every state of home and storage, on a real disk."""

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bootstrap import container, start
from tests.bootstrap.homes import DEFAULT_NAMES, Scratch, bytes_anywhere, mode, put, tree
from tests.needs import need


def test_an_empty_home_gets_every_default_item_from_storage(scratch: Scratch) -> None:
    assert scratch.apply().status == 0
    for name in DEFAULT_NAMES:
        assert (scratch.home / name).readlink() == scratch.cfg / name
        assert (scratch.home / name).exists()
    assert mode(scratch.cfg / ".ssh") == 0o700
    assert mode(scratch.cfg / ".git-credentials") == 0o600
    assert mode(scratch.cfg) == 0o700


def test_what_home_has_is_adopted_with_bytes_modes_times_and_links(scratch: Scratch) -> None:
    tool = put(scratch.home / ".local/bin/tool", "#!/bin/sh\n", 0o755)
    os.utime(tool, (1_000_000_000, 1_000_000_000))
    (scratch.home / ".local/bin/alias").symlink_to("tool")
    put(scratch.home / ".local/share/ü\n-x", "odd name")
    put(scratch.home / ".gitconfig", "[user]\n")
    before = tree(scratch.home / ".local")
    assert scratch.apply().status == 0
    assert tree(scratch.cfg / ".local") == before
    assert (scratch.cfg / ".local/bin/tool").stat().st_mtime == 1_000_000_000
    assert (scratch.home / ".gitconfig").is_symlink()
    assert (scratch.home / ".gitconfig").read_text() == "[user]\n"


def test_names_that_are_not_utf8_are_adopted(scratch: Scratch) -> None:
    name = os.fsdecode(b"\xff\xfe")
    put(scratch.home / ".config" / name, "x")
    assert scratch.apply().status == 0
    assert (scratch.cfg / ".config" / name).read_text() == "x"


def test_storage_wins_and_home_is_set_aside(scratch: Scratch) -> None:
    put(scratch.cfg / ".config/app", "storage")
    put(scratch.home / ".config/app", "home")
    assert scratch.apply().status == 0
    assert (scratch.home / ".config/app").read_text() == "storage"
    (aside,) = (scratch.local / "asides").glob("*/.config/app")
    assert aside.read_text() == "home"
    assert mode(aside.parent.parent) == 0o700


def test_an_ephemeral_home_keeps_a_copy_of_the_aside_in_storage_once(scratch: Scratch) -> None:
    put(scratch.cfg / ".config/app", "storage")
    machine = scratch
    for _ in range(3):
        put(machine.home / ".config/app", "home")
        assert machine.apply(profile="gradient").status == 0
        machine = machine.next_machine()
    (kept,) = (scratch.cfg / ".deepdesign/asides").glob("*/.config/app")
    assert kept.read_text() == "home"


def test_the_same_content_on_both_sides_leaves_no_aside(scratch: Scratch) -> None:
    for side in (scratch.home, scratch.cfg):
        put(side / ".config/app/settings", "same")
        put(side / ".gitconfig", "same")
    assert scratch.apply().status == 0
    assert (scratch.home / ".config").is_symlink()
    assert (scratch.home / ".gitconfig").is_symlink()
    assert not list((scratch.local / "asides").iterdir())


def test_an_empty_folder_in_home_gives_way(scratch: Scratch) -> None:
    put(scratch.cfg / ".config/app", "storage")
    (scratch.home / ".config").mkdir()
    assert scratch.apply().status == 0
    assert (scratch.home / ".config/app").read_text() == "storage"


@pytest.mark.parametrize("leads", ["/nowhere/at/all", ".config"], ids=["dangling", "loop"])
def test_a_dead_link_in_home_is_replaced_and_remembered(scratch: Scratch, leads: str) -> None:
    put(scratch.cfg / ".config/app", "storage")
    (scratch.home / ".config").symlink_to(leads)
    assert scratch.apply().status == 0
    assert (scratch.home / ".config/app").read_text() == "storage"
    assert f'"was": "{leads}"' in (scratch.local / "journal.jsonl").read_text()


def test_a_link_of_an_older_layout_is_changed_and_its_target_stays(scratch: Scratch) -> None:
    old = put(scratch.storage / "config/.ssh/id_rsa", "key", 0o600).parent
    (scratch.home / ".ssh").symlink_to(old)
    assert scratch.apply().status == 0
    assert (scratch.home / ".ssh").readlink() == scratch.cfg / ".ssh"
    assert (scratch.home / ".ssh/id_rsa").read_text() == "key"
    assert (old / "id_rsa").read_text() == "key"


def test_links_of_the_widely_used_layout_are_taken_over_untouched(scratch: Scratch) -> None:
    put(scratch.cfg / ".conda/bin/mamba", "x", 0o755)
    put(scratch.storage / ".bash.local", "export FROM_BASH_LOCAL=1\n")
    (scratch.home / ".conda").symlink_to(scratch.cfg / ".conda")
    assert scratch.apply().status == 0
    assert (scratch.home / ".conda/bin/mamba").read_text() == "x"
    assert not (scratch.local / "asides").exists()


@pytest.mark.parametrize("broken", ["dangling", "loop", "file", "socket", "back"])
def test_a_broken_item_in_storage_leaves_home_alone_and_the_others_go_on(
    scratch: Scratch, broken: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(scratch.home / ".config/app", "home")
    scratch.cfg.mkdir()
    place = scratch.cfg / ".config"
    if broken == "dangling":
        place.symlink_to("/nowhere/at/all")
    elif broken == "loop":
        place.symlink_to(".config")
    elif broken == "file":
        place.write_text("a file")
    elif broken == "back":
        place.symlink_to(scratch.home / ".config")
    else:
        monkeypatch.chdir(scratch.cfg)  # a socket's path may have 108 bytes
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(".config")
    before = tree(scratch.home / ".config")
    result = scratch.apply()
    assert result.status == 1
    assert [problem.name for problem in result.problems] == [".config"]
    assert tree(scratch.home / ".config") == before
    assert not (scratch.home / ".config").is_symlink()
    assert (scratch.home / ".ssh").is_symlink()


def test_a_file_where_a_folder_belongs_is_left_alone(scratch: Scratch) -> None:
    put(scratch.home / ".config", "not a folder")
    result = scratch.apply()
    assert result.status == 1
    assert (scratch.home / ".config").read_text() == "not a folder"
    assert not (scratch.cfg / ".config").exists()


def test_cfg_that_is_a_file_leaves_the_whole_home_alone(scratch: Scratch) -> None:
    put(scratch.home / ".config/app", "home")
    (scratch.storage / "cfg").write_text("not a folder")
    assert scratch.apply().status == 1
    assert tree(scratch.home / ".config") == {"app": tree(scratch.home)[".config/app"]}
    assert not any((scratch.home / name).is_symlink() for name in DEFAULT_NAMES)


def test_what_else_stands_in_storage_comes_back_too(scratch: Scratch) -> None:
    put(scratch.cfg / ".vimrc", "set number")
    put(scratch.cfg / ".blender/x", "1")
    put(scratch.cfg / ".nfs0001", "")
    put(scratch.cfg / "lost+found/x", "")
    scratch.settings("skip: [.blender]\n")
    assert scratch.apply().status == 0
    assert (scratch.home / ".vimrc").read_text() == "set number"
    names = {path.name for path in scratch.home.iterdir()}
    assert names == {*DEFAULT_NAMES, ".vimrc", ".deepdesign"}


def test_a_socket_in_an_adopted_folder_is_left_out_and_named(
    scratch: Scratch, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(scratch.home / ".config/app", "x")
    monkeypatch.chdir(scratch.home / ".config")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("s")
    result = scratch.apply()
    assert result.status == 0
    assert (scratch.home / ".config/app").read_text() == "x"
    assert any(".config/s" in done.note for done in result.done or ())


def test_a_user_has_items_of_their_own(scratch: Scratch) -> None:
    put(scratch.cfg / ".vimrc", "everybody's")
    scratch.settings("user: anna\n")
    put(scratch.home / ".gitconfig", "anna's")
    assert scratch.apply().status == 0
    assert (scratch.cfg / "users/anna/.gitconfig").read_text() == "anna's"
    assert mode(scratch.cfg / "users/anna") == 0o700
    assert not (scratch.home / ".vimrc").exists()
    other = scratch.next_machine()
    assert other.apply(environment={"DEEPDESIGN_USER": "ben"}).status == 0
    assert (other.home / ".gitconfig").read_text() == ""


def test_an_item_of_unknown_kind_waits_until_somebody_makes_it(scratch: Scratch) -> None:
    scratch.settings("items: [.vimrc, {name: .zshrc, kind: file}]\n")
    assert scratch.apply().status == 0
    assert not (scratch.home / ".vimrc").is_symlink()
    assert (scratch.home / ".zshrc").is_symlink()
    put(scratch.home / ".vimrc", "set number")
    assert scratch.apply().status == 0
    assert (scratch.cfg / ".vimrc").read_text() == "set number"


def test_a_second_start_changes_nothing(scratch: Scratch, tmp_path: Path) -> None:
    put(scratch.home / ".ssh/id_x", "key")
    assert scratch.apply().status == 0
    before = {path: path.lstat().st_ctime_ns for path in tmp_path.rglob("*")}
    result = scratch.apply()
    assert result.plan.is_empty
    assert {path: path.lstat().st_ctime_ns for path in tmp_path.rglob("*")} == before


def test_nothing_is_lost_over_machines_that_come_and_go(scratch: Scratch) -> None:
    machine = scratch
    written = set()
    for number in range(4):
        for name in (".config/app", ".ssh/id_x", ".gitconfig", ".local/bin/tool"):
            if not (machine.home / name).exists():
                put(machine.home / name, f"{name} on machine {number}")
        written |= bytes_anywhere(machine.home)
        assert machine.apply(profile="gradient").status == 0
        put(machine.home / f".local/made-{number}", f"later {number}")
        written |= bytes_anywhere(scratch.storage)
        machine = machine.next_machine()
    user_files = {digest for digest in written if digest}
    everything = bytes_anywhere(scratch.storage, *scratch.home.parent.glob("home*"))
    assert user_files <= everything


def test_large_folders_wait_for_a_person_at_start(scratch: Scratch) -> None:
    folder = scratch.home / ".local/lib"
    folder.mkdir(parents=True)
    for number in range(2_001):
        (folder / str(number)).touch()
    result = scratch.apply(starting=True)
    assert result.status == 0
    assert not (scratch.home / ".local").is_symlink()
    assert (scratch.home / ".ssh").is_symlink()
    assert any("deepdesign-bootstrap apply" in done.note for done in result.done or ())


def test_keys_in_a_shared_storage_are_warned_of_once(scratch: Scratch) -> None:
    def warnings(result: start.Result) -> list[str]:
        return [done.name for done in result.done or () if "shares this storage" in done.note]

    assert warnings(scratch.apply(profile="gradient")) == [".ssh"]
    assert not warnings(scratch.next_machine().apply(profile="gradient"))
    scratch.settings("user: anna\n")
    assert not warnings(
        scratch.next_machine().apply(profile="gradient", environment={"DEEPDESIGN_USER": "ben"})
    )


def test_a_person_named_by_a_teams_storage_is_a_person_for_all(scratch: Scratch) -> None:
    def said(machine: Scratch, **environment: str) -> dict[str, str]:
        done = machine.apply(profile="gradient", environment=environment).done or ()
        return {one.name: one.note for one in done if "DEEPDESIGN_USER=NAME" in one.note}

    scratch.settings("user: anna\n")
    assert list(said(scratch)) == [".ssh"]
    assert not said(scratch)
    other = scratch.next_machine()
    assert f"{scratch.cfg}/bootstrap.yaml names anna for all" in said(other)["keys"]
    assert not said(other)
    assert not said(scratch.next_machine(), DEEPDESIGN_USER="ben")
    assert not said(scratch.next_machine(), DEEPDESIGN_USER="ben")
    own = put(scratch.home.parent / "own.yaml", "user: clara\n")
    assert not said(scratch.next_machine(), DEEPDESIGN_CONFIG=str(own))


def test_what_may_not_be_read_is_no_trouble_for_other_items(scratch: Scratch) -> None:
    need("mounts")
    closed = put(scratch.home / ".config/closed/app", "shut").parent
    closed.chmod(0o000)
    # Root without the right to pass over permissions.
    without = "-dac_override,-dac_read_search"
    arguments = ["apply", "--home", str(scratch.home), "--storage", str(scratch.storage)]
    done = subprocess.run(
        [
            "setpriv",
            f"--bounding-set={without}",
            f"--inh-caps={without}",
            sys.executable,
            "-I",
            "-m",
            "bootstrap",
            *arguments,
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert ".config: NOT DONE" in done.stdout
    assert str(closed) in done.stdout
    closed.chmod(0o700)
    assert (closed / "app").read_text() == "shut"
    assert not (scratch.home / ".config").is_symlink()
    assert (scratch.home / ".ssh").is_symlink()


def test_files_of_the_image_itself_are_not_kept_in_storage(
    scratch: Scratch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(container, "started", lambda _: time.time() + 60)
    put(scratch.cfg / ".config/app", "storage")
    put(scratch.home / ".config/app", "the image's")
    assert scratch.apply(profile="gradient").status == 0
    assert not (scratch.cfg / ".deepdesign/asides").exists()
    (aside,) = (scratch.local / "asides").glob("*/.config/app")
    assert aside.read_text() == "the image's"
