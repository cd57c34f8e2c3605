"""Training by one process with two threads, and by two processes with one each, at the same global batch.

``python -m benchmarks.train_scaling`` trains MobileNetV2 from scratch, so that all layers learn and all
statistics are shared, on patches of twelve photographs. On two cores two processes can only lose: what is
measured is what their talking costs. A GPU for each is what they are for.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.patches import make_patches
from benchmarks.record import record
from benchmarks.train_speed import FLAGS, PROGRAM


def main() -> int:
    figures = {"load average at the start": round(os.getloadavg()[0], 1)}
    with tempfile.TemporaryDirectory() as room:
        data = make_patches(Path(room) / "patches", test=4)
        rates = {processes: _rate(data, Path(room) / f"{processes}", processes) for processes in (1, 2)}
    figures |= {f"pictures a second, {n} process{'es' * (n > 1)}": rate for n, rate in rates.items()}
    record("train_scaling", {**figures, "ratio": round(rates[2] / rates[1], 2)})
    return 0


def _rate(data: Path, output: Path, processes: int) -> float:
    launcher: list[str] = []
    if processes > 1:
        launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--no-python"]
        launcher += ["--nproc-per-node", str(processes)]
    flags = [*FLAGS, "--epochs", "2", "--weights", "none", "--arch", "mobilenet_v2"]
    command = [*launcher, str(PROGRAM), "train", str(data), "-o", str(output), *flags]
    environment = {**os.environ, "OMP_NUM_THREADS": str(2 // processes)}
    subprocess.run(command, check=True, env=environment)
    found = json.loads((output / "run.json").read_text())
    return max(float(epoch["pictures_per_second"]) for epoch in found["losses"])


if __name__ == "__main__":
    sys.exit(main())
