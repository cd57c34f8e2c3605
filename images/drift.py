"""Whether an image holds exactly what its lock files say."""

import re
from collections.abc import Mapping


def drift(locked: Mapping[str, str], installed: Mapping[str, str]) -> list[str]:
    """One line for each package that is missing, additional or of another version; empty when equal."""
    wanted, there = _by_name(locked), _by_name(installed)
    lines = []
    for name in sorted(wanted.keys() | there.keys()):
        if name not in there:
            lines.append(f"{name} {wanted[name]} is in the lock and not in the image")
        elif name not in wanted:
            lines.append(f"{name} {there[name]} is in the image and not in the lock")
        elif wanted[name] != there[name]:
            lines.append(f"{name} is {there[name]} in the image and {wanted[name]} in the lock")
    return lines


def _by_name(pins: Mapping[str, str]) -> dict[str, str]:
    """Names as PyPI compares them; a version without the build that torch adds (``2.14.1+cu130``)."""
    return {re.sub(r"[-_.]+", "-", name).lower(): version.partition("+")[0] for name, version in pins.items()}
