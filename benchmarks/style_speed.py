"""What style transfer costs: seconds an iteration, and peak memory, each size in a process of its own.

``python -m benchmarks.style_speed`` measures 256 and 512 px; other sizes are given as arguments. Beside
ours, on the same pictures and weights, runs the loop of a textbook: one size, float32, L-BFGS with PyTorch's
default history, losses of the same layers. Seconds are wall time, the median of the iterations
behind the first three; the least of all is given too, because other work on the machine only ever adds.
"""

import json
import os
import resource
import statistics
import subprocess
import sys
import time
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

from benchmarks.record import record

ITERATIONS = 12


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
        }
    record("style_speed", figures)
    return 0


def _in_a_process(size: int, what: str) -> dict[str, float]:
    code = f"from benchmarks.style_speed import measure; measure({size}, {what!r})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def measure(size: int, what: str) -> None:
    times = (_ours if what == "ours" else _textbook)(size)[3:]
    print(
        json.dumps(
            {
                "seconds": round(statistics.median(times), 3),
                "least": round(min(times), 3),
                "peak_memory_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10,
            }
        )
    )


def _inputs(size):
    from techniques.networks import NETWORKS, load_network
    from techniques.pictures import fit, read_picture
    from techniques.sizes import result_size
    from techniques.weights import obtain

    china = read_picture(Path(str(files("sklearn.datasets").joinpath("images/china.jpg"))))
    coffee = read_picture(Path(str(files("skimage").joinpath("data/coffee.png"))))
    weights = obtain("auto", networks=tuple(NETWORKS), announce=print, report=lambda *_: None)
    # A square, so that "512 px" is 512 x 512 as in published figures.
    return fit(china, (size, size)), fit(coffee, result_size(coffee.size, size=size)), load_network(weights)


def _ours(size: int) -> list[float]:
    from techniques.device import choose_device
    from techniques.optimise import Verdict, optimise
    from techniques.plans import Planner
    from techniques.style import StyleSettings
    from techniques.style.scene import Scene, costs_of
    from techniques.style.transfer import stages

    content, style, network = _inputs(size)
    device = choose_device()
    network = network.computing_in(device.precision).to(device.torch)
    settings = StyleSettings(size=size, iterations=100 * ITERATIONS)
    planner = Planner(16 << 30, costs_of(settings, network))
    scene = Scene(content, [style], settings, (size, size), network, device.torch, planner, print)
    *_, last = stages(scene)
    begun, times = [0.0], []

    def clock(_step):
        now = time.perf_counter()
        times.append(now - begun[0])
        begun[0] = now
        return Verdict.NEXT_STAGE if len(times) > ITERATIONS else Verdict.GO_ON

    # The stage of full size alone, from the content: the coarse ones before it only cost less.
    first = stages(replace(scene, settings=replace(settings, iterations=1)))[0]
    begun[0] = time.perf_counter()
    optimise([replace(last, start=first.start)], callbacks=[clock])
    return times[1:]


def _textbook(size: int) -> list[float]:
    import torch

    content, style, network = _inputs(size)
    layers = ["relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1"]

    def tensor(picture):
        return torch.from_numpy(picture.rgb).permute(2, 0, 1).unsqueeze(0).contiguous()

    def gram(features):
        flat = features.flatten(2).squeeze(0)
        return flat @ flat.T / flat.shape[1]

    image = tensor(content).clone().requires_grad_()
    with torch.no_grad():
        forms = network(tensor(content), ["relu4_2"])["relu4_2"]
        textures = {layer: gram(values) for layer, values in network(tensor(style), layers).items()}
    optimizer = torch.optim.LBFGS([image], max_iter=1)
    times = []

    def closure():
        optimizer.zero_grad()
        found = network(image, [*layers, "relu4_2"])
        loss = 1e-3 * (found["relu4_2"] - forms).square().mean()
        for layer in layers:
            loss = loss + (gram(found[layer]) - textures[layer]).square().mean()
        loss.backward()
        return loss

    for _ in range(ITERATIONS):
        began = time.perf_counter()
        optimizer.step(closure)
        times.append(time.perf_counter() - began)
    return times


if __name__ == "__main__":
    sys.exit(main())
