"""What is installed: Python packages by their metadata, Debian packages by dpkg's own record."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import distributions
from typing import Any

NOT_STATED = "not stated"

# What packages leave out of their metadata, from where their makers say it: nvdiffrast's LICENSE.txt, and
# NVIDIA's licence of the CUDA toolkit, of which this package only names the parts.
_SAID_ELSEWHERE = {
    "nvdiffrast": "LicenseRef-NVIDIA-Source-Code-License-1-Way-Commercial",
    "cuda-toolkit": "LicenseRef-NVIDIA-CUDA-EULA",
}


@dataclass(frozen=True)
class Package:
    """One installed package."""

    kind: str  # "pypi" or "deb", as package URLs have it
    name: str
    version: str
    expression: str | None  # its licence as an SPDX expression, where it states one
    licence: str  # the same in the package's own words
    architecture: str = ""


def python_packages(site: Sequence[str] | None = None) -> list[Package]:
    """Every Python package on ``sys.path`` (or in the folders ``site``), by name."""
    found: dict[str, Package] = {}
    for distribution in distributions(path=list(site)) if site is not None else distributions():
        metadata = distribution.metadata.json
        name = str(metadata["name"])
        expression, words = metadata.get("license_expression"), _words(metadata)
        if words == NOT_STATED and (expression := _SAID_ELSEWHERE.get(name)):
            words = expression
        package = Package("pypi", name, distribution.version, str(expression) if expression else None, words)
        # The first on sys.path is the one that is imported.
        found.setdefault(name.lower(), package)
    return [found[name] for name in sorted(found)]


def debian_packages(status: Iterable[str]) -> list[Package]:
    """Every installed package in the lines of dpkg's status file, by name."""
    found, fields = [], dict[str, str]()
    for line in [*status, ""]:
        if line.strip():
            if not line[0].isspace():
                key, _, value = line.partition(":")
                fields[key] = value.strip()
            continue
        if fields.get("Status") == "install ok installed":
            found.append(
                Package("deb", fields["Package"], fields["Version"], None, "", fields["Architecture"])
            )
        fields = {}
    return sorted(found, key=lambda package: package.name)


def _words(metadata: Mapping[str, Any]) -> str:
    if expression := metadata.get("license_expression"):
        return str(expression)
    for line in metadata.get("classifier", ()):
        if line.startswith("License :: "):
            return str(line.rpartition(" :: ")[2])
    # Some packages put their licence's whole text there.
    return str((str(metadata.get("license") or "").splitlines() or [NOT_STATED])[0][:60])
