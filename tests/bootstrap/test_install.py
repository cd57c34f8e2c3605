"""The copy in storage: it runs on any Python from 3.10, and beside a user's own hook."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from shlex import quote

import pytest

from bootstrap import install as installing
from bootstrap.place import Options, locate
from tests.bootstrap.homes import Scratch, mode, program, put, tree
from tests.bootstrap.systems import Watched, dying_after
from tests.needs import need, python_310

SHELLS = ("bash", "dash", "bash --posix")
OWN = "export MINE=mine\n# a line that stays\nfalse\n"
#: The part of the widely used hook that its successor must not run.
PREDECESSOR = "pushd ~\nfor p in .local .ssh; do\n  rm -rf ~/$p\n  ln -s /storage/cfg/$p ~/\ndone\npopd\n"


def install(scratch: Scratch, *arguments: str) -> subprocess.CompletedProcess[str]:
    return program("install", "--home", scratch.home, "--storage", scratch.storage, *arguments)


def start(
    scratch: Scratch,
    script: str = "",
    *,
    python: str = sys.executable,
    shell: str = "bash",
    **environment: str,
) -> subprocess.CompletedProcess[str]:
    """Source the installed hook as an image does that knows nothing of us."""
    return subprocess.run(
        [*shell.split(), "-uc", f". {quote(str(scratch.storage))}/pre-run.sh; echo status $?; {script}"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd="/",
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(scratch.home),
            "DEEPDESIGN_PYTHON": python,
            **environment,
        },
    )


@pytest.fixture(scope="module")
def bare_python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python with nothing of what we need, and with two of its names taken by something broken."""
    folder = tmp_path_factory.mktemp("bare") / "venv"
    base = Path(sys.base_prefix) / "bin/python3"
    subprocess.run([base, "-m", "venv", "--without-pip", folder], check=True, timeout=60)
    (site,) = (folder / "lib").glob("python3*/site-packages")
    for name in ("click.py", "yaml.py", "bootstrap.py"):
        put(site / name, "raise SystemExit('the image has a broken one')\n")
    return folder / "bin/python3"


@pytest.mark.parametrize("shell", SHELLS)
def test_the_installed_hook_brings_everything_back(scratch: Scratch, shell: str, bare_python: Path) -> None:
    put(scratch.storage / "cfg/.ssh/id_x", "key", 0o644)
    scratch.settings("commands: {greet: echo hello}\n")
    assert install(scratch).returncode == 0
    done = start(scratch, "greet you; deepdesign-bootstrap status", python=str(bare_python), shell=shell)
    assert done.stdout.startswith("status 0\nhello you\n"), done.stderr
    assert f"persists in {scratch.cfg}" in done.stdout
    assert (scratch.home / ".ssh/id_x").read_text() == "key"
    assert mode(scratch.cfg / ".ssh/id_x") == 0o600


def test_it_runs_on_the_oldest_python_that_it_promises(scratch: Scratch) -> None:
    need("python3.10")
    scratch.settings("commands: {greet: echo hello}\n")
    put(scratch.home / ".config/app", "mine")
    assert install(scratch).returncode == 0
    oldest = python_310() or ""
    done = start(
        scratch,
        "for c in status plan doctor undo; do deepdesign-bootstrap $c || echo BAD $c; done",
        python=oldest,
    )
    assert done.stdout.startswith("status 0\n"), done.stderr
    assert "BAD" not in done.stdout
    assert "Traceback" not in done.stdout + done.stderr
    assert (scratch.home / ".config/app").read_text() == "mine"


def test_a_python_that_is_too_old_is_passed_over(scratch: Scratch, tmp_path: Path) -> None:
    assert install(scratch).returncode == 0
    old = put(tmp_path / "old", f'#!/bin/sh\nexec {sys.executable} -c "import sys; sys.exit(5)"\n', 0o755)
    assert start(scratch, python=str(old)).stdout == "status 0\n"
    assert (scratch.home / ".ssh").is_symlink()


def test_without_any_that_is_new_enough_it_says_so(scratch: Scratch, tmp_path: Path) -> None:
    assert install(scratch).returncode == 0
    old = put(tmp_path / "bin/python3", "#!/bin/sh\nexit 5\n", 0o755)
    for name in ("timeout", "tail"):
        (old.parent / name).symlink_to(f"/usr/bin/{name}")
    done = start(scratch, python="", shell="/bin/sh", PATH=str(old.parent))
    assert done.stdout == "status 0\n"
    assert "no Python 3.10 or newer" in done.stderr


def test_windows_line_ends_in_the_installed_hook_do_no_harm(scratch: Scratch) -> None:
    put(scratch.storage / "pre-run.sh", OWN)
    assert install(scratch).returncode == 0
    hook = scratch.storage / "pre-run.sh"
    hook.write_bytes(hook.read_bytes().replace(b"\n", b"\r\n"))
    for shell in SHELLS:
        assert start(scratch, "echo $MINE", shell=shell).stdout == "status 0\nmine\n"
    assert (scratch.home / ".ssh").is_symlink()


@pytest.mark.parametrize("shell", SHELLS)
def test_a_users_own_hook_keeps_its_bytes_and_its_effect(scratch: Scratch, shell: str) -> None:
    put(scratch.storage / "pre-run.sh", OWN, 0o700)
    assert install(scratch).returncode == 0
    assert (scratch.storage / "pre-run.user.sh").read_text() == OWN
    assert mode(scratch.storage / "pre-run.user.sh") == 0o700
    assert start(scratch, "echo $MINE", shell=shell).stdout == "status 0\nmine\n"


def test_installing_again_changes_nothing_and_one_from_before_is_replaced(scratch: Scratch) -> None:
    put(scratch.storage / "pre-run.sh", OWN)
    assert install(scratch).returncode == 0
    before = tree(scratch.storage)
    again = install(scratch)
    assert "in place already" in again.stdout
    assert tree(scratch.storage) == before
    pyz = scratch.cfg / ".deepdesign/bootstrap.pyz"
    pyz.write_bytes(b"an older version")
    hook = scratch.storage / "pre-run.sh"
    hook.write_text(hook.read_text() + "# of an older version\n")
    assert install(scratch).returncode == 0
    assert tree(scratch.storage) == before


def test_a_hook_that_was_put_over_ours_is_the_users_now(scratch: Scratch) -> None:
    put(scratch.storage / "pre-run.sh", OWN)
    assert install(scratch).returncode == 0
    put(scratch.storage / "pre-run.sh", "export MINE=newer\n")
    assert install(scratch).returncode == 0
    assert start(scratch, "echo $MINE").stdout == "status 0\nnewer\n"
    assert (scratch.storage / "pre-run.user.2.sh").read_text() == OWN


def test_the_widely_used_hook_is_kept_and_no_longer_run(scratch: Scratch) -> None:
    put(scratch.storage / "pre-run.sh", PREDECESSOR)
    put(scratch.home / ".local/precious", "x")
    done = install(scratch)
    assert "no longer run" in done.stdout
    assert (scratch.storage / "pre-run.user.sh").read_text() == PREDECESSOR
    assert start(scratch).stdout == "status 0\n"
    assert (scratch.home / ".local/precious").read_text() == "x"


def test_where_our_entrypoint_has_run_only_the_users_part_of_it_runs(scratch: Scratch) -> None:
    put(scratch.storage / "pre-run.sh", OWN)
    assert install(scratch).returncode == 0
    done = start(scratch, "echo $MINE", DEEPDESIGN_STARTED="1")
    assert done.stdout == "status 0\nmine\n"
    assert done.stderr == ""
    assert not list(scratch.home.iterdir())
    # The image says what it is also where a platform has replaced its entrypoint.
    assert start(scratch, DEEPDESIGN_IMAGE="cu130-notebook").returncode == 0
    assert (scratch.home / ".ssh").is_symlink()


def test_a_copy_installs_itself_elsewhere_and_uninstalls_itself(scratch: Scratch, bare_python: Path) -> None:
    assert install(scratch).returncode == 0
    other = scratch.storage.with_name("it's another $HOME")
    other.mkdir()
    copy = scratch.cfg / ".deepdesign/bootstrap.pyz"
    run = [bare_python, "-I", copy, "install", "--storage", other, "--home", scratch.home]
    subprocess.run(run, check=True, capture_output=True, timeout=60)
    moved = Scratch(scratch.home, other)
    assert start(moved).stdout == "status 0\n", start(moved).stderr
    assert (scratch.home / ".ssh").readlink() == other / "cfg/.ssh"
    own = other / "cfg/.deepdesign/bootstrap.pyz"
    assert own.read_bytes() == copy.read_bytes()
    run = [bare_python, "-I", own, "uninstall", "--storage", other, "--home", scratch.home]
    subprocess.run(run, check=True, capture_output=True, timeout=60)
    assert not own.exists()
    assert not (other / "pre-run.sh").exists()


def test_uninstall_gives_back_a_home_without_links_and_the_users_hook(scratch: Scratch) -> None:
    put(scratch.storage / "pre-run.sh", OWN)
    put(scratch.home / ".config/app/settings", "mine")
    put(scratch.home / ".ssh/id_x", "key", 0o600)
    put(scratch.cfg / ".gitconfig", "[user]\n")
    (scratch.home / ".gitconfig").symlink_to(scratch.cfg / ".gitconfig")  # the widely used script's
    assert install(scratch).returncode == 0
    assert start(scratch).returncode == 0
    kept = {path: entry for path, entry in tree(scratch.cfg).items() if not path.startswith(".deepdesign")}
    done = program("uninstall", "--home", scratch.home, "--storage", scratch.storage)
    assert done.returncode == 0, done.stdout + done.stderr
    after = {path: entry for path, entry in tree(scratch.cfg).items() if not path.startswith(".deepdesign")}
    assert after == kept
    assert not [path for path in scratch.home.rglob("*") if path.is_symlink()]
    for path, entry in kept.items():
        assert tree(scratch.home)[path] == entry
    assert (scratch.storage / "pre-run.sh").read_text() == OWN
    assert not (scratch.storage / "pre-run.user.sh").exists()
    assert not (scratch.local / "env.sh").exists()
    assert not list(scratch.cfg.glob(".deepdesign/*.pyz"))
    again = program("uninstall", "--home", scratch.home, "--storage", scratch.storage)
    assert again.returncode == 0
    assert (scratch.storage / "pre-run.sh").read_text() == OWN


def directory(scratch: Scratch) -> None:
    (scratch.storage / "pre-run.sh").mkdir()


def file_for_cfg(scratch: Scratch) -> None:
    put(scratch.cfg, "")


def pipe(scratch: Scratch) -> None:
    os.mkfifo(scratch.storage / "pre-run.sh")


@pytest.mark.parametrize(("sabotage", "status"), [(directory, 2), (pipe, 2), (file_for_cfg, 1)])
def test_what_is_in_the_way_is_named_and_stays(
    scratch: Scratch, sabotage: Callable[[Scratch], None], status: int
) -> None:
    sabotage(scratch)
    done = install(scratch)
    assert done.returncode == status
    assert done.stderr.count("\n") == 1
    assert str(scratch.storage) in done.stderr


def test_a_storage_that_cannot_be_changed_now_says_what_to_do(scratch: Scratch) -> None:
    put(scratch.cfg / ".deepdesign/lease", '{"host": "another machine", "pid": 1, "started": "1"}')
    done = install(scratch)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "is changing it" in done.stderr
    assert done.stderr.endswith("Run `deepdesign-bootstrap install` again.\n")


def test_a_storage_that_is_read_only_is_said_to_be(scratch: Scratch) -> None:
    need("mounts")
    mount = 'mount --bind "$1" "$1"; mount -o remount,bind,ro "$1"'
    run = f'{mount}; exec "$2" -I -m bootstrap install --storage "$1" --home "$3"'
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", run, "sh", scratch.storage, sys.executable, scratch.home],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "is read-only; your home is left as it is. Ask whoever runs the storage." in done.stderr


def test_only_what_an_image_sources_by_itself_needs_nothing_else(scratch: Scratch) -> None:
    told = install(scratch).stdout
    assert f"start command with:  . {scratch.storage}/pre-run.sh; " in told
    assert "fastai" not in told
    place = locate(Options(str(scratch.home), str(scratch.storage)), {})
    place = place._replace(storage=place.storage._replace(root="/storage"))
    assert "(fastai's and ours do)" in " ".join(installing._advice(place))


def test_without_a_storage_there_is_nowhere_to_install(scratch: Scratch) -> None:
    done = program("install", "--home", scratch.home, "--profile", "gradient")
    assert done.returncode == 2
    assert "Name the folder that persists" in done.stderr


def test_killed_at_any_point_a_users_hook_is_there_and_a_second_try_finishes(tmp_path: Path) -> None:
    def fresh(number: int) -> Scratch:
        scratch = Scratch(tmp_path / f"{number}/home", tmp_path / f"{number}/storage")
        scratch.home.mkdir(parents=True)
        put(scratch.storage / "pre-run.sh", OWN)
        return scratch

    def options(scratch: Scratch) -> Options:
        return Options(str(scratch.home), str(scratch.storage), None, "plain")

    counted = Watched()
    installing.install(options(fresh(0)), {}, counted)  # type: ignore[arg-type]
    assert len(counted.calls) > 5
    for last in range(1, len(counted.calls) + 1):
        scratch = fresh(last)
        child = os.fork()
        if child == 0:
            installing.install(options(scratch), {}, dying_after(last))  # type: ignore[arg-type]
            os._exit(0)
        _, status = os.waitpid(child, 0)
        assert os.WIFSIGNALED(status), f"call {last} was not reached"
        hook = (scratch.storage / "pre-run.sh").read_text()
        users = scratch.storage / "pre-run.user.sh"
        assert hook == OWN or (users.read_text() == OWN and installing.is_ours(hook.encode()))
        installing.install(options(scratch), {})
        assert users.read_text() == OWN
        assert not (scratch.storage / "pre-run.user.2.sh").exists()
