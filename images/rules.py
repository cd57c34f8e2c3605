"""Which versions go together: a row that cannot work is refused with the reason, before anybody meets it."""

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from images.matrix import Variant

# CUDA major: least driver branch (NVIDIA, CUDA Compatibility), oldest and newest capability that it compiles
# for (CUDA release notes).
_CUDA = {12: (525, 50, 120), 13: (580, 75, 121)}


def problems(variant: "Variant") -> list[str]:
    """What does not go together in a row, in plain words; empty when all does."""
    found = []
    if re.fullmatch(r"\d+\.\d+", variant.cuda) is None:
        return [f"CUDA {variant.cuda!r} is no version such as 12.6"]
    major = int(variant.cuda.partition(".")[0])
    if major not in _CUDA:
        return [f"nothing is known about CUDA {major}; add its driver and architectures to images/rules.py"]
    driver, oldest, newest = _CUDA[major]
    if variant.least_driver < driver:
        found.append(
            f"CUDA {variant.cuda} needs driver {driver} or later, the row says {variant.least_driver}"
        )
    for architecture in variant.architectures:
        capability = re.fullmatch(r"sm_(\d{2,3})", architecture)
        if capability is None:
            found.append(f"{architecture!r} is no architecture such as sm_86")
        elif not oldest <= int(capability[1]) <= newest:
            found.append(f"CUDA {major} compiles for sm_{oldest} to sm_{newest} and not for {architecture}")
    if variant.compiler not in ("pypi", "debian"):
        found.append(f"there is no compiler from {variant.compiler!r}, only from pypi or debian")
    # torchvision 0.22 was made for torch 2.7, 0.23 for 2.8, and so on (README of pytorch/vision).
    wanted = f"0.{_minor(variant.torch) + 15}"
    if variant.torchvision.rpartition(".")[0] != wanted:
        found.append(
            f"torchvision {variant.torchvision} is not made for torch {variant.torch}, whose pair is {wanted}"
        )
    return found


def _minor(version: str) -> int:
    match = re.match(r"2\.(\d+)\.", version)
    return int(match[1]) if match else -1
