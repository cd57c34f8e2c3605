"""A start that is killed, or whose disk fails, after any one change: nothing is lost, the next one
converges.
"""

import errno
import hashlib
import os
import signal
from pathlib import Path

import pytest

from bootstrap.lease import Lease
from bootstrap.system import RealSystem
from tests.bootstrap.homes import Scratch, bytes_anywhere, mode, put, tree, user_bytes
from tests.bootstrap.systems import Watched, dying_after, failing_at

SECRET = "a private key"


def every_state(base: Path) -> Scratch:
    """A home and a storage with one item in each state that leads to changes."""
    scratch = Scratch(base / "home", base / "storage")
    put(scratch.home / ".ssh/id_rsa", SECRET, 0o644)
    put(scratch.home / ".ssh/deep/er/known", "x")
    put(scratch.home / ".config/app", "home's")
    put(scratch.cfg / ".config/app", "storage's")
    put(scratch.home / ".gitconfig", "same")
    put(scratch.cfg / ".gitconfig", "same")
    put(scratch.home / ".kaggle/kaggle.json", "same token", 0o600)
    put(scratch.cfg / ".kaggle/kaggle.json", "same token", 0o644)
    (scratch.home / ".local").symlink_to("/nowhere/at/all")
    (scratch.home / ".jupyter").mkdir()
    put(scratch.home / ".bash_history", "ls\n")
    put(scratch.storage / "old/.fastai/x", "elsewhere")
    (scratch.home / ".fastai").symlink_to(scratch.storage / "old/.fastai")
    scratch.settings("commands: {hello: echo hello}\n")
    return scratch


def must_be_safe(scratch: Scratch, before: set[str]) -> None:
    assert before <= bytes_anywhere(scratch.home, scratch.storage), "bytes are gone"
    for path in scratch.storage.rglob("*"):
        if path.is_file() and not path.is_symlink() and path.read_text() == SECRET:
            private = any(not mode(parent) & 0o077 for parent in [path, *path.parents])
            assert private, f"{path} is readable to others"


def must_converge(scratch: Scratch, before: set[str]) -> None:
    result = scratch.apply(profile="gradient")
    assert result.status == 0, [group.problem for group in result.problems]
    assert not result.busy
    assert scratch.look("gradient").plan.is_empty
    must_be_safe(scratch, before)
    assert (scratch.home / ".config/app").read_text() == "storage's"
    assert (scratch.home / ".ssh/id_rsa").read_text() == SECRET
    assert (scratch.home / ".fastai/x").read_text() == "elsewhere"
    assert (scratch.home / ".bash_history").read_text() == "ls\n"
    assert mode(scratch.cfg / ".ssh") == 0o700
    assert mode(scratch.cfg / ".ssh/id_rsa") == 0o600
    assert mode(scratch.cfg / ".kaggle/kaggle.json") == 0o600
    assert not list((scratch.cfg / ".deepdesign/tmp").iterdir())
    # A lease that outlived its owner is in nobody's way.
    assert Lease(str(scratch.cfg / ".deepdesign"), RealSystem()).take(patience=0)
    kept = list((scratch.cfg / ".deepdesign/asides").glob("*/.config/app"))
    assert [path.read_text() for path in kept] == ["home's"]


SUPERSEDED = "what both sides had, until one of them changed it"


def copies_and_merges(base: Path) -> Scratch:
    """A home of copies that has changed since it agreed with storage, which has changed too; and a merge."""
    scratch = Scratch(base / "home", base / "storage")
    put(scratch.home / ".ssh/id_rsa", SECRET, 0o600)
    for name in ("here", "there", "both", "gone-here", "gone-there"):
        put(scratch.home / ".ssh" / name, SUPERSEDED if name in ("here", "there") else f"first {name}", 0o600)
    scratch.storage.mkdir()
    scratch.settings("items: [{name: .ssh, persist: copy}, .config, .gitconfig, .local]\nconflict: merge\n")
    assert scratch.apply(profile="gradient").status == 0
    put(scratch.home / ".ssh/here", "changed here", 0o600)
    put(scratch.cfg / ".ssh/there", "changed there", 0o600)
    put(scratch.home / ".ssh/both", "both: here", 0o600)
    put(scratch.cfg / ".ssh/both", "both: there", 0o600)
    (scratch.home / ".ssh/gone-here").unlink()
    (scratch.cfg / ".ssh/gone-there").unlink()
    put(scratch.home / ".ssh/new/deep", "new here", 0o600)
    put(scratch.cfg / ".ssh/new-there", "new there", 0o600)
    for name in (".config", ".gitconfig"):
        (scratch.home / name).unlink()
    put(scratch.home / ".config/shared", "config: here")
    put(scratch.home / ".config/mine/x", "mine")
    put(scratch.cfg / ".config/shared", "config: there")
    put(scratch.cfg / ".config/theirs/y", "theirs")
    os.utime(put(scratch.cfg / ".gitconfig", "older"), (1, 1))
    put(scratch.home / ".gitconfig", "newer, in place of our link")
    return scratch


def must_agree(scratch: Scratch, before: set[str]) -> None:
    result = scratch.apply(profile="gradient")
    assert result.status == 0, [group.problem for group in result.problems]
    assert scratch.look("gradient").plan.is_empty
    assert before <= user_bytes(scratch.home, scratch.storage)
    here, there = tree(scratch.home / ".ssh"), tree(scratch.cfg / ".ssh")
    assert here == there
    assert {"here", "there", "both", "id_rsa", "new", "new/deep", "new-there"} <= set(here)
    assert mode(scratch.home / ".ssh/id_rsa") == 0o600
    assert (scratch.home / ".ssh/here").read_text() == "changed here"
    assert (scratch.home / ".ssh/there").read_text() == "changed there"
    assert (scratch.home / ".config/mine/x").read_text() == "mine"
    assert (scratch.home / ".config/theirs/y").read_text() == "theirs"
    assert (scratch.home / ".gitconfig").read_text() == "newer, in place of our link"
    assert not list((scratch.cfg / ".deepdesign/tmp").iterdir())
    assert not list((scratch.local / "tmp").iterdir())


def user_files(scratch: Scratch) -> set[str]:
    superseded = hashlib.sha256(SUPERSEDED.encode()).hexdigest()
    return user_bytes(scratch.home, scratch.storage) - {superseded}


@pytest.mark.parametrize("part", range(4))
def test_a_kill_while_copies_are_brought_together_loses_nothing(tmp_path: Path, part: int) -> None:
    counting = Watched()
    assert copies_and_merges(tmp_path / "count").apply(counting, profile="gradient").status == 0  # type: ignore[arg-type]
    calls = len(counting.calls)
    assert calls > 40
    for last in range(1 + part, calls + 1, 4):
        scratch = copies_and_merges(tmp_path / str(last))
        before = user_files(scratch)
        assert apply_in_a_process(scratch, dying_after(last)) == -9, f"call {last} of {calls} did not come"
        assert before <= user_bytes(scratch.home, scratch.storage)
        must_agree(scratch, before)


def test_a_polite_kill_is_no_worse(tmp_path: Path) -> None:
    calls = count_of_calls(tmp_path / "count")
    for last in range(1, calls + 1, 7):
        scratch = every_state(tmp_path / str(last))
        before = bytes_anywhere(scratch.home, scratch.storage)
        assert apply_in_a_process(scratch, dying_after(last, signal.SIGTERM)) == -15
        must_be_safe(scratch, before)
        must_converge(scratch, before)


def count_of_calls(base: Path) -> int:
    counting = Watched()
    assert every_state(base).apply(counting, profile="gradient").status == 0  # type: ignore[arg-type]
    return len(counting.calls)


def apply_in_a_process(scratch: Scratch, system: Watched) -> int:
    """The exit status of a process of its own that does one start; an exception counts as 99."""
    child = os.fork()
    if not child:
        try:
            scratch.apply(system, profile="gradient")  # type: ignore[arg-type]
            os._exit(0)
        finally:
            os._exit(99)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@pytest.mark.parametrize("part", range(4))
def test_a_kill_after_any_change_loses_nothing_and_the_next_start_converges(
    tmp_path: Path, part: int
) -> None:
    calls = count_of_calls(tmp_path / "count")
    assert calls > 60
    for last in range(1 + part, calls + 1, 4):
        base = tmp_path / str(last)
        scratch = every_state(base)
        before = bytes_anywhere(scratch.home, scratch.storage)
        assert apply_in_a_process(scratch, dying_after(last)) == -9, f"call {last} of {calls} did not come"
        must_be_safe(scratch, before)
        must_converge(scratch, before)


@pytest.mark.parametrize(
    "number", [errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.ESTALE, errno.ETIMEDOUT, errno.EPERM]
)
def test_a_disk_error_at_any_change_loses_nothing_and_the_next_start_converges(
    tmp_path: Path, number: int
) -> None:
    calls = count_of_calls(tmp_path / "count")
    for chosen in range(1, calls + 1, 1 if number == errno.ENOSPC else 5):
        base = tmp_path / str(chosen)
        scratch = every_state(base)
        before = bytes_anywhere(scratch.home, scratch.storage)
        assert apply_in_a_process(scratch, failing_at(chosen, number)) == 0
        must_be_safe(scratch, before)
        must_converge(scratch, before)
