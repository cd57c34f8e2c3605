"""Which variant runs on which machine: compute capability against compiled kernels, driver against CUDA."""

import re
from importlib.resources import files

import yaml

from images.errors import UsageError
from images.matrix import Variant


def capability(card: str) -> str:
    """The architecture (``sm_86``) of a card's name, of ``8.6`` or of ``sm_86`` itself.

    Raises UsageError for a card that the table does not have.
    """
    if known := re.fullmatch(r"sm_?(\d{2,3})|(\d+\.\d)", card.strip().lower()):
        return "sm_" + (known[1] or known[2]).replace(".", "")
    table = yaml.safe_load(files("images").joinpath("cards.yaml").read_text(encoding="utf-8"))
    architectures = {_plain(name): architecture for name, architecture in table.items()}
    try:
        return str(architectures[_plain(card)])
    except KeyError:
        raise UsageError(
            f"--gpu: the card {card!r} is not in the table; name its compute capability instead, such as 8.6"
        ) from None


def driver_branch(driver: str) -> int:
    """The branch (525) of a driver's version ("525.116.04"). Raises UsageError for anything else."""
    branch = driver.partition(".")[0]
    if not (branch.isascii() and branch.isdigit()):
        raise UsageError(f"--driver: {driver!r} is no driver version; it looks like 550.54.14 or 550")
    return int(branch)


def obstacles(variant: Variant, architecture: str | None, driver: int | None) -> list[str]:
    """Why ``variant`` does not run on that machine; empty when it does. None stands for not asked."""
    found = []
    if architecture is not None and not has_kernels(variant, architecture):
        built = ", ".join(variant.architectures)
        found.append(f"its torch {variant.torch} has no kernels for {architecture}, only for {built}")
    if driver is not None and driver < variant.least_driver:
        found.append(f"CUDA {variant.cuda} needs NVIDIA driver {variant.least_driver} or later, not {driver}")
    return found


def obstacles_on(variant: Variant, architecture: str, served: tuple[int, int]) -> list[str]:
    """The same for a driver that states the newest CUDA it serves, such as (12, 4), in place of its branch.

    Within a major every minor runs ("minor version compatibility" in NVIDIA's CUDA Compatibility).
    """
    found = obstacles(variant, architecture, None)
    if served[0] < int(variant.cuda.partition(".")[0]):
        found.append(
            f"CUDA {variant.cuda} needs NVIDIA driver {variant.least_driver} or later, "
            f"this one serves CUDA {served[0]}.{served[1]} at most"
        )
    return found


def has_kernels(variant: Variant, architecture: str) -> bool:
    """Whether a kernel of ``variant`` runs on ``architecture``.

    Compiled kernels run on the same major and an equal or higher minor capability (CUDA C++ Programming
    Guide, "Binary Compatibility"). PTX, which the driver could compile for newer cards, is not counted on.
    """
    major, minor = _split(architecture)
    return any(_split(built)[0] == major and _split(built)[1] <= minor for built in variant.architectures)


def _split(architecture: str) -> tuple[int, int]:
    digits = architecture.removeprefix("sm_")
    return int(digits[:-1]), int(digits[-1])


def _plain(name: str) -> str:
    return re.sub(
        r"[^a-z0-9]", "", name.lower().replace("nvidia", "").replace("quadro", "").replace("geforce", "")
    )
