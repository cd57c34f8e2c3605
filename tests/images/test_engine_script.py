"""`.ci/engine`: what it does where there is nothing to do, or nothing that it can do."""

import os
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(".ci/engine").resolve()


def engine(*arguments: str, state: Path, path: str = "/usr/sbin:/usr/bin:/sbin:/bin", **environment: str):
    return subprocess.run(
        [SCRIPT, *arguments],
        env={"PATH": path, "DEEPDESIGN_ENGINE": str(state), **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("arguments", [(), ("restart",)])
def test_an_unknown_word_exits_2(tmp_path, arguments):
    done = engine(*arguments, state=tmp_path / "state")
    assert done.returncode == 2
    assert "start | stop | env" in done.stderr


def test_an_engine_that_answers_is_left_alone(tmp_path):
    docker = tmp_path / "bin" / "docker"
    docker.parent.mkdir()
    docker.write_text("#!/bin/sh\nexit 0\n")
    docker.chmod(0o755)
    state, path = tmp_path / "state", f"{docker.parent}:/usr/bin:/bin"
    assert engine("start", state=state, path=path).returncode == 0
    assert engine("env", state=state, path=path).stdout == ""
    assert engine("stop", state=state, path=path).returncode == 0
    assert not state.exists()


def test_stopping_what_does_not_run_is_no_error(tmp_path):
    done = engine("stop", state=tmp_path / "state")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_pid_that_is_another_process_now_is_not_stopped(tmp_path):
    run = tmp_path / "state" / "run"
    run.mkdir(parents=True)
    (run / "docker.pid").write_text(str(os.getpid()))
    assert engine("stop", state=tmp_path / "state").returncode == 0
