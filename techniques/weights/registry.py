"""The registry of trained networks: ``weights.yaml`` as values."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal

import yaml

from techniques.errors import BadInputError

__all__ = [
    "Entry",
    "InputConvention",
    "Licence",
    "UrlSource",
    "View",
    "WheelSource",
    "entry_named",
    "parse",
    "registry",
]


@dataclass(frozen=True)
class InputConvention:
    """What numbers a network was trained on: ``(rgb * maximum, in this order, - mean) / deviation``."""

    order: Literal["RGB", "BGR"]
    maximum: float
    mean: tuple[float, float, float]
    deviation: tuple[float, float, float]


@dataclass(frozen=True)
class View:
    """Which part of a picture a classifier looks at, and at which size.

    ``width`` and ``height`` in pixels are what the network is given. Rule "crop" cuts a box of that aspect
    out of the middle, "squash" takes the whole picture and changes its aspect; ``crop``, in 0..1, is the part
    of each side that is left of it (224 of 256 px: 0.875).
    """

    width: int
    height: int
    crop: float = 1.0
    rule: Literal["crop", "squash"] = "crop"
    interpolation: Literal["bilinear", "bicubic", "lanczos"] = "bilinear"


@dataclass(frozen=True)
class WheelSource:
    """One file inside a wheel of the package index."""

    package: str
    version: str
    wheel_sha256: str
    member: str

    def __str__(self) -> str:
        return f"{self.package}=={self.version}: {self.member}"


@dataclass(frozen=True)
class UrlSource:
    """A file that a web server gives out."""

    url: str

    def __str__(self) -> str:
        return self.url


@dataclass(frozen=True)
class Licence:
    """What the publisher states, and what that leaves open."""

    stated: str
    unclear: str


@dataclass(frozen=True)
class Entry:
    """One trained network. ``sha256`` may be a prefix, where the publisher gives no more; then ``bytes`` may
    be a rounded number, right to one part in a thousand.

    ``view`` and ``classes`` (the name of a list in techniques/classifiers/classes.py) are there if the
    network can name what a picture shows.
    """

    name: str
    title: str
    network: str
    format: str
    file: str
    bytes: int
    sha256: str
    source: WheelSource | UrlSource
    input: InputConvention
    licence: Licence
    credit: str
    view: View | None = None
    classes: str | None = None

    @property
    def slack(self) -> int:
        """How many bytes a right file may have more or less than ``bytes``."""
        return 0 if len(self.sha256) == 64 else self.bytes // 1000

    @property
    def facts(self) -> dict[str, str]:
        """What ``run.json`` and reports say of the network, besides its name and hash."""
        return {
            "title": self.title,
            "source": str(self.source),
            "licence": self.licence.stated,
            "unclear": self.licence.unclear,
            "credit": self.credit,
        }

    @property
    def classifies(self) -> bool:
        """Whether the network comes with its last layers, and so can name what a picture shows."""
        return self.view is not None and self.classes is not None


def parse(text: str) -> dict[str, Entry]:
    """The entries that a YAML ``text`` describes, by name, in its order."""
    return {name: _entry(name, record) for name, record in yaml.safe_load(text).items()}


@cache
def registry() -> Mapping[str, Entry]:
    """The entries of the registry that deepdesign comes with, in the order of preference."""
    return parse(files("techniques.weights").joinpath("weights.yaml").read_text(encoding="utf-8"))


def entry_named(name: str) -> Entry:
    """The entry called ``name``.

    Raises:
        BadInputError: there is none; the message lists those that there are.
    """
    try:
        return registry()[name]
    except KeyError:
        raise BadInputError(
            f"There is no network called {name!r}. Choose one of: {', '.join(registry())}."
        ) from None


def _entry(name: str, record: dict[str, Any]) -> Entry:
    source, convention = record["source"], record["input"]
    return Entry(
        **{
            **record,
            "name": name,
            "source": UrlSource(**source) if "url" in source else WheelSource(**source),
            "input": InputConvention(
                order=convention["order"],
                maximum=float(convention["maximum"]),
                mean=tuple(convention["mean"]),
                deviation=tuple(convention["deviation"]),
            ),
            "licence": Licence(**record["licence"]),
            "view": View(**record["view"]) if "view" in record else None,
        }
    )
