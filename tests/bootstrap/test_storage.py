"""Storage that is missing, no mount, read-only, full, or in another start's hands."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bootstrap.lease import Lease
from bootstrap.owner import Owner
from bootstrap.system import RealSystem
from tests.bootstrap.homes import DEFAULT_NAMES, Scratch, bytes_anywhere, program, put, tree
from tests.bootstrap.systems import Watched
from tests.needs import need


def mounted(script: str) -> subprocess.CompletedProcess[str]:
    """Run ``script`` where it may mount what it likes, with ``$PY`` for our Python."""
    return subprocess.run(
        ["unshare", "-m", "sh", "-euc", script],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={"PATH": os.environ["PATH"], "PY": sys.executable},
    )


def test_a_named_storage_that_is_missing_touches_nothing(scratch: Scratch) -> None:
    put(scratch.home / ".ssh/id_x", "key")
    before = tree(scratch.home.parent)
    done = program("apply", "--home", scratch.home, "--storage", scratch.storage / "gone")
    assert done.returncode == 0
    assert "Nothing will persist" in done.stdout
    assert tree(scratch.home.parent) == before


def test_a_detected_storage_must_be_a_mount(scratch: Scratch) -> None:
    if os.path.ismount("/storage"):
        pytest.skip("a storage is mounted at /storage here")
    put(scratch.home / ".ssh/id_x", "key")
    before = tree(scratch.home)
    done = program("apply", "--home", scratch.home, PAPERSPACE_FQDN="x")
    assert done.returncode == 0
    assert "no storage is mounted at /storage" in done.stdout
    assert tree(scratch.home) == before


@pytest.mark.parametrize("kind", ["tmpfs", "bind"])
def test_a_mount_is_detected(scratch: Scratch, kind: str) -> None:
    need("mounts")
    mount = "mount -t tmpfs none" if kind == "tmpfs" else f"mount --bind {scratch.storage}"
    done = mounted(
        f"mkdir {scratch.home.parent}/work; {mount} {scratch.home.parent}/work\n"
        f"WORKSPACE={scratch.home.parent}/work VAST_CONTAINERLABEL=x "
        f"$PY -I -m bootstrap apply --home {scratch.home}"
    )
    assert done.returncode == 0, done.stderr
    assert (scratch.home / ".ssh").readlink() == scratch.home.parent / "work/cfg/.ssh"


def test_links_of_ours_without_their_storage_give_way_so_that_jupyter_starts(scratch: Scratch) -> None:
    assert scratch.apply().status == 0
    gone = scratch.storage.with_name("unplugged")
    scratch.storage.rename(gone)
    assert scratch.apply().status == 0
    assert not any((scratch.home / name).is_symlink() for name in DEFAULT_NAMES)
    gone.rename(scratch.storage)
    assert scratch.apply().status == 0
    assert all((scratch.home / name).exists() for name in DEFAULT_NAMES)


def test_read_only_storage_links_what_is_there_and_writes_nothing(scratch: Scratch) -> None:
    need("mounts")
    put(scratch.cfg / ".ssh/id_x", "key", 0o600)
    put(scratch.cfg / ".gitconfig", "storage")
    put(scratch.cfg / ".ipython/profile_default/startup/1.py", "x = 1")
    put(scratch.home / ".config/app", "home")
    put(scratch.home / ".gitconfig", "home")
    before, written = tree(scratch.storage), bytes_anywhere(scratch.home, scratch.storage)
    done = mounted(
        f"mount --bind {scratch.storage} {scratch.storage}; mount -o remount,bind,ro {scratch.storage}\n"
        f"$PY -I -m bootstrap apply --home {scratch.home} --storage {scratch.storage} --profile gradient"
    )
    assert done.returncode == 0, done.stderr
    assert "cannot be written" in done.stdout
    assert "DEEPDESIGN_WEIGHTS" not in (scratch.local / "env.sh").read_text()
    assert tree(scratch.storage) == before
    assert (scratch.home / ".ssh/id_x").read_text() == "key"
    assert (scratch.home / ".gitconfig").read_text() == "storage"
    assert (scratch.local / "ipython/profile_default/startup/1.py").read_text() == "x = 1"
    assert (scratch.home / ".config/app").read_text() == "home"
    assert not any(path.is_symlink() and not path.exists() for path in scratch.home.iterdir())
    assert written <= bytes_anywhere(scratch.home, scratch.storage)


def test_full_storage_leaves_home_as_it_is_and_no_half_copy(scratch: Scratch) -> None:
    need("mounts")
    for number in range(40):
        put(scratch.home / f".config/{number}", "x" * 4096)
    before = tree(scratch.home / ".config")
    listing = scratch.home.parent / "listing"
    done = mounted(
        f"mount -t tmpfs -o size=128k none {scratch.storage}\n"
        f"set +e; $PY -I -m bootstrap apply --home {scratch.home} --storage {scratch.storage}; status=$?\n"
        f"find {scratch.storage} -name tmp -exec find {{}} -mindepth 1 \\; >{listing}; exit $status"
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert ".config: NOT DONE" in done.stdout
    assert tree(scratch.home / ".config") == before
    assert not listing.read_text()


def test_a_quota_that_only_shows_when_writing_leaves_no_half_copy(scratch: Scratch) -> None:
    need("mounts")
    for number in range(40):
        put(scratch.home / f".config/{number}", "x")
    before = tree(scratch.home / ".config")
    listing = scratch.home.parent / "listing"
    # Few inodes: there is room, and yet no file can be made.
    done = mounted(
        f"mount -t tmpfs -o size=1m,nr_inodes=30 none {scratch.storage}\n"
        f"set +e; $PY -I -m bootstrap apply --home {scratch.home} --storage {scratch.storage}; status=$?\n"
        f"find {scratch.storage} -name tmp -exec find {{}} -mindepth 1 \\; >{listing}; exit $status"
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert "full" in done.stdout
    assert tree(scratch.home / ".config") == before
    assert not listing.read_text()


def test_home_on_another_file_system_is_adopted_whole(scratch: Scratch) -> None:
    need("mounts")
    listing = scratch.home.parent / "listing"
    done = mounted(
        f"mount -t tmpfs none {scratch.home}; cd {scratch.home}; mkdir .config; echo x >.config/app\n"
        f"$PY -I -m bootstrap apply --home {scratch.home} --storage {scratch.storage}\n"
        f"cat {scratch.home}/.config/app >{listing}"
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert listing.read_text() == "x\n"
    assert (scratch.cfg / ".config/app").read_text() == "x\n"


def start_together(scratches: list[Scratch]) -> list[subprocess.CompletedProcess[str]]:
    running = [
        subprocess.Popen(
            [
                sys.executable,
                "-I",
                "-m",
                "bootstrap",
                "apply",
                "--home",
                str(one.home),
                "--storage",
                str(one.storage),
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for one in scratches
    ]
    return [subprocess.CompletedProcess(one.args, one.wait(60), *one.communicate()) for one in running]


@pytest.mark.parametrize("homes", ["same", "different"])
def test_starts_at_the_same_time_lose_nothing(scratch: Scratch, homes: str) -> None:
    machines = [scratch]
    for number in range(3):
        machine = scratch if homes == "same" else scratch.next_machine()
        put(machine.home / ".config/app", f"machine {number}")
        put(machine.home / f".local/only-{number}", f"only on {number}")
        machines.append(machine)
    before = bytes_anywhere(scratch.home.parent)
    ended = start_together(machines)
    assert [one.returncode for one in ended] == [0] * 4, [one.stdout + one.stderr for one in ended]
    assert before <= bytes_anywhere(scratch.home.parent)
    for machine in machines:
        assert machine.apply().status == 0
        assert (machine.home / ".config").readlink() == scratch.cfg / ".config"
    assert not list(scratch.cfg.glob(".config/.config"))


def hold(scratch: Scratch, owner: Owner) -> Path:
    lease = put(scratch.cfg / ".deepdesign/lease", json.dumps(owner._asdict()), 0o600)
    (scratch.cfg / ".deepdesign/tmp").mkdir(exist_ok=True)
    return lease


def test_the_lease_of_a_dead_process_here_is_no_obstacle(scratch: Scratch) -> None:
    here = Lease(str(scratch.cfg), RealSystem()).owner
    ended = subprocess.Popen(["true"])
    ended.wait()
    hold(scratch, here._replace(pid=ended.pid, started="1"))
    result = scratch.apply()
    assert not result.busy
    assert (scratch.home / ".ssh").is_symlink()


def test_the_lease_of_another_machine_ends_by_its_age(scratch: Scratch) -> None:
    lease = hold(scratch, Owner("another machine", 1, "1"))
    os.utime(lease, (time.time() - 600, time.time() - 600))
    assert not scratch.apply().busy
    assert not lease.exists()


def test_a_living_lease_is_waited_for_and_then_only_what_is_complete_is_linked(
    scratch: Scratch,
) -> None:
    hold(scratch, Owner("another machine", 1, "1"))
    put(scratch.cfg / ".gitconfig", "storage")
    put(scratch.home / ".config/app", "home")
    before = tree(scratch.storage)
    started = time.monotonic()
    result = scratch.apply(profile="gradient")
    assert time.monotonic() - started > 4.5
    assert result.busy
    assert result.status == 0
    assert (scratch.home / ".gitconfig").read_text() == "storage"
    assert (scratch.home / ".config/app").read_text() == "home"
    assert tree(scratch.storage) == before


def test_the_lease_is_renewed_within_one_large_file(
    scratch: Scratch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bootstrap.lease._RENEW", -1.0)
    put(scratch.home / ".gitconfig", "x" * 3_000_000)
    system = Watched()
    assert scratch.apply(system).status == 0
    assert (scratch.cfg / ".gitconfig").stat().st_size == 3_000_000
    at = system.calls.index("copy_file")
    assert system.calls[at + 1 : at + 4] == ["touch"] * 3  # before the copy gets its name


def test_the_lease_is_kept_while_both_sides_are_compared(
    scratch: Scratch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bootstrap.lease._RENEW", -1.0)
    scratch.settings("conflict: merge\n")
    put(scratch.home / ".gitconfig", "x" * 3_000_000)
    put(scratch.cfg / ".gitconfig", "y" * 3_000_000)
    system = Watched()
    assert scratch.apply(system, profile="gradient").status == 0
    held = system.calls.index("hard_link")
    planned = next(at for at in range(held, len(system.calls)) if system.calls[at] == "make_folder")
    assert system.calls[held:planned].count("touch") > 8  # one for each piece of each file


def test_a_lease_that_was_lost_leaves_the_storage_to_its_new_owner(
    scratch: Scratch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bootstrap.lease._RENEW", -1.0)
    put(scratch.home / ".config/app", "home")
    put(scratch.cfg / ".gitconfig", "storage")
    other = Owner("another machine", 1, "1")
    lease = scratch.cfg / ".deepdesign/lease"

    def take_over(number: int, name: str) -> None:
        if name == "copy_file" and json.loads(lease.read_text())["host"] != other.host:
            lease.unlink()
            hold(scratch, other)

    result = scratch.apply(Watched(after=take_over))
    assert result.status == 1
    problems = {done.name: done.problem for done in result.problems}
    assert "another start has taken over" in problems[".config"]
    assert (scratch.home / ".config/app").read_text() == "home"
    assert not (scratch.cfg / ".config").exists()
    # What changes nothing in the storage is done all the same, and the lease is its owner's.
    assert (scratch.home / ".gitconfig").read_text() == "storage"
    assert (scratch.local / "env.sh").exists()
    assert json.loads(lease.read_text())["host"] == other.host


def test_a_large_file_is_put_on_disk_piece_by_piece(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bootstrap.system._PIECE", 2**20)
    pieces: list[int] = []
    monkeypatch.setattr(os, "fdatasync", lambda file: pieces.append(os.fstat(file).st_size))
    source = put(tmp_path / "model", "x" * 5 * 2**19)
    RealSystem().copy_file(str(source), str(tmp_path / "copy"), 0o600)
    assert (tmp_path / "copy").read_bytes() == source.read_bytes()
    assert pieces
