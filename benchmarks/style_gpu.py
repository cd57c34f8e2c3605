"""Style transfer on a card: steps a second, beside what the card's arithmetic would allow.

``python -m benchmarks.style_gpu`` measures 512, 1024, 2048 and 4096 px squares with Adam, in float32 (with
TF32 where the card has it) and bfloat16, each plain, with channels last, with cuDNN trying its algorithms
first, and compiled; other sizes are given as arguments. The floor is the network's arithmetic, 1.16 MFLOP a
pixel for VGG16 up to relu5_1 forward and back, at the rate that a large matrix product reaches on the same
card and in the same precision. ``--device cpu`` tries the benchmark itself where there is no card.
"""

import statistics
import sys
import time

import torch

from benchmarks.record import record
from benchmarks.style_speed import inputs, tensor

SIZES = (512, 1024, 2048, 4096)
STEPS, WARM = 20, 5
FLOP_PER_PIXEL = 1.156e6  # FlopCounterMode: 303 GFLOP at 512 px
VARIANTS = ("plain", "channels last", "cuDNN benchmark", "compiled")


def main() -> int:
    arguments = sys.argv[1:]
    device = torch.device(arguments[arguments.index("--device") + 1] if "--device" in arguments else "cuda")
    sizes = [int(one) for one in arguments if one.isdigit()] or list(SIZES)
    if device.type == "cuda" and not torch.cuda.is_available():
        print("There is no CUDA device here; nothing is measured.", file=sys.stderr)
        return 2
    name = torch.cuda.get_device_name() if device.type == "cuda" else "processor"
    figures: dict[str, object] = {}
    for precision in (torch.float32, torch.bfloat16):
        attained = _matrix_rate(device, precision)
        figures[str(precision)] = found = {"attainable TFLOP/s": round(attained / 1e12, 1)}
        for size in sizes:
            for variant in VARIANTS:
                found[f"{size} px, {variant}"] = _measured(size, device, precision, variant, attained)
                if device.type == "cuda":
                    record("style_gpu", figures, device=name)
    print(figures)
    return 0


def _measured(size: int, device: torch.device, precision: torch.dtype, variant: str, attained: float):
    torch.backends.cudnn.benchmark = variant == "cuDNN benchmark"
    step = _step(size, device, precision, variant)
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats()
    try:
        times = []
        for _ in range(WARM + STEPS):
            began = time.perf_counter()
            step()
            if device.type == "cuda":
                torch.cuda.synchronize()
            times.append(time.perf_counter() - began)
    except (RuntimeError, torch.OutOfMemoryError) as error:
        return {"failed": str(error).splitlines()[0][:120]}
    rate = 1 / statistics.median(times[WARM:])
    return {
        "steps a second": round(rate, 2),
        "share of the attainable rate": round(rate * FLOP_PER_PIXEL * size**2 / attained, 3),
        "peak memory, MiB": torch.cuda.max_memory_allocated() >> 20 if device.type == "cuda" else None,
    }


def _step(size: int, device: torch.device, precision: torch.dtype, variant: str):
    from techniques.plans import Planner, Way
    from techniques.style import StyleSettings
    from techniques.style.objective import rate
    from techniques.style.scene import Scene, costs_of, losses_of
    from techniques.tiling import whole

    content, style, network = inputs(size)
    network = network.computing_in(precision).to(device)
    if variant == "channels last":
        network.to(memory_format=torch.channels_last)
    settings = StyleSettings(size=size, optimizer="adam")
    planner = Planner(1 << 50, costs_of(settings, network))
    scene = Scene(content, [style], settings, (size, size), network, device, planner, print)
    losses = losses_of(scene, (size, size), Way())
    image = tensor(content).to(device).requires_grad_()
    optimizer = torch.optim.Adam([image], lr=0.01)
    rated = torch.compile(rate) if variant == "compiled" else rate

    def step():
        optimizer.zero_grad()
        rated(image, losses, network, [whole((size, size))], checkpointed=False).total.backward()
        optimizer.step()

    return step


def _matrix_rate(device: torch.device, precision: torch.dtype) -> float:
    torch.backends.cuda.matmul.allow_tf32 = True  # as cuDNN does for convolutions
    side = 8192 if device.type == "cuda" else 1024
    one = torch.randn(side, side, device=device, dtype=precision)
    times = []
    for _ in range(10):
        began = time.perf_counter()
        one @ one
        if device.type == "cuda":
            torch.cuda.synchronize()
        times.append(time.perf_counter() - began)
    return 2 * side**3 / min(times)


if __name__ == "__main__":
    sys.exit(main())
