"""``prerun.sh``, sourced by real shells: it returns 0 and leaves the shell as it was, whatever happens."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.bootstrap.homes import Scratch, mode, put, tree

HOOK = Path(__file__).parents[2] / "prerun.sh"
SHELLS = ("bash", "dash", "bash --posix")
OPTIONS = ("", "set -eu", "set -f", "set -C", "set -a", "set -euf; umask 000", "IFS=o/; set -e", "set -x")
BASH_OPTIONS = (
    "set -eEuo pipefail; trap 'echo caught >&2' ERR",
    "shopt -s nullglob failglob extglob; set -e",
    "set -T; trap 'seen=1' DEBUG",
)

# What a shell is: options, folder, traps, umask, separators, arguments, variables and functions.
_STATE = """
probe() {
    { set +x; } 2>/dev/null
    echo "options $-"; set +o; pwd; trap; umask; printf '%s' "$IFS" | od -c; echo "$# $1 $2"
    set | grep -v -e '^_=' -e '^BASH_' -e '^PIPESTATUS' -e '^LINENO' -e '^FUNCNAME' -e '^PPID' \
        -e '^seen=' -e '^status=' \
        -e '^PATH=' -e '^PYTHONUSERBASE=' -e '^JUPYTER_' -e '^DEEPDESIGN_WEIGHTS=' -e '^OLDPWD=' \
        -e '^IPYTHONDIR=' -e '^TORCH_HOME=' -e '^HF_' -e '^PIP_CACHE_DIR='
    if [ -n "${BASH_VERSION:-}" ]; then shopt; fi
}
"""


def source(
    scratch: Scratch, shell: str, script: str, *, hook: Path = HOOK, **environment: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*shell.split(), "-c", script.replace("HOOK", str(hook)), "name", "first arg", "*"],
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
        cwd=scratch.home.parent,
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(scratch.home),
            "DEEPDESIGN_PYTHON": sys.executable,
            "DEEPDESIGN_STORAGE": str(scratch.storage),
            **environment,
        },
    )


def must_be_unchanged(
    scratch: Scratch, shell: str, options: str, hook: Path = HOOK, **environment: str
) -> str:
    """Source the hook under ``options``; returns what it said."""
    # Into files: a variable that holds the first state would be a part of the second.
    script = (
        f'{_STATE}\n{options}\n{{ probe "$@" >before; }} 2>/dev/null\n. HOOK\nstatus=$?\n'
        '{ probe "$@" >after; } 2>/dev/null\n'
        "diff before after || echo CHANGED\n"
        'echo "status $status"'
    )
    done = source(scratch, shell, script, hook=hook, **environment)
    assert "CHANGED" not in done.stdout, done.stdout
    assert "status 0" in done.stdout, done.stdout + done.stderr
    assert done.returncode == 0
    return done.stderr


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("options", OPTIONS)
def test_the_shell_is_left_as_it_was(scratch: Scratch, shell: str, options: str) -> None:
    must_be_unchanged(scratch, shell, options)
    assert (scratch.home / ".ssh").is_symlink()


@pytest.mark.parametrize("options", BASH_OPTIONS)
def test_bash_traps_and_options_are_left_as_they_were(scratch: Scratch, options: str) -> None:
    must_be_unchanged(scratch, "bash", options)


@pytest.mark.parametrize("shell", SHELLS)
def test_windows_line_ends_do_no_harm(scratch: Scratch, shell: str, tmp_path: Path) -> None:
    windows = tmp_path / "windows.sh"
    windows.write_bytes(HOOK.read_bytes().replace(b"\n", b"\r\n"))
    must_be_unchanged(scratch, shell, "set -eu", hook=windows)
    assert (scratch.home / ".ssh").is_symlink()


@pytest.mark.parametrize("shell", SHELLS)
def test_what_it_exports_reaches_programs(scratch: Scratch, shell: str) -> None:
    scratch.settings("commands: {hello: echo hello}\n")
    done = source(scratch, shell, ". HOOK; . HOOK; hello there; env")
    lines = done.stdout.splitlines()
    assert lines[0] == "hello there"
    path = next(line for line in lines if line.startswith("PATH=")).removeprefix("PATH=").split(":")
    for folder in (scratch.local / "bin", scratch.home / ".local/bin"):
        assert path.count(str(folder)) == 1
    (base,) = (line.removeprefix("PYTHONUSERBASE=") for line in lines if line.startswith("PYTHONUSERBASE="))
    assert os.path.samefile(base, scratch.home / ".local")
    assert path.count(f"{base}/bin") == 1
    assert f"JUPYTER_RUNTIME_DIR={scratch.local}/jupyter-runtime" in lines
    assert not any(line.startswith("OLDPWD") for line in lines)


def broken_python(folder: Path, text: str) -> str:
    return str(put(folder / "python", text, 0o755))


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("#!/bin/sh\nexit 1\n", "did not run"),
        ("#!/bin/sh\nkill -SEGV $$\n", "did not run"),
        ("#!/bin/sh\necho 'Traceback: no such thing' >&2; exit 1\n", "no such thing"),
        ("#!/bin/sh\nsleep 600\n", "in time"),
        ("#!/bin/sh\ntrap '' TERM; sleep 600 & wait; wait\n", "in time"),
        ("#!/nowhere/python\n", "did not run"),
    ],
    ids=["fails", "crashes", "traceback", "hangs", "will not die", "no interpreter"],
)
def test_a_broken_python_does_no_harm(
    scratch: Scratch, shell: str, text: str, said: str, tmp_path: Path
) -> None:
    python = broken_python(tmp_path, text)
    # A hang has its group killed after the limit and 5 seconds more.
    stderr = must_be_unchanged(
        scratch, shell, "set -eu", DEEPDESIGN_PYTHON=python, DEEPDESIGN_TIME_LIMIT="0.3"
    )
    assert said in stderr
    assert not list(scratch.home.iterdir())


@pytest.mark.parametrize("shell", SHELLS)
def test_without_any_python_jupyter_still_starts(scratch: Scratch, shell: str, tmp_path: Path) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("sh", "bash", "dash", "grep", "od", "diff", "env", "tail", "timeout"):
        (tools / name).symlink_to(shutil.which(name) or name)
    if Path("/opt/deepdesign/bin/python").exists():
        pytest.skip("this is our own image: there is always a Python")
    stderr = must_be_unchanged(scratch, shell, "set -eu", PATH=str(tools), DEEPDESIGN_PYTHON="")
    assert "no Python" in stderr


@pytest.mark.parametrize("shell", SHELLS)
def test_an_old_environment_file_is_not_sourced_when_the_start_failed(
    scratch: Scratch, shell: str, tmp_path: Path
) -> None:
    put(scratch.local / "env.sh", "export HARM=1; exit 7\n")
    python = broken_python(tmp_path, "#!/bin/sh\nexit 1\n")
    done = source(scratch, shell, ". HOOK; echo ${HARM-none}", DEEPDESIGN_PYTHON=python)
    assert done.stdout == "none\n"


def test_poisoned_python_variables_and_user_site_do_no_harm(scratch: Scratch) -> None:
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    site = scratch.cfg / ".local/lib" / version / "site-packages"
    for name in ("sitecustomize.py", "usercustomize.py", "yaml.py", "typing.py", "bootstrap.py"):
        put(site / name, "raise SystemExit('from the user site')\n")
    (scratch.home / ".local").symlink_to(scratch.cfg / ".local")
    done = source(
        scratch, "bash", ". HOOK; echo $?", PYTHONPATH=str(site), PYTHONSTARTUP=str(site / "yaml.py")
    )
    assert done.stdout == "0\n"
    assert "from the user site" not in done.stderr
    assert (scratch.home / ".ssh").is_symlink()


@pytest.mark.parametrize("shell", SHELLS)
def test_wrong_settings_are_named_and_nothing_is_touched(scratch: Scratch, shell: str) -> None:
    scratch.settings("items: [../x]\n")
    stderr = must_be_unchanged(scratch, shell, "set -eu")
    assert "items" in stderr
    assert not list(scratch.home.iterdir())


def test_no_storage_is_said_once_and_home_is_untouched(scratch: Scratch) -> None:
    put(scratch.home / ".ssh/id_x", "key")
    before = tree(scratch.home)
    done = source(scratch, "bash", "set -eu; . HOOK", DEEPDESIGN_STORAGE=str(scratch.storage / "gone"))
    assert done.returncode == 0
    assert done.stderr.count("\n") == 1
    assert "Nothing will persist" in done.stderr
    assert tree(scratch.home) == before


@pytest.mark.parametrize("home", ["", "relative", "/nowhere/at/all"])
def test_a_home_that_is_none_does_no_harm(scratch: Scratch, home: str, tmp_path: Path) -> None:
    # Without a usable HOME the user's home on record counts, so keep this one away from it.
    missing = str(tmp_path / "no-storage")
    must_be_unchanged(scratch, "dash", "set -eu", HOME=home, DEEPDESIGN_STORAGE=missing)


def test_closed_file_descriptors_do_no_harm(scratch: Scratch) -> None:
    done = source(scratch, "bash", "exec 0<&- 1>&- 2>&-; . HOOK; [ $? = 0 ] && kill -USR1 $$")
    assert done.returncode == -10


def test_the_log_of_the_last_start_is_private_and_a_start_without_changes_writes_nothing(
    scratch: Scratch,
) -> None:
    source(scratch, "bash", ". HOOK; . HOOK")
    log = scratch.local / "last-start.log"
    assert mode(log) == 0o600
    folder = scratch.home.parent
    before = {path: path.lstat().st_ctime_ns for path in folder.rglob("*")}
    assert source(scratch, "bash", ". HOOK").returncode == 0
    assert {path: path.lstat().st_ctime_ns for path in folder.rglob("*")} == before


def test_a_hundred_starts_leave_no_more_than_two(scratch: Scratch) -> None:
    put(scratch.home / ".config/app", "x")
    source(scratch, "dash", ". HOOK; . HOOK")
    after_two = tree(scratch.home.parent)
    done = source(scratch, "dash", "i=0; while [ $i -lt 20 ]; do . HOOK; i=$((i+1)); done; echo $PATH")
    assert tree(scratch.home.parent) == after_two
    assert done.stdout.count(".deepdesign/bin") == 1
