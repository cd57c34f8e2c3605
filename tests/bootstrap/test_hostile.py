"""What a shared storage, another tool or a colleague may put in the way: nothing is lost, nothing hangs."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bootstrap.errors import WrongInputError
from bootstrap.settings import parse
from tests.bootstrap.homes import Scratch, bytes_anywhere, program, put, tree
from tests.needs import need

HOOK = Path(__file__).parents[2] / "prerun.sh"


def test_a_folder_of_storage_that_is_mounted_into_home_keeps_its_files(scratch: Scratch) -> None:
    need("mounts")
    script = (
        'mkdir -p "$H/.config/app" "$S/cfg/.config/app"; echo precious >"$S/cfg/.config/app/data"\n'
        'mount --bind "$S/cfg/.config/app" "$H/.config/app"\n'
        '"$PY" -I -m bootstrap apply --home "$H" --storage "$S" --profile plain'
    )
    subprocess.run(
        ["unshare", "-m", "sh", "-uc", script],
        env={
            "PATH": os.environ["PATH"],
            "PY": sys.executable,
            "H": str(scratch.home),
            "S": str(scratch.storage),
        },
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert (scratch.cfg / ".config/app/data").read_text() == "precious\n"


@pytest.mark.parametrize("planted", [".deepdesign/tmp", ".deepdesign"])
def test_a_link_at_our_own_folder_is_not_followed(scratch: Scratch, planted: str) -> None:
    thesis = put(scratch.home / "tmp/thesis", "years of work")
    for path in (thesis, thesis.parent):
        os.utime(path, (1, 1))
    link = scratch.cfg / planted
    link.parent.mkdir(parents=True)
    link.symlink_to(scratch.home / "tmp" if planted.endswith("tmp") else scratch.home)
    result = scratch.apply()
    assert thesis.read_text() == "years of work"
    assert result.status == 1
    assert any("link where a folder is needed" in one.problem for one in result.problems)


def test_a_storage_inside_home_is_not_moved_into_itself(scratch: Scratch) -> None:
    inside = Scratch(scratch.home, scratch.home / "storage")
    put(inside.cfg / "storage/kept", "kept")
    before = bytes_anywhere(scratch.home)
    assert inside.apply().status == 1
    assert not (scratch.home / "storage").is_symlink()
    assert (inside.cfg / "storage/kept").read_text() == "kept"
    assert before <= bytes_anywhere(scratch.home)


def test_a_kept_copy_that_somebody_emptied_is_made_again(scratch: Scratch) -> None:
    put(scratch.home / ".config/a", "mine")
    put(scratch.cfg / ".config/b", "theirs")
    scratch.apply(profile="gradient")
    (kept,) = (scratch.cfg / ".deepdesign/asides").rglob("a")
    kept.unlink()
    later = scratch.next_machine()
    put(later.home / ".config/a", "mine")
    later.apply(profile="gradient")
    assert "mine" in [path.read_text() for path in (scratch.cfg / ".deepdesign/asides").rglob("a")]


def test_links_into_a_storage_that_is_gone_are_taken_away(scratch: Scratch) -> None:
    assert scratch.apply().status == 0
    scratch.storage.rename(scratch.storage.with_name("gone"))
    done = program("apply", "--home", scratch.home, "--profile", "plain", HOME=str(scratch.home))
    assert done.returncode == 0
    assert not (scratch.home / ".local").is_symlink()


def test_a_dead_local_goes_even_when_the_settings_are_wrong(scratch: Scratch) -> None:
    assert scratch.apply().status == 0
    (scratch.cfg / ".local").rmdir()
    (scratch.cfg / ".local").symlink_to("/nowhere/at/all")
    scratch.settings("users: x")
    done = subprocess.run(
        [sys.executable, "-I", "-m", "bootstrap.hook"],
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(scratch.home),
            "DEEPDESIGN_STORAGE": str(scratch.storage),
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "users" in done.stderr
    assert not (scratch.home / ".local").is_symlink()


@pytest.mark.parametrize(
    "text",
    [
        "user: &b [&a [x, x], *a, *a]",
        "commands: &b {<<: [&a {x: y}, *a, *a]}",
        "items: " + "[" * 60_000,
        "user: !!timestamp foo",
        "user: !!bool foo",
        'user: !!int ""',
    ],
)
def test_yaml_that_would_eat_the_machine_is_refused(text: str) -> None:
    with pytest.raises(WrongInputError):
        parse(text.encode(), "bootstrap.yaml")


@pytest.mark.parametrize(
    "text", ["items: [{name: .a, password: hunter2}]", "user: [hunter2]", "items: [[hunter2]]"]
)
def test_a_message_shows_no_value_that_may_be_secret(text: str) -> None:
    with pytest.raises(WrongInputError) as refused:
        parse(text.encode(), "bootstrap.yaml")
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize("kind", ["fifo", "nested", "folder"])
def test_a_lease_that_is_none_does_not_stop_a_start(scratch: Scratch, kind: str) -> None:
    lease = scratch.cfg / ".deepdesign/lease"
    lease.parent.mkdir(parents=True)
    if kind == "fifo":
        os.mkfifo(lease)
    elif kind == "folder":
        lease.mkdir()
    else:
        lease.write_text("[" * 4096)
    os.utime(lease, (1, 1))
    assert scratch.apply().status == 0
    assert (scratch.home / ".ssh").is_symlink()


def test_a_lease_from_the_future_ends_too(scratch: Scratch) -> None:
    lease = put(scratch.cfg / ".deepdesign/lease", '{"host": "elsewhere", "pid": 1, "started": "1"}')
    os.utime(lease, (4e9, 4e9))
    assert not scratch.apply().busy


def test_a_relative_home_is_not_sourced_from(scratch: Scratch, tmp_path: Path) -> None:
    put(tmp_path / "rel/.deepdesign/env.sh", "echo SOURCED; touch sourced")
    done = subprocess.run(
        ["sh", "-c", f'. "{HOOK}"; echo status $?'],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "HOME": "rel", "DEEPDESIGN_PYTHON": "/bin/true"},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert "SOURCED" not in done.stdout
    assert "status 0" in done.stdout


def test_a_read_only_variable_of_the_caller_does_not_end_it(scratch: Scratch) -> None:
    done = subprocess.run(
        ["bash", "--posix", "-c", f'readonly PYTHONUSERBASE=x; . "{HOOK}"; echo "status $?"'],
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(scratch.home),
            "DEEPDESIGN_PYTHON": sys.executable,
            "DEEPDESIGN_STORAGE": str(scratch.storage),
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "status 0" in done.stdout


def test_undo_finds_a_home_by_its_other_name(scratch: Scratch) -> None:
    put(scratch.home / ".gitconfig", "[user]")
    link = scratch.home.with_name("link")
    link.symlink_to(scratch.home)
    common = ("--storage", scratch.storage, "--profile", "plain")
    assert program("apply", "--home", link, *common).returncode == 0
    (scratch.local / "bin/dangling").symlink_to("/nowhere")
    assert program("undo", "--home", scratch.home, *common).returncode == 0
    assert (scratch.home / ".gitconfig").read_text() == "[user]"
    assert not (scratch.home / ".gitconfig").is_symlink()


def test_a_plan_touches_nothing_of_all_this(scratch: Scratch) -> None:
    (scratch.cfg / ".deepdesign").mkdir(parents=True)
    os.mkfifo(scratch.cfg / ".deepdesign/lease")
    before = tree(scratch.home.parent)
    scratch.look()
    assert tree(scratch.home.parent) == before
