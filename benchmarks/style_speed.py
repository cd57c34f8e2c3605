"""What style transfer costs: seconds an iteration and to the same loss, and peak memory.

``python -m benchmarks.style_speed`` measures 256 and 512 px; other sizes are given as arguments. Beside ours,
on the same pictures, weights and losses, runs the loop of a textbook (textbook.py: one size, float32, L-BFGS
on the pixels with PyTorch's default history), each in a process of its own. Ours is the last stage alone,
at full size from the content; the coarse ones before it only cost less.

- Seconds an iteration are wall time, the median behind the first three; the least of all is given too,
  because other work on the machine only ever adds.
- Seconds to the same loss: what the textbook's loop takes for its iterations, and ours until its picture,
  judged by the textbook's own loss in float32, is no worse than the textbook's best.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from importlib.resources import files
from itertools import accumulate
from pathlib import Path

from benchmarks.record import record
from benchmarks.textbook import Textbook, objective

ITERATIONS, WEIGHT = 50, 5.0


def main() -> int:
    sizes = [int(size) for size in sys.argv[1:]] or [256, 512]
    # What else the machine does shows in the seconds, hardly in the ratio.
    figures: dict[str, object] = {"load average at the start": round(os.getloadavg()[0], 1)}
    for size in sizes:
        ours, textbook = _in_a_process(size, "ours"), _in_a_process(size, "textbook")
        figures[f"{size} px"] = {
            "ours": ours,
            "textbook loop, float32": textbook,
            "times faster an iteration": round(textbook["seconds"] / ours["seconds"], 2),
            "times faster to the same loss": round(
                textbook["seconds in all"] / _reached(ours, min(textbook["losses"])), 2
            ),
        }
        for one in (ours, textbook):
            one["losses"] = one["losses"][:: ITERATIONS // 10]
            del one["after"]
    record("style_speed", figures)
    return 0


def _reached(ours: dict, wanted: float) -> float:
    return next(
        (seconds for loss, seconds in zip(ours["losses"], ours["after"], strict=True) if loss <= wanted),
        float("inf"),
    )


def _in_a_process(size: int, what: str) -> dict:
    code = f"from benchmarks.style_speed import measure; measure({size}, {what!r})"
    done = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def measure(size: int, what: str) -> None:
    from techniques.memory import peak_resident

    with tempfile.TemporaryDirectory() as folder:
        times, losses = (_ours if what == "ours" else _textbook)(size, Path(folder))
        peak = peak_resident() >> 20
        losses = losses or _judged(size, Path(folder))
    print(
        json.dumps(
            {
                "seconds": round(statistics.median(times[3:]), 3),
                "least": round(min(times[3:]), 3),
                "seconds in all": round(sum(times), 2),
                "after": [round(one, 2) for one in accumulate(times)],
                "losses": [round(one, 4) for one in losses],
                "peak_memory_mib": peak,
            }
        )
    )


def _judged(size: int, folder: Path) -> list[float]:
    """The textbook's loss of each picture in ``folder``."""
    import torch

    content, style, network = inputs(size)
    loss_of = objective(tensor(content), tensor(style), network, WEIGHT)
    with torch.no_grad():
        return [float(loss_of(torch.load(path).clamp(0, 1))) for path in sorted(folder.iterdir())]


def inputs(size):
    from techniques.networks import NETWORKS, load_network
    from techniques.pictures import fit, read_picture
    from techniques.sizes import result_size
    from techniques.weights import obtain

    china = read_picture(Path(str(files("sklearn.datasets").joinpath("images/china.jpg"))))
    coffee = read_picture(Path(str(files("skimage").joinpath("data/coffee.png"))))
    weights = obtain("auto", networks=tuple(NETWORKS), announce=print, report=lambda *_: None)
    # A square, so that "512 px" is 512 x 512 as in published figures.
    return fit(china, (size, size)), fit(coffee, result_size(coffee.size, size=size)), load_network(weights)


def tensor(picture):
    import torch

    return torch.from_numpy(picture.rgb).permute(2, 0, 1).unsqueeze(0).contiguous()


def _ours(size: int, folder: Path) -> tuple[list[float], list[float]]:
    import torch

    from techniques.device import choose_device
    from techniques.optimise import Verdict, optimise
    from techniques.plans import Planner
    from techniques.style import StyleSettings
    from techniques.style.scene import Scene, costs_of
    from techniques.style.transfer import stages

    content, style, network = inputs(size)
    device = choose_device()
    network = network.computing_in(device.precision).to(device.torch)
    # Without the loss that holds noise down, which the textbook does not have.
    settings = StyleSettings(size=size, iterations=100 * ITERATIONS, content_weight=WEIGHT, smoothness=0)
    planner = Planner(16 << 30, costs_of(settings, network))
    scene = Scene(content, [style], settings, (size, size), network, device.torch, planner, print)
    *_, last = stages(scene)
    times: list[float] = []
    begun = 0.0

    def clock(step):
        nonlocal begun
        times.append(time.perf_counter() - begun)
        torch.save(step.parameters()["image"], folder / f"{len(times):03}")
        begun = time.perf_counter()
        return Verdict.NEXT_STAGE if len(times) == ITERATIONS else Verdict.GO_ON

    first = stages(replace(scene, settings=replace(settings, iterations=1)))[0]
    begun = time.perf_counter()
    optimise([replace(last, start=first.start)], callbacks=[clock])
    return times, []


def _textbook(size: int, _folder: Path) -> tuple[list[float], list[float]]:
    content, style, network = inputs(size)
    made = Textbook.run(tensor(content), tensor(style), network, weight=WEIGHT, evaluations=ITERATIONS)
    return made.seconds, made.losses


if __name__ == "__main__":
    sys.exit(main())
