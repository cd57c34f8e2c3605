"""Runs inside the image: JupyterLab after a start on a home and a storage in every bad state.

Prints one JSON object: the name of each state, and "started" or what was said instead.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HOOK = "/opt/deepdesign/share/prerun.sh"
LIMIT = 90.0


def put(path: Path, text: str = "x") -> Path:
    """A file and the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def both(home: Path, storage: Path) -> None:
    """Home and storage have what Jupyter reads and writes."""
    for side in (home, storage / "cfg"):
        put(side / ".local/share/jupyter/x", str(side))
        put(side / ".jupyter/x.json", "{}")
        put(side / ".ipython/profile_default/ipython_config.py", "")


def leading(name: str, target: str) -> Callable[[Path, Path], None]:
    """Home has a link."""
    return lambda home, storage: (home / name).symlink_to(target.format(home=home, storage=storage))


def stored(name: str, kind: str) -> Callable[[Path, Path], None]:
    """Storage has something that no item can be."""

    def lay(home: Path, storage: Path) -> None:
        (storage / "cfg").mkdir()
        path = storage / "cfg" / name
        if kind == "file":
            path.write_text("no folder")
        elif kind == "pipe":
            os.mkfifo(path)
        else:
            path.symlink_to({"dead": "/nowhere", "loop": name, "back": str(home / name)}[kind])

    return lay


def nothing(home: Path, storage: Path) -> None:
    """Nothing on either side."""


def gone(home: Path, storage: Path) -> None:
    """Links of ours whose storage is no longer there."""
    (home / ".local").symlink_to(storage / "cfg/.local")
    storage.rmdir()


def cfg_is_a_file(home: Path, storage: Path) -> None:
    """The folder of all items is none."""
    put(storage / "cfg")


def leased(home: Path, storage: Path) -> None:
    """Another start has it."""
    put(storage / "cfg/.deepdesign/lease", '{"host": "elsewhere", "pid": 1, "started": "1"}')


def large(home: Path, storage: Path) -> None:
    """More than a start moves."""
    for number in range(2100):
        put(home / ".local/lib" / str(number), "")


def somebody_elses(home: Path, storage: Path) -> None:
    """What a squashed file server shows."""
    both(home, storage)
    for path in (storage, *storage.rglob("*")):
        os.chown(path, 65534, 65534)


def settings(text: str) -> Callable[[Path, Path], None]:
    """A settings file."""
    return lambda home, storage: put(storage / "cfg/bootstrap.yaml", text) and None


def poisoned(home: Path, storage: Path) -> None:
    """Packages of an older image that end any Python that imports them."""
    for name in ("sitecustomize", "usercustomize", "jupyter_core", "numpy"):
        put(storage / f"cfg/.local/lib/python3.8/site-packages/{name}.py", "raise SystemExit(3)")


STATES: dict[str, Callable[[Path, Path], None]] = {
    "1 home only": lambda home, storage: put(home / ".local/share/jupyter/x") and None,
    "2 both": both,
    "4 older layout": leading(".local", "{storage}/config/.local"),
    "5 dead link": leading(".local", "/nowhere/at/all"),
    "6 loop": leading(".local", ".local"),
    "7 storage: dead link": stored(".local", "dead"),
    "7 storage: loop": stored(".local", "loop"),
    "7 storage: file": stored(".local", "file"),
    "7 storage: pipe": stored(".ipython", "pipe"),
    "7 storage: back into home": stored(".jupyter", "back"),
    "7 cfg is a file": cfg_is_a_file,
    "8 storage gone": gone,
    "15 another start's lease": leased,
    "17 somebody else's": somebody_elses,
    "19 wrong settings": settings("items: [../x]"),
    "19 settings that are none": settings("\x00"),
    "21 too large for a start": large,
    "23 odd names": lambda home, storage: put(home / ".config/ü\n-x") and None,
    "28 poisoned packages": poisoned,
    "nothing yet": nothing,
    "copies": settings(
        "items: [{name: .ssh, persist: copy}, {name: .jupyter, persist: copy}, .local, .ipython]"
    ),
    "stop": settings("conflict: stop"),
}


def start(number: int, name: str, home: Path, storage: Path) -> str:
    """Source the hook and start JupyterLab as a platform does; wait until it answers."""
    port = 9000 + number
    script = f". {HOOK}; exec jupyter lab --allow-root --no-browser --ip=127.0.0.1 --port={port}"
    environment = {**os.environ, "HOME": str(home), "DEEPDESIGN_STORAGE": str(storage), "JUPYTER_TOKEN": "t"}
    log = Path(f"/tmp/log{number}")
    with log.open("wb") as out:
        server = subprocess.Popen(
            ["bash", "-euc", script],
            env=environment,
            stdout=out,
            stderr=out,
            cwd="/tmp",
            start_new_session=True,
        )
    try:
        until = time.monotonic() + LIMIT
        while server.poll() is None and time.monotonic() < until:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/status?token=t", timeout=5):
                    return "started"
            except OSError:
                time.sleep(0.2)
        return log.read_text(errors="replace")[-2000:] or "it did not answer"
    finally:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()


def one(number: int, name: str) -> tuple[str, str]:
    """Make the state, start twice: the second start finds what the first has made of it."""
    if name in STATES:
        base = Path(f"/tmp/state{number}")
        home, storage = base / "home", base / "storage"
        home.mkdir(parents=True)
        storage.mkdir()
        STATES[name](home, storage)
    else:  # a mount that the engine made
        home, storage = Path(f"/tmp/home{number}"), Path("/full" if "full" in name else "/read-only")
        home.mkdir()
        for index in range(40):
            put(home / f".local/share/{index}", "x" * 4096)
    first = start(number, name, home, storage)
    again = start(number + 500, name, home, storage) if number % 8 == 0 else first
    shutil.rmtree(home, ignore_errors=True)
    return name, first if first != "started" else again


def main() -> None:
    """Try all states, a few at a time."""
    names = [*STATES, "10 read-only", "11 full"]
    with ThreadPoolExecutor(4) as pool:
        print("RESULT" + json.dumps(dict(pool.map(one, range(len(names)), names))))


if __name__ == "__main__":
    sys.exit(main())
