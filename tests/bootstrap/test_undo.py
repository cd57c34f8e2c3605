"""The way out: real files in place of links, with the storage and without it."""

import os
from pathlib import Path

import pytest

from bootstrap import start, undo
from bootstrap.place import Options
from tests.bootstrap.homes import DEFAULT_NAMES, Scratch, bytes_anywhere, mode, program, put, tree
from tests.bootstrap.systems import Watched, dying_after


def give_back(scratch: Scratch, system: Watched | None = None) -> start.Result:
    return undo.run(Options(str(scratch.home), str(scratch.storage), None, "plain"), {}, system)  # type: ignore[arg-type]


def used_home(scratch: Scratch) -> Scratch:
    put(scratch.home / ".config/app", "home's")
    put(scratch.home / ".ssh/id_x", "key", 0o644)
    put(scratch.cfg / ".gitconfig", "storage's")
    put(scratch.home / ".gitconfig", "home's")
    notebooks = scratch.home.with_name("notebooks")
    notebooks.mkdir()
    scratch.settings(f"commands: {{hello: echo hello}}\nnotebooks: {notebooks}\n")
    assert scratch.apply().status == 0
    put(scratch.home / ".local/bin/later", "made after the link", 0o755)
    return scratch


def test_every_link_becomes_real_files_and_storage_keeps_its_own(scratch: Scratch) -> None:
    used_home(scratch)
    kept = tree(scratch.storage)
    assert give_back(scratch).status == 0
    assert tree(scratch.storage) == kept
    assert not any(path.is_symlink() for path in scratch.home.rglob("*"))
    assert (scratch.home / ".config/app").read_text() == "home's"
    assert (scratch.home / ".gitconfig").read_text() == "storage's"
    assert (scratch.home / ".local/bin/later").read_text() == "made after the link"
    assert mode(scratch.home / ".local/bin/later") == 0o755
    assert mode(scratch.home / ".ssh") == 0o700
    assert mode(scratch.home / ".ssh/id_x") == 0o600
    assert {name for name in DEFAULT_NAMES if (scratch.home / name).exists()} == set(DEFAULT_NAMES)
    assert not (scratch.local / "env.sh").exists()
    assert not list((scratch.local / "bin").iterdir())
    assert not list(scratch.home.with_name("notebooks").iterdir())


def test_without_the_storage_what_home_had_before_comes_back(scratch: Scratch) -> None:
    used_home(scratch)
    scratch.storage.rename(scratch.storage.with_name("unplugged"))
    assert give_back(scratch).status == 0
    assert not any(path.is_symlink() for path in scratch.home.rglob("*"))
    assert (scratch.home / ".config/app").read_text() == "home's"
    assert (scratch.home / ".ssh/id_x").read_text() == "key"
    assert (scratch.home / ".gitconfig").read_text() == "home's"


def test_undo_twice_and_apply_after_it_lose_nothing(scratch: Scratch) -> None:
    used_home(scratch)
    before = bytes_anywhere(scratch.storage) | {*bytes_anywhere(scratch.local / "asides")}
    assert give_back(scratch).status == 0
    put(scratch.home / ".config/app", "changed since")
    assert give_back(scratch).status == 0
    assert (scratch.home / ".config/app").read_text() == "changed since"
    assert scratch.apply().status == 0
    assert scratch.look().plan.is_empty
    assert before <= bytes_anywhere(scratch.home, scratch.storage)
    assert "changed since" in {path.read_text() for path in (scratch.local / "asides").glob("*/.config/app")}


def test_a_home_that_was_never_set_up_is_left_alone(scratch: Scratch) -> None:
    (scratch.home / ".config").symlink_to("/somewhere/else")
    done = program("undo", "--home", scratch.home, "--storage", scratch.storage)
    assert done.returncode == 0
    assert "nothing to undo" in done.stdout
    assert (scratch.home / ".config").is_symlink()


@pytest.mark.parametrize("part", range(2))
def test_a_kill_after_any_change_is_mended_by_another_undo(tmp_path: Path, part: int) -> None:
    def fresh(name: str) -> Scratch:
        scratch = Scratch(tmp_path / name / "home", tmp_path / name / "storage")
        scratch.home.mkdir(parents=True)
        scratch.storage.mkdir()
        return used_home(scratch)

    counting = Watched()
    assert give_back(fresh("count"), counting).status == 0
    for last in range(1 + part, len(counting.calls) + 1, 2):
        scratch = fresh(str(last))
        before = bytes_anywhere(scratch.storage, scratch.local / "asides")
        child = os.fork()
        if not child:
            try:
                give_back(scratch, dying_after(last))
            finally:
                os._exit(99)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -9
        assert give_back(scratch).status == 0
        assert (scratch.home / ".local/bin/later").read_text() == "made after the link"
        assert (scratch.home / ".gitconfig").read_text() == "storage's"
        assert not any((scratch.home / name).is_symlink() for name in DEFAULT_NAMES)
        assert before <= bytes_anywhere(scratch.home, scratch.storage)
        assert not list((scratch.local / "tmp").iterdir())
