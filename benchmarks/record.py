"""Keeps figures together with the command, date and machine that made them."""

import datetime
import json
import os
import platform
import sys
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"


def processor() -> str:
    """The processor's name as the kernel gives it, with the number of cores this process may use."""
    names = [
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith("model name")
    ]
    return f"{names[0] if names else platform.machine()}, {len(os.sched_getaffinity(0))} cores"


def record(name: str, figures: dict[str, Any], *, device: str | None = None) -> Path:
    """Print ``figures`` and write them to ``results/NAME.json`` with what is needed to make them again."""
    result = {
        "command": f"python -m benchmarks.{name} {' '.join(sys.argv[1:])}".strip(),
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "device": device or processor(),
        "figures": figures,
    }
    text = json.dumps(result, indent=2)
    path = RESULTS / f"{name}.json"
    RESULTS.mkdir(exist_ok=True)
    path.write_text(text + "\n")
    print(text)
    return path
