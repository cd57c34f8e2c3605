"""Whether the lock files still answer what the matrix and pyproject.toml ask for."""

import tomllib
from collections.abc import Iterator
from pathlib import Path

from images.errors import UsageError
from images.lock import pinned
from images.matrix import Choice


def require_current(choice: Choice, root: Path) -> None:
    """Raises UsageError, with what has changed, when a lock of ``choice`` in the checkout ``root`` is stale.

    A build would succeed all the same and lack what was added, or hold what nobody asks for any more.
    """
    if found := list(differences(choice, root)):
        more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
        raise UsageError(
            f"the lock files are stale: {found[0]}{more}; make them anew with: "
            f"deepdesign-images lock --variant {choice.variant.name} --flavour {choice.flavour.name}"
        )


def differences(choice: Choice, root: Path) -> Iterator[str]:
    """What is asked for and not in the locks, in plain words; nothing when they are current.

    Requirements are read as the packaging specifications have them: names as PyPI compares them, versions
    within their ranges, and only those whose marker holds for a Python of the image.
    """
    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project.get("optional-dependencies", {})
    asked = [
        f"torch=={choice.variant.torch}",
        f"torchvision=={choice.variant.torchvision}",
        *project["dependencies"],
        *(line for extra in choice.flavour.extras for line in extras.get(extra, ())),
        *choice.flavour.requirements,
    ]
    locks = root / "images" / "locks"
    held = pinned(locks / choice.torch_lock) | pinned(locks / choice.light_lock)
    for requirement in map(Requirement, asked):
        if requirement.marker and not requirement.marker.evaluate({"python_version": choice.base.python}):
            continue
        version = held.get(canonicalize_name(requirement.name))
        if version is None:
            yield f"{requirement} is asked for and is in none of them"
        elif not requirement.specifier.contains(version, prereleases=True):
            yield f"{requirement} is asked for and they hold {version}"
