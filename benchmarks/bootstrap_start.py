"""Wall time of a start that changes nothing, hook included, beside a shell script that makes the same links.

Both are sourced by a fresh bash, in turns, in one run; medians.
``python -m benchmarks.bootstrap_start [RUNS]``.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.record import record

ROOT = Path(__file__).parents[1]


def main() -> None:
    """Measure and record."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 41
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder)
        homes = {name: base / name for name in ("ours", "peer")}
        for name, home in homes.items():
            home.mkdir()
            (base / f"{name}-storage").mkdir()
        environment = {
            "PATH": os.environ["PATH"],
            "DEEPDESIGN_PYTHON": sys.executable,
            "DEEPDESIGN_STORAGE": str(base / "ours-storage"),
            "PEER_STORAGE": str(base / "peer-storage"),
        }
        commands = {
            "bash alone": ["bash", "-c", ":"],
            "python -I alone": [sys.executable, "-I", "-c", "pass"],
            "shell script, 11 links": ["bash", "-c", f". {ROOT}/benchmarks/peer_links.sh"],
            "prerun.sh": ["bash", "-c", f". {ROOT}/prerun.sh"],
        }
        seconds: dict[str, list[float]] = {name: [] for name in commands}
        for turn in range(runs + 3):
            for name, command in commands.items():
                home = homes["peer" if name.startswith("shell") else "ours"]
                started = time.perf_counter()
                subprocess.run(
                    command, env={**environment, "HOME": str(home)}, check=True, capture_output=True
                )
                if turn >= 3:  # the first starts make the links
                    seconds[name].append(time.perf_counter() - started)
    medians = {name: statistics.median(values) for name, values in seconds.items()}
    record(
        "bootstrap_start",
        {
            "runs": runs,
            "milliseconds": {name: round(1000 * value, 1) for name, value in medians.items()},
            "prerun.sh to shell script": round(medians["prerun.sh"] / medians["shell script, 11 links"], 2),
            "python files imported": imported({**environment, "HOME": str(homes["ours"])}),
        },
    )


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
