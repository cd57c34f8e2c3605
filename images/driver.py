"""The NVIDIA driver as a program meets it: its library is asked, not a tool's printout.

What `nvidia-smi` prints changes its wording between driver branches; `libcuda.so.1` is what torch loads.
"""

import ctypes
from dataclasses import dataclass

from images.errors import ImagesError

# CUdevice_attribute in cuda.h.
_CAPABILITY_MAJOR, _CAPABILITY_MINOR = 75, 76


@dataclass(frozen=True)
class Card:
    """One device that the driver shows."""

    name: str
    architecture: str  # "sm_86"


@dataclass(frozen=True)
class Driver:
    """What the driver library says about this machine."""

    cuda: tuple[int, int]  # newest CUDA that it serves, (12, 4)
    cards: tuple[Card, ...]


def ask(library: str = "libcuda.so.1") -> Driver | None:
    """The driver of this machine; None where there is no driver library.

    Raises ImagesError when the library is there and does not work.
    """
    try:
        cuda = ctypes.CDLL(library)
    except OSError:
        return None
    version = ctypes.c_int()
    _call(cuda, "cuDriverGetVersion", ctypes.byref(version))
    served = (version.value // 1000, version.value % 1000 // 10)
    count = ctypes.c_int()
    # Without a device cuInit fails; the version stands all the same.
    if cuda.cuInit(0) == 0:
        _call(cuda, "cuDeviceGetCount", ctypes.byref(count))
    return Driver(served, tuple(_card(cuda, index) for index in range(count.value)))


def _card(cuda: ctypes.CDLL, index: int) -> Card:
    device, name, value = ctypes.c_int(), ctypes.create_string_buffer(256), ctypes.c_int()
    _call(cuda, "cuDeviceGet", ctypes.byref(device), index)
    _call(cuda, "cuDeviceGetName", name, len(name), device)
    capability = []
    for attribute in (_CAPABILITY_MAJOR, _CAPABILITY_MINOR):
        _call(cuda, "cuDeviceGetAttribute", ctypes.byref(value), attribute, device)
        capability.append(value.value)
    return Card(name.value.decode(errors="replace"), "sm_{}{}".format(*capability))


def _call(cuda: ctypes.CDLL, function: str, *arguments: object) -> None:
    status = getattr(cuda, function)(*arguments)
    if status:
        raise ImagesError(
            f"the NVIDIA driver library answers {function} with error {status}; reinstall the driver"
        )
