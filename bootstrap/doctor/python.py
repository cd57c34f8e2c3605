"""The Python that terminals and kernels run: asked in the environment that they have."""

import json
import os
import pkgutil
import re
import shutil
from typing import Any, NamedTuple

from bootstrap import environment
from bootstrap.doctor.asking import Answer, ask
from bootstrap.doctor.finding import Patient, line

#: Of the packages that pip itself needs nobody asks where they are.
TOOLS = frozenset({"pip", "setuptools", "wheel"})


class Survey(NamedTuple):
    """What a Python has; the fields are those that ``survey.py`` prints, packages by ``normal`` names."""

    version: str
    executable: str
    managed: bool  # a distribution's own, in which pip does nothing unless it is told twice
    base: str
    user: str
    user_packages: dict[str, list[Any]]
    user_tops: list[str]
    image: list[str]
    image_packages: dict[str, list[str]]
    image_tops: list[str]
    standard: list[str]

    def pip(self, *words: str) -> str:
        """A command line for this Python's pip."""
        twice = ("--break-system-packages",) if self.managed else ()
        return line("python3", "-m", "pip", words[0], *twice, *words[1:])


def normal(name: str) -> str:
    """The one spelling of a package's name by which two are compared, as PEP 503 defines it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def run(patient: Patient, *arguments: str, limit: float = 8.0) -> Answer | None:
    """Run the image's Python as a kernel would, after our environment file; ``None`` if there is none."""
    python = shutil.which("python3", path=patient.environment.get("PATH"))
    if python is None:
        return None
    command = [python, *arguments]
    variables = {**patient.environment, "HOME": patient.place.home}
    file = os.path.join(patient.place.local, environment.NAME)
    if os.access(file, os.R_OK):
        command = ["sh", "-c", '. "$0"; exec "$@"', file, *command]
    return ask(command, variables, limit=limit)


def survey(patient: Patient) -> Survey | None:
    """What the image's Python has, found without a step into what the user has installed."""
    script = pkgutil.get_data("bootstrap.doctor", "survey.py") or b""
    answer = run(patient, "-s", "-c", script.decode())
    if answer is None or answer.status != 0:
        return None
    try:
        told = Survey(**json.loads(answer.output.splitlines()[-1]))
        return told._replace(
            user_packages={normal(name): found for name, found in told.user_packages.items()},
            image_packages={normal(name): found for name, found in told.image_packages.items()},
        )
    except (ValueError, TypeError, IndexError, AttributeError):
        return None
