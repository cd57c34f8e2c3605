"""The version matrix: ``matrix.yaml`` as frozen rows, and the choice of one."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from importlib.resources import files
from pathlib import Path
from typing import Any, TypeVar

import yaml

from images.errors import UsageError
from images.nvdiffrast import Pin
from images.rules import problems

Row = TypeVar("Row")


@dataclass(frozen=True)
class Base:
    """The Debian that every image stands on."""

    image: str
    digest: str  # "sha256:..." of the published image index
    suite: str  # Debian's name for the release, for making the base from packages
    python: str  # "3.13": the suite's own

    @property
    def reference(self) -> str:
        """Name and digest, so that a moved tag cannot change what is pulled."""
        return f"{self.image}@{self.digest}"


@dataclass(frozen=True)
class Variant:
    """One CUDA generation: a tested pair of torch and torchvision, and the hardware it runs on."""

    name: str
    summary: str
    cuda: str
    torch: str
    torchvision: str
    architectures: tuple[str, ...]  # "sm_75": compiled kernels in the torch wheel
    least_driver: int  # NVIDIA driver branch
    compiler: str  # whose nvcc the builder stage takes: "pypi" or "debian"
    without: tuple[str, ...]  # packages that torch asks for and that are left out all the same
    triton: str  # the version that torch asks for, for who puts it on top
    budget_mb: int  # of the torch and CUDA layer, unpacked, in 10^6 bytes
    licences: Mapping[str, str]  # component: SPDX identifier


@dataclass(frozen=True)
class Flavour:
    """One use of an image: which extras of the project and which further packages are in it."""

    name: str
    summary: str
    stage: str  # of the Dockerfile, its last one for this use
    extras: tuple[str, ...]
    requirements: tuple[str, ...]
    without: tuple[str, ...]  # packages that others ask for and that are left out all the same
    budget_mb: int  # of its own packages' layer, unpacked, in 10^6 bytes

    @property
    def has_jupyter(self) -> bool:
        """Whether a platform starts a notebook server in it."""
        return self.stage == "notebook"


@dataclass(frozen=True)
class Choice:
    """One image that can be built: a variant, a flavour and the base under both."""

    base: Base
    variant: Variant
    flavour: Flavour
    nvdiffrast: Pin | None  # None in the tags that are free of it

    @property
    def name(self) -> str:
        """``VARIANT-FLAVOUR``, or ``VARIANT-FLAVOUR-free``, as tags have it."""
        return self._pair + ("" if self.nvdiffrast else "-free")

    @property
    def _pair(self) -> str:
        return f"{self.variant.name}-{self.flavour.name}"

    @property
    def licences(self) -> Mapping[str, str]:
        """Component: SPDX identifier, of all that has a licence of its own."""
        further = {"nvdiffrast": self.nvdiffrast.licence} if self.nvdiffrast else {}
        return {"deepdesign": "MIT", **self.variant.licences, **further}

    @property
    def without(self) -> tuple[str, ...]:
        """Packages that others ask for and that are in no layer."""
        return (*self.variant.without, *self.flavour.without)

    @property
    def torch_lock(self) -> str:
        """File name under ``images/locks`` of the CUDA layer's packages."""
        return f"{self.variant.name}-torch.txt"

    @property
    def light_lock(self) -> str:
        """File name under ``images/locks`` of everything else."""
        return f"{self._pair}.txt"

    @property
    def build_lock(self) -> str:
        """File name under ``images/locks`` of what compiles extensions, in a builder stage only."""
        return f"{self.variant.name}-build.txt"


@dataclass(frozen=True)
class Matrix:
    """All rows, in the order of the file."""

    base: Base
    nvdiffrast: Pin
    weights: tuple[str, ...]  # names in the techniques' registry
    budgets_mb: Mapping[str, int]  # layers that every image has, unpacked, in 10^6 bytes
    variants: Mapping[str, Variant]
    flavours: Mapping[str, Flavour]
    default: tuple[str, str]

    def choose(self, variant: str | None = None, flavour: str | None = None, *, free: bool = False) -> Choice:
        """The image of that variant and flavour, the default where one is not named; ``free`` of nvdiffrast.

        Raises UsageError for a name that has no row.
        """
        variant, flavour = variant or self.default[0], flavour or self.default[1]
        return Choice(
            self.base,
            _row(self.variants, "variant", variant),
            _row(self.flavours, "flavour", flavour),
            None if free else self.nvdiffrast,
        )

    def choices(self) -> tuple[Choice, ...]:
        """Every image that can be built."""
        return tuple(
            self.choose(v, f, free=free)
            for v in self.variants
            for f in self.flavours
            for free in (False, True)
        )


def load(path: Path | None = None) -> Matrix:
    """Read ``matrix.yaml``: the one at ``path``, else the one that travels with this package.

    Raises UsageError when it cannot be read or a row lacks a field or has one too many.
    """
    source = path or files("images").joinpath("matrix.yaml")
    try:
        data = yaml.safe_load(source.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise UsageError(f"the matrix {source} cannot be read: {error}") from error
    if not isinstance(data, dict):
        raise UsageError(f"the matrix {source} has no rows")
    try:
        matrix = Matrix(
            base=_build(Base, "base", data["base"]),
            nvdiffrast=_build(Pin, "nvdiffrast", data["nvdiffrast"]),
            weights=tuple(data["weights"]),
            budgets_mb=dict(data["budgets_mb"]),
            variants={k: _build(Variant, k, {"name": k, **v}) for k, v in data["variants"].items()},
            flavours={k: _build(Flavour, k, {"name": k, **v}) for k, v in data["flavours"].items()},
            default=(data["default"]["variant"], data["default"]["flavour"]),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise UsageError(f"the matrix {source} is not complete: {error}") from error
    for variant in matrix.variants.values():
        if wrong := problems(variant):
            raise UsageError(f"the matrix's row {variant.name!r} cannot work: {'; '.join(wrong)}")
    matrix.choose()
    return matrix


def _row(rows: Mapping[str, Row], kind: str, name: str) -> Row:
    try:
        return rows[name]
    except KeyError:
        raise UsageError(f"there is no {kind} {name!r}; choose one of: {', '.join(rows)}") from None


def _build(kind: type[Row], name: str, data: Mapping[str, Any]) -> Row:
    wanted = {field.name for field in fields(kind)}  # type: ignore[arg-type]
    if wrong := wanted ^ data.keys():
        raise UsageError(f"the matrix's row {name!r} lacks or does not know: {', '.join(sorted(wrong))}")
    return kind(**{key: tuple(value) if isinstance(value, list) else value for key, value in data.items()})
