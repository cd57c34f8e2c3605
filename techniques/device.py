"""Where and in which precision a run computes."""

import platform
from dataclasses import dataclass
from typing import Any, Literal

import torch

from techniques.errors import BadInputError
from techniques.memory import peak_resident

__all__ = ["Device", "DeviceChoice", "PrecisionChoice", "choose_device"]

DeviceChoice = Literal["auto", "cuda", "cpu"]
PrecisionChoice = Literal["auto", "float32", "bfloat16"]


@dataclass(frozen=True)
class Device:
    """A device that is there: ``kind`` is "cuda" or "cpu", ``name`` is for people, ``precision`` for
    convolutions.
    """

    kind: str
    name: str
    precision: torch.dtype
    threads: int

    @property
    def torch(self) -> torch.device:
        """The device as PyTorch names it."""
        return torch.device(self.kind)

    def peak_memory_mb(self) -> int:
        """The most memory, in MiB, that this process has held so far: of the card, else of the machine."""
        peak = torch.cuda.max_memory_allocated() if self.kind == "cuda" else peak_resident()
        return int(peak) >> 20

    def __str__(self) -> str:
        return f"{self.kind} ({self.name}), {str(self.precision).removeprefix('torch.')}"


def choose_device(choice: DeviceChoice = "auto", precision: PrecisionChoice = "auto") -> Device:
    """The device that ``choice`` means on this machine; "auto" takes a CUDA card if there is one.

    Precision "auto" is bfloat16 where the processor computes in it natively (about twice as fast, measured by
    benchmarks/style_speed.py), else float32.

    Raises:
        BadInputError: "cuda" was asked for and there is none.
    """
    has_cuda = torch.cuda.is_available()
    if choice == "cuda" and not has_cuda:
        raise BadInputError(
            "--device cuda: no CUDA device answers here. Use --device cpu, or a machine with a GPU."
        )
    kind = "cuda" if has_cuda and choice != "cpu" else "cpu"
    name = (
        torch.cuda.get_device_name()
        if kind == "cuda"
        else str(_cpu_abilities().get("cpu_name") or platform.machine())
    )
    native = _cuda_has_bfloat16() if kind == "cuda" else _cpu_has_bfloat16()
    wanted = ("bfloat16" if native else "float32") if precision == "auto" else precision
    return Device(kind, name, getattr(torch, wanted), torch.get_num_threads())


def _cpu_has_bfloat16() -> bool:
    abilities = _cpu_abilities()
    return any(abilities.get(name) for name in ("avx512_bf16", "amx_bf16", "bf16"))


def _cpu_abilities() -> dict[str, Any]:
    ask = getattr(torch.cpu, "get_capabilities", None)  # newer than the oldest PyTorch that we work with
    return dict(ask()) if ask else {}


def _cuda_has_bfloat16() -> bool:
    # Pascal and Turing emulate it, slowly.
    return torch.cuda.get_device_capability() >= (8, 0)
