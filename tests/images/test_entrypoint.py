"""The real entrypoint at its place in another root, with real hooks: whatever they do, Jupyter starts."""

import os
import shlex
import sys
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from images.platforms import PLATFORMS, Platform
from tests.bootstrap.homes import put
from tests.bootstrap.machine import Machine, bare_machine

ENTRYPOINT = "/opt/deepdesign/share/entrypoint.sh"
ROOT = Path(__file__).parents[2]
HANG = ROOT / "tests/bootstrap/hang.py"
# As finish-project lays it out, and a Jupyter that only says what it was given.
_IMAGE = f"""
mkdir -p /opt/deepdesign/share
cp {ROOT}/images/*.sh {ROOT}/prerun.sh /opt/deepdesign/share
chmod 755 /opt/deepdesign/share/entrypoint.sh
"""
_JUPYTER = '#!/bin/sh\nprintf "%s\\n" "jupyter $*" "$PWD" "$(umask)"\nexec env -0\n'
# Our own hook comes to nothing then, which is quick.
WITHOUT_OURS = {"DEEPDESIGN_PYTHON": "/bin/true"}


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    made = bare_machine(tmp_path)
    put(tmp_path / "tools/jupyter", _JUPYTER, 0o755)
    return made


def start(
    machine: Machine,
    *command: str,
    hook: str | bytes = "",
    mount: str = "mount --bind storage $POINT",
    by: str = f"exec {ENTRYPOINT}",
    point: str = "/storage",
    **environment: str,
) -> CompletedProcess[str]:
    """Start a container as Gradient does, with ``hook`` as the user's own file."""
    if hook:
        put(machine.storage / "pre-run.sh").write_bytes(hook.encode() if isinstance(hook, str) else hook)
    words = shlex.join(command or ("/bin/sh", "-c", "jupyter lab"))
    return machine.run_at(
        point,
        f"{_IMAGE}\n{mount}\n{by} {words}",
        **{
            "PATH": f"/srv/tools:{Path(sys.executable).parent}:/usr/sbin:/usr/bin:/sbin:/bin",
            "DEEPDESIGN_PYTHON": sys.executable,
            "DEEPDESIGN_IMAGE": "cu130-notebook",
            "PAPERSPACE_FQDN": "x",
            **environment,
        },
    )


def seen(done: CompletedProcess[str]) -> dict[str, str]:
    """The environment that Jupyter got; fails unless it started, in the folder and umask of the image."""
    assert done.returncode == 0, done.stdout + done.stderr
    said, folder, umask, rest = done.stdout.split("\n", 3)
    assert (said[:11], folder, umask) == ("jupyter lab", "/srv", "0022"), done.stdout
    return dict(entry.split("=", 1) for entry in rest.split("\0") if entry)


def test_a_jupyter_gets_the_users_environment_and_what_the_hook_exports(machine: Machine) -> None:
    found = seen(start(machine, hook="export GREETING=hello\nunset JUPYTER_TOKEN\n", JUPYTER_TOKEN="t"))
    assert found["JUPYTER_RUNTIME_DIR"] == "/srv/home/.deepdesign/jupyter-runtime"
    assert found["DEEPDESIGN_STORAGE"] == "/storage"
    assert found["GREETING"] == "hello"
    assert "JUPYTER_TOKEN" not in found
    assert str((machine.home / ".ssh").readlink()) == "/storage/cfg/.ssh"


@pytest.mark.parametrize("platform", PLATFORMS, ids=lambda platform: platform.name)
def test_on_every_platform_the_environment_reaches_jupyter(machine: Machine, platform: Platform) -> None:
    found = seen(
        start(
            machine,
            *(platform.command or ("jupyter", "lab")),
            by=shlex.join(("exec", *(platform.entrypoint or (ENTRYPOINT,)))),
            point=platform.storage,
            **{"PAPERSPACE_FQDN": "", **platform.environment},
        )
    )
    assert found["JUPYTER_RUNTIME_DIR"] == "/srv/home/.deepdesign/jupyter-runtime"
    assert found["DEEPDESIGN_STORAGE"] == platform.storage


def test_another_command_finds_home_untouched(machine: Machine) -> None:
    done = start(machine, "echo", "-o", "/outputs/jupyter", hook="echo never >&2\n")
    assert (done.stdout, done.stderr) == ("-o /outputs/jupyter\n", "")
    assert not list(machine.home.iterdir())


@pytest.mark.parametrize(
    ("line", "person"),
    [
        ("DEEPDESIGN_USER=anna jupyter lab", "anna"),
        ("PIP_DISABLE_PIP_VERSION_CHECK=1 DEEPDESIGN_USER='anna' jupyter lab", "anna"),
        ('export DEEPDESIGN_USER="anna"; jupyter lab', "anna"),
        ("A=1 && export DEEPDESIGN_USER=anna && cd /srv; exec jupyter lab", "anna"),
        ("A=$(pwd) DEEPDESIGN_USER=anna jupyter lab", None),
    ],
)
def test_who_stands_before_the_command_has_items_of_their_own(
    machine: Machine, line: str, person: str | None
) -> None:
    found = seen(start(machine, "/bin/sh", "-c", line))
    assert found["DEEPDESIGN_USER"] == "anna"
    users = [path.name for path in machine.storage.glob("cfg/users/*")]
    assert users == ([person] if person else [])


def test_the_hooks_stay_away_where_that_stands_before_the_command(machine: Machine) -> None:
    found = seen(
        start(machine, "sh", "-c", "DEEPDESIGN_BOOTSTRAP=0 jupyter lab", hook="export GREETING=hello\n")
    )
    assert "GREETING" not in found
    assert not list(machine.home.iterdir())


INSTALL = "mount --bind storage /storage; deepdesign-bootstrap install --storage /storage >/dev/null"


@pytest.mark.parametrize(
    "by", [f"exec {ENTRYPOINT}", "exec sh -c '. /storage/pre-run.sh; exec jupyter lab' --"]
)
def test_the_hook_in_a_storage_does_its_work_where_the_entrypoint_has_not(machine: Machine, by: str) -> None:
    done = start(machine, mount=INSTALL, by=by)
    found = seen(done)
    assert found["JUPYTER_RUNTIME_DIR"] == "/srv/home/.deepdesign/jupyter-runtime"
    assert "DEEPDESIGN_STARTED" not in found
    assert done.stderr.count("Your environment persists") == 1


@pytest.mark.parametrize(
    "hook",
    [
        "export GREETING=hello\nexit 3\n",
        "export GREETING=hello\nexit 124\n",
        "set -eu -o pipefail\nexport GREETING=hello\ncd /\numask 077\nfalse\nexport GREETING=never\n",
        "trap 'echo caught' EXIT TERM INT\nexport GREETING=hello\ncd /tmp\nexit 1\n",
        b"export GREETING=hello\r\nif true; then\r\n  cd /\r\nfi\r\n",
        "set -a\nGREETING=hello\n",
        "set -C\nexport GREETING=hello\n",
        "export GREETING=hello\nsleep 4 >/dev/null 2>&1 &\n",
        "hand=left\nexport GREETING=hello\n",
        "export GREETING=hello\nunset PATH\n",
        "export GREETING=hello PATH=/nowhere\n",
    ],
)
def test_whatever_a_hook_does_jupyter_starts_with_its_exports(machine: Machine, hook: str | bytes) -> None:
    found = seen(start(machine, hook=hook, **WITHOUT_OURS))
    assert found["GREETING"] == "hello"
    assert not [name for name in found if name.startswith("_deepdesign")]


def test_no_name_of_a_hooks_own_is_lost(machine: Machine) -> None:
    names = ("name", "status", "file", "entry", "environment", "handed", "hand", "hook", "hooks", "hook_pid")
    more = ("command", "script", "rest", "clock", "ended", "looker", "line", "limit", "seconds")
    hook = "".join(f"export {name}={name}-of-mine\n" for name in names + more)
    found = seen(start(machine, hook=hook, **WITHOUT_OURS))
    assert {name: found.get(name) for name in names + more} == {
        name: f"{name}-of-mine" for name in names + more
    }


@pytest.mark.parametrize("limit", ["0", "soon"])
def test_a_limit_that_is_none_is_the_usual_one(machine: Machine, limit: str) -> None:
    hook = "sleep 0.3\nexport GREETING=hello\n"
    found = seen(start(machine, hook=hook, DEEPDESIGN_TIME_LIMIT=limit, **WITHOUT_OURS))
    assert found["GREETING"] == "hello"


def test_a_hook_that_does_not_end_goes_on_beside_jupyter(machine: Machine) -> None:
    done = start(
        machine, hook="export GREETING=hello\nsleep 2\necho later >/srv/later\n", DEEPDESIGN_TIME_LIMIT="0.9"
    )
    assert "GREETING" not in seen(done)
    assert "/storage/pre-run.sh has not ended after 0.9 s" in done.stderr
    assert (machine.base / "later").read_text() == "later\n"


def test_a_storage_that_does_not_answer_keeps_nothing_from_starting(machine: Machine) -> None:
    done = start(
        machine, mount="", by=f'exec "$PY" {HANG} /storage {ENTRYPOINT}', DEEPDESIGN_TIME_LIMIT="0.9"
    )
    seen(done)
    assert "did not answer, so /storage/pre-run.sh was not run" in done.stderr


@pytest.mark.parametrize("hook", ["folder", "dead link", "pipe"])
def test_what_is_no_hook_is_named_or_passed_over(machine: Machine, hook: str) -> None:
    path = machine.storage / "pre-run.sh"
    if hook == "folder":
        path.mkdir()
    elif hook == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to("/nowhere")
    done = start(machine, **WITHOUT_OURS)
    seen(done)
    assert ("/storage/pre-run.sh cannot be read" in done.stderr) == (hook != "dead link")
