"""Style transfer at poster size in little memory: one step of Adam, in tiles, and time against size.

``python -m benchmarks.style_memory`` makes one whole step (targets, both passes, the optimiser's move) at
1500 x 1000, 3000 x 2000 and 6000 x 4000 px with ``--memory 6GB``, each size in a process of its own, and
gives the plan, its estimate and the peak of resident memory that the kernel counted. Other sizes are given as
arguments (``3000x2000``). ``--compare`` adds the first size in tiles of 512 px.
"""

import json
import os
import subprocess
import sys
import time
from importlib.resources import files
from pathlib import Path

from benchmarks.record import record

SIZES = ("1500x1000", "3000x2000", "6000x4000")
LIMIT = "6GB"


def main() -> int:
    sizes = [argument for argument in sys.argv[1:] if not argument.startswith("-")] or list(SIZES)
    figures: dict[str, object] = {"load average at the start": round(os.getloadavg()[0], 1)}
    for size in sizes:
        figures[size] = _in_a_process(size)
        record("style_memory", figures)  # the largest take long: what is known is kept
    if "--compare" in sys.argv:
        figures[f"{sizes[0]}, the same in tiles of 512 px"] = _in_a_process(sizes[0], tile=512)
    record("style_memory", figures)
    return 0


def _in_a_process(size: str, tile: int = 0) -> dict[str, object]:
    code = f"from benchmarks.style_memory import measure; measure({size!r}, {tile})"
    done = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def measure(size: str, tile: int) -> None:
    from techniques.device import choose_device
    from techniques.memory import parse_memory, peak_resident
    from techniques.networks import NETWORKS, load_network
    from techniques.optimise import optimise
    from techniques.pictures import fit, read_picture
    from techniques.plans import LADDER, Planner, Way
    from techniques.style import StyleSettings
    from techniques.style.scene import Scene, costs_of
    from techniques.style.transfer import stages
    from techniques.weights import obtain

    width, height = map(int, size.split("x"))
    china = read_picture(Path(str(files("sklearn.datasets").joinpath("images/china.jpg"))))
    coffee = read_picture(Path(str(files("skimage").joinpath("data/coffee.png"))))
    weights = obtain("auto", networks=tuple(NETWORKS), announce=print, report=lambda *_: None)
    device = choose_device()
    network = load_network(weights).computing_in(device.precision).to(device.torch)
    settings = StyleSettings(width=width, height=height, iterations=1, optimizer="adam")
    lowest = LADDER.index(Way(tile)) if tile else 0
    planner = Planner(parse_memory(LIMIT), costs_of(settings, network), lowest=lowest)
    # As large as a content of this size would be in memory.
    content = fit(china, (width, height))
    scene = Scene(content, [coffee], settings, (width, height), network, device.torch, planner, print)
    begun = time.perf_counter()
    processor = time.process_time()
    optimise(stages(scene), optimizer="adam", keep="average")
    spent = time.process_time() - processor
    print(
        json.dumps(
            {
                **planner.record((width, height)),
                "peak_memory_mb": peak_resident() >> 20,
                "seconds": round(time.perf_counter() - begun, 1),
                "processor_seconds": round(spent, 1),
                "processor_seconds_a_megapixel": round(spent / (width * height / 1e6), 1),
                "precision": str(device.precision).removeprefix("torch."),
            }
        )
    )


if __name__ == "__main__":
    sys.exit(main())
