"""Failure modes that have no better place: leftovers, homes that are none, secrets, clocks, namespaces."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bootstrap.owner import Owner
from tests.bootstrap.homes import DEFAULT_NAMES, Scratch, bytes_anywhere, mode, program, put, tree
from tests.bootstrap.test_hook import source
from tests.needs import need

OTHER = Owner("another machine", 17, "42")
SECRET = "hunter2-and-more"


def test_half_a_copy_is_never_taken_for_the_item_and_goes_by_its_age(scratch: Scratch) -> None:
    leftover = f"{OTHER.mark}.{OTHER.pid}.{OTHER.started}.0"
    drafts = scratch.cfg / ".deepdesign/tmp"
    old, young = (
        put(drafts / leftover / "app", "half").parent,
        put(drafts / f"{leftover[:-1]}1/app", "half").parent,
    )
    os.utime(old, (1, 1))
    put(scratch.home / ".config/app", "whole")
    assert scratch.apply().status == 0
    assert (scratch.cfg / ".config/app").read_text() == "whole"
    assert not old.exists()
    assert young.exists()  # its owner may still be at work


@pytest.mark.parametrize("home", ["gone", "unset", "relative"])
def test_a_home_that_cannot_be_told_is_said_and_nothing_is_touched(scratch: Scratch, home: str) -> None:
    """A user without an entry in the list of users has no other home to fall back to."""
    need("mounts")
    variables = {"gone": {"HOME": "/nowhere/at/all"}, "relative": {"HOME": "some/where"}, "unset": {}}[home]
    nobody = ["setpriv", "--reuid=54321", "--regid=54321", "--clear-groups"]
    done = subprocess.run(
        [*nobody, sys.executable, "-I", "-m", "bootstrap", "apply", "--storage", str(scratch.storage)],
        env={"PATH": os.environ["PATH"], **variables},
        cwd="/",
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2, done.stdout + done.stderr
    assert "--home" in done.stderr
    assert done.stderr.count("\n") == 1
    assert not list(scratch.storage.iterdir())


def test_a_home_that_may_not_be_written_is_said_and_jupyter_starts(scratch: Scratch) -> None:
    need("mounts")
    put(scratch.home / ".config/app", "mine")
    before = tree(scratch.home)
    done = subprocess.run(
        [
            *("unshare", "-m", "sh", "-uc"),
            f"mount --bind {scratch.home} {scratch.home}; mount -o remount,bind,ro {scratch.home}\n"
            f'. "{Path(__file__).parents[2] / "prerun.sh"}"; echo "status $?"',
        ],
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
    assert "read-only" in done.stderr
    assert tree(scratch.home) == before


def test_a_home_that_is_a_link_is_followed(scratch: Scratch) -> None:
    link = scratch.home.with_name("by-another-name")
    link.symlink_to(scratch.home)
    put(scratch.home / ".config/app", "mine")
    assert program("apply", "--home", link, "--storage", scratch.storage).returncode == 0
    assert (scratch.cfg / ".config/app").read_text() == "mine"
    assert scratch.apply().status == 0
    assert (scratch.home / ".config").is_symlink()


def test_no_secret_is_said_or_written_down(scratch: Scratch) -> None:
    put(scratch.home / ".ssh/id_x", f"-----BEGIN {SECRET}", 0o644)
    put(scratch.cfg / ".config/gh/hosts.yml", f"oauth_token: {SECRET}")
    put(scratch.home / ".config/gh/hosts.yml", f"other: {SECRET}")
    put(scratch.home / ".aws/credentials", f"key = {SECRET}")
    scratch.settings(
        "items: [{name: .ssh, persist: copy}, {name: .config, conflict: merge}, .aws]\n"
        f"commands: {{send: 'curl -H {SECRET}'}}\n"
    )
    said = ""
    for command in ("plan", "apply", "status", "undo"):
        for extra in ([], ["--json"]):
            done = program(
                command,
                *("--home", scratch.home, "--storage", scratch.storage, *extra),
                JUPYTER_TOKEN=SECRET,
                PS_API_KEY=SECRET,
            )
            assert done.returncode == 0, done.stderr
            said += done.stdout + done.stderr
    said += source(scratch, "bash", ". HOOK", JUPYTER_TOKEN=SECRET, PS_API_KEY=SECRET).stderr
    assert SECRET not in said
    own = [scratch.local, scratch.cfg / ".deepdesign"]
    for path in (path for folder in own for path in folder.rglob("*") if path.is_file()):
        if "asides" not in path.parts and path.name != "send":
            assert SECRET.encode() not in path.read_bytes(), path
    for path in (path for folder in own for path in folder.rglob("*") if "asides" in path.parts):
        assert any(not mode(parent) & 0o077 for parent in (path, *path.parents)), f"{path} is open"


@pytest.mark.parametrize("now", [0.0, 4e9])
def test_names_are_unique_whatever_the_clock_says(
    scratch: Scratch, monkeypatch: pytest.MonkeyPatch, now: float
) -> None:
    monkeypatch.setattr(time, "time", lambda: now)
    monkeypatch.setattr(time, "gmtime", lambda *given: time.struct_time((2026, 1, 1, 0, 0, 0, 3, 1, 0)))
    put(scratch.cfg / ".gitconfig", "storage's")
    for number in range(4):
        put(scratch.home / ".gitconfig", f"mine {number}")
        os.utime(scratch.home / ".gitconfig", (1, 1))
        assert scratch.apply().status == 0
        (scratch.home / ".gitconfig").unlink()
    kept = {path.read_text() for path in (scratch.local / "asides").glob("*/.gitconfig")}
    assert kept == {f"mine {number}" for number in range(4)}


def in_namespace(*command: object, **environment: str) -> subprocess.Popen[str]:
    """A process with a set of processes of its own, as another container has: there it is number 1 or 2."""
    return subprocess.Popen(
        ["unshare", "--pid", "--fork", "--mount-proc", *map(str, command)],
        env={"PATH": os.environ["PATH"], **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def test_two_containers_on_one_storage_lose_nothing(scratch: Scratch) -> None:
    need("mounts")
    machines = [scratch.next_machine() for _ in range(3)]
    for number, machine in enumerate(machines):
        put(machine.home / ".config/app", f"container {number}")
        put(machine.home / f".local/only-{number}", f"only in {number}")
        put(machine.home / ".ssh/id_x", f"key of {number}", 0o600)
    before = bytes_anywhere(scratch.home.parent)
    running = [
        in_namespace(
            *(sys.executable, "-I", "-m", "bootstrap", "apply", "--profile", "gradient"),
            *("--home", machine.home, "--storage", machine.storage),
        )
        for machine in machines
    ]
    for one in running:
        said, _ = one.communicate(timeout=60)
        assert one.returncode == 0, said
    assert before <= bytes_anywhere(scratch.home.parent)
    for machine in machines:
        assert machine.apply(profile="gradient").status == 0
        assert all((machine.home / name).is_symlink() for name in DEFAULT_NAMES)
        assert machine.look("gradient").plan.is_empty
    assert not list((scratch.cfg / ".deepdesign/tmp").iterdir())


def test_a_start_in_another_container_is_not_taken_for_dead(scratch: Scratch) -> None:
    """Its process number means nothing here, or even names a process of ours."""
    need("mounts")
    hold = (
        "import sys; from bootstrap.lease import Lease; from bootstrap.system import RealSystem\n"
        "print(Lease(sys.argv[1], RealSystem()).take(), flush=True); sys.stdin.read()"
    )
    (scratch.cfg / ".deepdesign/tmp").mkdir(parents=True)
    other = subprocess.Popen(
        [
            *("unshare", "--pid", "--fork", "--mount-proc", sys.executable, "-I", "-c", hold),
            str(scratch.cfg / ".deepdesign"),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert other.stdout
    assert other.stdout.readline() == "True\n"
    lease = json.loads((scratch.cfg / ".deepdesign/lease").read_text())
    assert lease["pid"] < 10  # what it is called in there
    put(scratch.home / ".config/app", "mine")
    before = tree(scratch.storage)
    assert scratch.apply().busy
    assert tree(scratch.storage) == before
    other.communicate("", timeout=60)
    # It ended without giving the lease back, as a container that is taken away does.
    os.utime(scratch.cfg / ".deepdesign/lease", (1, 1))
    assert not scratch.apply().busy
    assert (scratch.cfg / ".config/app").read_text() == "mine"


def test_the_log_is_no_longer_after_a_hundred_starts_that_change_something(scratch: Scratch) -> None:
    put(scratch.cfg / ".config/app", "storage's")
    sizes = []
    for number in range(12):
        (scratch.home / ".config").unlink(missing_ok=True)
        source(scratch, "dash", ". HOOK")
        sizes.append((scratch.local / "last-start.log").stat().st_size)
        assert number == 0 or sizes[-1] <= max(sizes[:2])
    assert not (scratch.local / "asides").exists()
