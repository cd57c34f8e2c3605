"""Wall time of a start that changes nothing, hook included, beside a shell script and beside dotbot with the
same items: the 11 default ones, 200, and 11 whose folders hold 20,000 files.

All are started by a fresh bash, in turns, in one run; medians. dotbot is installed for this from the package
index. ``python -m benchmarks.bootstrap_start [RUNS]``.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from benchmarks.record import record
from bootstrap.items import DEFAULTS, FILE

ROOT = Path(__file__).parents[1]
DOTBOT = "dotbot==1.24.1"
FOLDERS = [item.name for item in DEFAULTS if item.kind != FILE]
FILES = [item.name for item in DEFAULTS if item.kind == FILE]
MANY = [f".item-{number:03}" for number in range(200)]


class Runner(NamedTuple):
    """One program with a home and a storage of its own."""

    command: list[str]
    environment: dict[str, str]

    def start(self) -> float:
        """Seconds that one start takes."""
        begun = time.perf_counter()
        subprocess.run(self.command, env=self.environment, check=True, capture_output=True)
        return time.perf_counter() - begun


def install_dotbot(base: Path) -> Path:
    """dotbot's program, in an environment of its own."""
    subprocess.run([sys.executable, "-m", "venv", base / "dotbot"], check=True)
    pip = [base / "dotbot/bin/python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, DOTBOT], check=True)
    return base / "dotbot/bin/dotbot"


def runners(base: Path, dotbot: Path, folders: list[str], files: list[str]) -> dict[str, Runner]:
    """The three programs for these items, none of which has been started yet."""
    found = {}
    for name in ("prerun.sh", "shell script", "dotbot"):
        home, storage = (base / name.replace(" ", "-") / side for side in ("home", "storage"))
        home.mkdir(parents=True)
        (storage / "cfg").mkdir(parents=True)
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "DEEPDESIGN_PYTHON": sys.executable,
            "DEEPDESIGN_STORAGE": str(storage),
            "PEER_STORAGE": str(storage),
            "PEER_FOLDERS": " ".join(folders),
            "PEER_FILES": " ".join(files),
        }
        if name == "prerun.sh":
            if folders != FOLDERS:
                lines = [f"- {{name: {item}, kind: folder}}" for item in folders]
                (storage / "cfg/bootstrap.yaml").write_text("items:\n" + "\n".join(lines) + "\n")
            command = ["bash", "-c", f". {ROOT}/prerun.sh"]
        elif name == "shell script":
            command = ["bash", "-c", f". {ROOT}/benchmarks/peer_links.sh"]
        else:
            for item in folders:
                (storage / "cfg" / item).mkdir()
            for item in files:
                (storage / "cfg" / item).touch()
            links = "".join(f"    ~/{item}: cfg/{item}\n" for item in [*folders, *files])
            (storage / "dotbot.yaml").write_text(f"- defaults:\n    link: {{relink: true}}\n- link:\n{links}")
            command = ["bash", "-c", f"exec {dotbot} -q -d {storage} -c {storage}/dotbot.yaml"]
        found[name] = Runner(command, environment)
    return found


def fill(base: Path) -> None:
    """20,000 files in a folder that is linked as a whole."""
    for storage in base.glob("*/storage"):
        for number in range(20_000):
            path = storage / "cfg/.local/lib" / str(number // 200) / str(number)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()


def medians(programs: dict[str, Runner], runs: int) -> dict[str, float]:
    """Milliseconds, after starts that make the links."""
    seconds: dict[str, list[float]] = {name: [] for name in programs}
    for turn in range(runs + 3):
        for name, program in programs.items():
            took = program.start()
            if turn >= 3:
                seconds[name].append(took)
    return {name: 1000 * statistics.median(values) for name, values in seconds.items()}


def main() -> None:
    """Measure and record."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 41
    cases = {"11 items": (FOLDERS, FILES), "200 items": (MANY, []), "20,000 files": (FOLDERS, FILES)}
    figures = {}
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder)
        dotbot = install_dotbot(base)
        plain = {"PATH": os.environ["PATH"]}
        alone = {
            "bash alone": Runner(["bash", "-c", ":"], plain),
            "python -I alone": Runner([sys.executable, "-I", "-c", "pass"], plain),
        }
        for case, (folders, files) in cases.items():
            room = base / case.replace(" ", "-")
            programs = runners(room, dotbot, folders, files)
            if case == "20,000 files":
                for program in programs.values():
                    program.start()
                fill(room)
            took = medians({**programs, **alone}, runs)
            figures[case] = {
                "milliseconds": {name: round(value, 1) for name, value in took.items()},
                "prerun.sh to shell script": round(took["prerun.sh"] / took["shell script"], 2),
                "prerun.sh to dotbot": round(took["prerun.sh"] / took["dotbot"], 2),
            }
            if case == "11 items":
                figures[case]["python files imported"] = imported(programs["prerun.sh"].environment)
    record("bootstrap_start", {"runs": runs, "dotbot": DOTBOT.partition("==")[2], **figures})


def imported(environment: dict[str, str]) -> int:
    """How many modules the hook has read from files by the time it ends."""
    program = (
        "import sys\nfrom bootstrap import hook\nhook.main()\n"
        "print(sum(1 for module in list(sys.modules.values()) if getattr(module, '__file__', None)))"
    )
    shown = subprocess.run(
        [sys.executable, "-I", "-c", program],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return int(shown.stdout)


if __name__ == "__main__":
    main()
