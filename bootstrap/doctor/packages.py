"""Why is my package gone? Where pip put it, and where Python looks."""

import glob
import os
from collections.abc import Iterator

from bootstrap import container, environment, userbase
from bootstrap.doctor import python
from bootstrap.doctor.finding import PROBLEM, WARNING, Finding, Patient, line
from bootstrap.doctor.python import TOOLS, Survey

TOPIC = "packages"
_SHOWN = 5


def look(patient: Patient) -> Iterator[Finding]:
    """From what concerns all packages to what concerns one."""
    yield from _another_environment(patient)
    survey = python.survey(patient)
    if survey is None:
        return
    yield from _not_looked_at(patient, survey)
    yield from _another_python(patient, survey)
    yield from _into_the_image(patient, survey)


def _another_environment(patient: Patient) -> Iterator[Finding]:
    """A shell that did not get our environment installs to, and finds, another place."""
    file = os.path.join(patient.place.local, environment.NAME)
    if not os.path.exists(file):
        return
    path = patient.environment.get("PATH", "").split(":")
    if os.path.join(patient.place.local, "bin") not in path:
        what = (
            "this terminal started without the environment that notebooks get, so your own commands and "
            "packages are not found in it."
        )
        yield Finding(TOPIC, WARNING, what, f". {line(file)}")


def _not_looked_at(patient: Patient, survey: Survey) -> Iterator[Finding]:
    """The whole user site is switched off."""
    mine = sorted(set(survey.user_packages) - TOOLS)
    if not mine:
        return
    answer = python.run(patient, "-c", "import site; print(bool(site.ENABLE_USER_SITE))")
    if answer is None or answer.output.strip() != "False":
        return
    if patient.environment.get("PYTHONNOUSERSITE"):
        what = f"Python does not look at your {len(mine)} packages in {survey.user}: PYTHONNOUSERSITE is set."
        yield Finding(TOPIC, PROBLEM, what, "unset PYTHONNOUSERSITE")
    else:
        what = (
            f"{survey.executable} is a virtual environment of its own, which does not look at your "
            f"{len(mine)} packages in {survey.user}."
        )
        wanted = [name for name in mine if name not in survey.image_packages]
        if wanted:
            yield Finding(TOPIC, WARNING, what, survey.pip("install", *wanted))


def _another_python(patient: Patient, survey: Survey) -> Iterator[Finding]:
    """Packages that were installed for a Python of another version, or in another image."""
    missing: dict[str, str] = {}
    for folder in _user_sites(patient, survey):
        version = os.path.basename(os.path.dirname(folder)).removeprefix("python")
        if os.path.realpath(folder) == os.path.realpath(survey.user):
            continue
        for name in _names(folder):
            if name not in survey.user_packages and name not in survey.image_packages:
                missing.setdefault(name, version)
    if not missing:
        return
    names = sorted(missing)
    shown = ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")
    versions = " and ".join(sorted(set(missing.values())))
    what = f"{shown}: installed for Python {versions} by another image, and this one does not find them."
    yield Finding(TOPIC, PROBLEM, what, survey.pip("install", "--user", *names))


def _user_sites(patient: Patient, survey: Survey) -> list[str]:
    """The user sites of every Python that ever installed something here."""
    bases = dict.fromkeys((survey.base, patient.home(".local")))
    if patient.place.links:
        items = patient.place.items
        bases |= dict.fromkeys([os.path.join(items, ".local"), *userbase.all_bases(items)])
    found = [path for base in bases for path in glob.glob(glob.escape(base) + "/lib/python3.*/site-packages")]
    return sorted({os.path.realpath(path): path for path in found}.values())


def _names(folder: str) -> list[str]:
    try:
        entries = os.listdir(folder)
    except OSError:
        return []
    names = [python.normal(entry.partition("-")[0]) for entry in entries if entry.endswith(".dist-info")]
    return [name for name in names if name not in TOOLS]


def _into_the_image(patient: Patient, survey: Survey) -> Iterator[Finding]:
    """Installed beside the image's own packages, which are gone with the container."""
    if not (patient.place.profile.home_is_ephemeral and patient.place.links):
        return
    started = container.started()
    late = []
    for name, (version, path) in sorted(survey.image_packages.items()):
        try:
            changed = os.lstat(path).st_ctime
        except OSError:
            continue
        # Debian's own come with apt, and pip is not what brings those back.
        if path.startswith("/usr/lib/python3/"):
            continue
        if started and changed > started and name not in survey.user_packages and name not in TOOLS:
            late.append((name, version))
    if late:
        shown = ", ".join(name for name, _ in late[:_SHOWN]) + (
            f" and {len(late) - _SHOWN} more" if len(late) > _SHOWN else ""
        )
        what = f"{shown}: installed into the image itself, so gone when this notebook stops."
        wanted = [f"{name}=={version}" for name, version in late]
        pip = ("install", "--user", "--ignore-installed", "--no-deps")
        yield Finding(TOPIC, PROBLEM, what, survey.pip(*pip, *wanted))
