"""What a storage can do is tried out, on real mounts that can less than a disk."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bootstrap import capabilities, mounts
from bootstrap.capabilities import Capabilities
from bootstrap.system import RealSystem
from tests.bootstrap.homes import Scratch, put, tree
from tests.bootstrap.systems import Watched
from tests.needs import need

TELL = (
    "import sys; from bootstrap import capabilities; from bootstrap.system import RealSystem; "
    "print(capabilities.probe(sys.argv[1], RealSystem()))"
)


def probe_on(mount: str, folder: Path) -> str:
    """What ``probe`` says of ``folder`` after ``mount``, in a mount namespace of its own."""
    done = subprocess.run(
        ["unshare", "-m", "sh", "-euc", f'{mount}; "$PY" -I -c "$TELL" {folder}'],
        env={"PATH": os.environ["PATH"], "PY": sys.executable, "TELL": TELL},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_local_disk_can_do_everything_and_nothing_is_left_of_the_trial(scratch: Scratch) -> None:
    assert capabilities.probe(str(scratch.storage), RealSystem()) == Capabilities()
    assert not list(scratch.storage.iterdir())


@pytest.mark.parametrize(
    ("options", "missing"),
    [
        ("--chmod-ignore", "modes"),
        ("--chmod-deny", "modes"),
        ("--force-user=65534", "owner"),
        ("-p 0777", "modes"),
    ],
)
def test_a_mount_that_ignores_what_it_is_told_is_found_out(
    scratch: Scratch, options: str, missing: str
) -> None:
    need("mounts")
    need("bindfs")
    behind, seen = scratch.home / "behind", scratch.home / "seen"
    for folder in (behind, seen):
        folder.mkdir()
    told = probe_on(f"bindfs {options} {behind} {seen}", seen)
    assert f"{missing}=False" in told
    assert "symlinks=True" in told


def test_two_starts_try_a_mount_once_and_another_mount_anew(scratch: Scratch) -> None:
    first, second = Watched(), Watched()
    assert scratch.apply(first).status == 0  # type: ignore[arg-type]
    assert scratch.apply(second).status == 0  # type: ignore[arg-type]
    assert first.calls
    assert second.calls == []
    kept = scratch.local / capabilities.NAME
    assert capabilities.known(str(scratch.storage), str(scratch.local)) == Capabilities()
    kept.write_text(kept.read_text().replace("modes yes", "modes no"))
    assert capabilities.known(str(scratch.storage), str(scratch.local)) == Capabilities(modes=False)
    kept.write_text(kept.read_text().replace("modes no", "modes yes").replace(" ", "  ", 1))
    assert capabilities.known(str(scratch.storage), str(scratch.local)) is None


def test_a_plan_tries_nothing(scratch: Scratch) -> None:
    before = tree(scratch.home.parent)
    assert scratch.look().place.capabilities == Capabilities()
    assert tree(scratch.home.parent) == before


@pytest.mark.parametrize(
    ("mode", "uid", "is_open"),
    [(0o755, 0, False), (0o777, 0, True), (0o1777, 0, True), (0o775, 0, True), (0o755, 65534, True)],
)
def test_a_folder_that_others_may_change_is_named(tmp_path: Path, mode: int, uid: int, is_open: bool) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root gives folders to others")
    storage = Path(os.path.realpath(tmp_path)) / "storage"
    put(storage / "cfg/.ssh/authorized_keys")
    storage.chmod(mode)
    os.chown(storage, uid, -1)
    # The machine's own temporary folder, above, is open to all.
    found = capabilities.open_parent(str(storage / "cfg/.ssh"), below=str(storage.parent))
    assert found == (str(storage) if is_open else "")


def test_mounts_are_told_apart_by_the_longest_point_and_the_last_line() -> None:
    listed = mounts.parse(
        [
            "22 1 8:1 / / rw - ext4 /dev/sda1 rw\n",
            "23 22 0:30 /team /storage rw,relatime - nfs4 server:/team rw,vers=4.2\n",
            "24 22 0:31 / /storage rw - tmpfs none rw\n",
            "25 22 0:32 / /mnt/a\\040b rw - vfat /dev/sdb rw\n",
        ]
    )
    found = mounts.of("/storage/cfg", listed)
    assert found is not None
    assert found.kind == "tmpfs"
    space = mounts.of("/mnt/a b/x", listed)
    assert space is not None
    assert space.kind == "vfat"
    root = mounts.of("/storages", listed)
    assert root is not None
    assert root.point == "/"
    assert listed[1].identity != listed[2].identity
