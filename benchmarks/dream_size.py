"""What a large dream costs: seconds and peak memory, each size in a process of its own.

``python -m benchmarks.dream_size`` dreams with the default settings at 480 x 320 and at 3000 x 2000 px; other
sizes are given as arguments, WIDTHxHEIGHT. Peak memory is the process's, PyTorch and the networks included.
"""

import json
import os
import subprocess
import sys
import time
from importlib.resources import files
from pathlib import Path

from benchmarks.record import record


def main() -> int:
    figures: dict[str, object] = {"load average at the start": round(os.getloadavg()[0], 1)}
    for size in sys.argv[1:] or ["480x320", "3000x2000"]:
        code = f"from benchmarks.dream_size import measure; measure({size!r})"
        done = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, check=True)
        figures[f"{size} px"] = json.loads(done.stdout.splitlines()[-1])
    record("dream_size", figures)
    return 0


def measure(size: str) -> None:
    import torch

    from techniques.classifiers.classifier import obtain_classifier
    from techniques.dream import DreamSettings
    from techniques.dream.dreaming import dream
    from techniques.dream.goals import dreamers_for
    from techniques.memory import peak_resident
    from techniques.pictures import read_picture

    width, height = (int(side) for side in size.split("x"))
    photo = read_picture(Path(str(files("sklearn.datasets").joinpath("images/china.jpg"))))
    judge = obtain_classifier("mobilenet-v2", announce=print, report=lambda *_: None)
    dreamer = obtain_classifier("efficientnet-lite0", announce=print, report=lambda *_: None)
    settings = DreamSettings(classes=("fountain",))
    began, spent = time.perf_counter(), time.process_time()
    result = dream(
        photo, dreamers_for([dreamer], settings), settings, (width, height), device=torch.device("cpu")
    )
    figures = {
        "seconds": round(time.perf_counter() - began, 1),
        "processor seconds": round(time.process_time() - spent, 1),
        "peak_memory_mib": peak_resident() >> 20,
        "mobilenet-v2, which took no part, sees a fountain": round(
            float(judge.probabilities(result.picture)[judge.classes.index("fountain")]), 3
        ),
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    sys.exit(main())
