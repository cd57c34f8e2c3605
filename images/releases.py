"""What was in each published version: its packages, kept in the checkout, and what has changed since."""

import re
from collections.abc import Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from images.errors import UsageError
from images.lock import locked
from images.matrix import Choice, Matrix
from images.project import Project


def manifest(choice: Choice, locks: Path | None = None) -> str:
    """The packages of ``choice``, one ``NAME==VERSION`` a line; ``locks`` as in ``locked``."""
    return "".join(f"{name}=={version}\n" for name, version in sorted(locked(choice, locks).items()))


def record(matrix: Matrix, project: Project) -> list[Path]:
    """Write the manifest of every image of this version, to be committed with its release.

    Raises UsageError when the version is recorded already with other packages: it was published.
    """
    folder = project.root / "images" / "releases" / project.version
    wanted = {
        folder / f"{choice.name}.txt": manifest(choice, project.root / "images/locks")
        for choice in matrix.choices()
    }
    for path, text in wanted.items():
        if path.exists() and path.read_text(encoding="utf-8") != text:
            raise UsageError(
                f"{path.relative_to(project.root)} says what was published as {project.version}; raise the "
                "version in pyproject.toml"
            )
    folder.mkdir(parents=True, exist_ok=True)
    for path, text in wanted.items():
        path.write_text(text, encoding="utf-8")
    return list(wanted)


def previous(
    choice: Choice, version: str, folder: Traversable | None = None
) -> tuple[str, dict[str, str]] | None:
    """The newest version before ``version`` that has ``choice``, with its packages; None for the first one.

    ``folder`` holds one folder a version (default: those that travel with this package).
    """
    releases = folder or files("images").joinpath("releases")
    if not releases.is_dir():
        return None
    earlier = [each for each in releases.iterdir() if each.is_dir() and _order(each.name) < _order(version)]
    for release in sorted(earlier, key=lambda each: _order(each.name), reverse=True):
        listed = release.joinpath(f"{choice.name}.txt")
        if listed.is_file():
            lines = listed.read_text(encoding="utf-8").splitlines()
            return release.name, dict(line.split("==", 1) for line in lines)
    return None


def changes(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """One line for each package that came, went or has another version."""
    lines = []
    for name in sorted(before.keys() | now.keys()):
        if name not in before:
            lines.append(f"{name} {now[name]} is new")
        elif name not in now:
            lines.append(f"{name} {before[name]} is gone")
        elif before[name] != now[name]:
            lines.append(f"{name} {before[name]} -> {now[name]}")
    return lines


def _order(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version))
