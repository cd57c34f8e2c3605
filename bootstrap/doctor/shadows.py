"""What stands before the image's own packages and breaks them? Imports are tried for real."""

import json
import os
import shutil
from collections.abc import Iterator

from bootstrap.doctor import python
from bootstrap.doctor.finding import PROBLEM, WARNING, Finding, Patient, line
from bootstrap.doctor.python import Survey

TOPIC = "shadows"
#: Imports are tried for so many names, and one may take so many seconds.
_TRIED, _SECONDS = 12, 8.0
_NEEDED = ("jupyter_server", "ipykernel")

# Tries an import without leave to write: a package that makes itself a cache must not do it for a question.
_TRY = """
import os, sys
stopped = []
def guard(event, arguments):
    writes = os.O_WRONLY | os.O_RDWR | os.O_CREAT
    if event == "open" and isinstance(arguments[2], int) and arguments[2] & writes or event in (
        "os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.symlink", "os.link", "os.chmod", "os.truncate"):
        if event != "open" or not str(arguments[0]).startswith("/dev/"):
            stopped.append(event)
            raise PermissionError("the doctor only looks")
sys.addaudithook(guard)
try:
    __import__(sys.argv[1])
except BaseException as error:
    os._exit(0 if stopped else 3)
os._exit(0)
"""
_WINNERS = """
import importlib.machinery, json, sys
found = {}
for name in sys.argv[1:]:
    try:
        spec = importlib.machinery.PathFinder.find_spec(name)
    except BaseException:
        continue
    if spec is not None:
        found[name] = spec.origin or next(iter(spec.submodule_search_locations or []), "")
print(json.dumps(found))
"""


def look(patient: Patient) -> Iterator[Finding]:
    """Whether Python starts, then what is imported in place of the image's own, then programs and kernels."""
    survey = python.survey(patient)
    if survey is not None:
        yield from _at_the_start(patient, survey)
        yield from _imports(patient, survey)
        yield from _beside_the_notebook(patient, survey)
    yield from _programs(patient)
    yield from _kernels(patient)


def _at_the_start(patient: Patient, survey: Survey) -> Iterator[Finding]:
    """``usercustomize``, ``sitecustomize`` and ``.pth`` files run at every start of Python."""
    well = python.run(patient, "-s", "-c", "print('up')")
    answer = python.run(patient, "-c", "print('up')")
    if well is None or answer is None or well.output != "up\n":
        return
    if answer.status == 0 and answer.errors == well.errors:
        return
    for name in ("usercustomize.py", "sitecustomize.py"):
        path = os.path.join(survey.user, name)
        if os.path.exists(path):
            what = f"{patient.show(path)} runs whenever Python starts, and fails."
            yield Finding(TOPIC, PROBLEM, what, line("mv", path, f"{path}.off"))
            return
    for name in sorted(_list(survey.user)):
        if name.endswith(".pth") and name in answer.errors:
            path = os.path.join(survey.user, name)
            what = f"{patient.show(path)} is read whenever Python starts, and fails."
            yield Finding(TOPIC, PROBLEM, what, line("mv", path, f"{path}.off"))
            return


def _imports(patient: Patient, survey: Survey) -> Iterator[Finding]:
    both = [name for name in survey.user_tops if name in set(survey.image_tops)]
    names = [*both, *(name for name in survey.image_tops if name in _NEEDED and name not in both)]
    if not names:
        return
    answer = python.run(patient, "-c", _WINNERS, *names)
    if answer is None or answer.status != 0:
        return
    winners: dict[str, str] = json.loads(answer.output.splitlines()[-1])
    own = os.path.join(os.path.realpath(survey.user), "")
    shadowing = [name for name in both if os.path.realpath(winners.get(name, "")).startswith(own)]
    yield from _elsewhere(patient, winners)
    told = set()
    for name in shadowing[:_TRIED]:
        owner = _owner(survey, name)
        if owner not in told:
            told.add(owner or name)
            fails = _fails(patient, name) and not _fails(patient, name, "-s")
            yield from _shadow(patient, survey, name, owner, winners[name], fails=fails)
    for name in _NEEDED if shadowing else ():
        if name in shadowing or name not in survey.image_tops or not _fails(patient, name):
            continue
        if not _fails(patient, name, "-s"):
            owner = _owner(survey, shadowing[0])
            what = f"no notebook can work: {name} fails to import beside your own {owner or shadowing[0]}."
            yield Finding(TOPIC, PROBLEM, what, survey.pip("uninstall", "-y", owner) if owner else "")


def _owner(survey: Survey, name: str) -> str:
    """The package of the user's that brings the module ``name``, or nothing for a loose file."""
    return next((package for package, (*_, tops) in survey.user_packages.items() if name in tops), "")


def _shadow(
    patient: Patient, survey: Survey, name: str, owner: str, origin: str, *, fails: bool
) -> Iterator[Finding]:
    path = os.path.dirname(origin) if os.path.basename(origin) == "__init__.py" else origin
    command = survey.pip("uninstall", "-y", owner) if owner else line("mv", path, f"{path}.off")
    if fails:
        what = f"`import {name}` fails with your own {patient.show(path)}, and works with the image's."
        yield Finding(TOPIC, PROBLEM, what, command)
        return
    if not owner:
        what = f"your own {patient.show(path)} is imported in place of the image's {name}."
        yield Finding(TOPIC, WARNING, what, command)
        return
    mine, *_ = survey.user_packages[owner]
    theirs = survey.image_packages.get(owner, ["?"])[0]
    if mine != theirs:
        what = f"your own {owner} {mine} is imported in place of the image's {theirs}."
        yield Finding(TOPIC, WARNING, what, command)


def _fails(patient: Patient, name: str, *options: str) -> bool:
    answer = python.run(patient, *options, "-c", _TRY, name, limit=_SECONDS)
    return answer is not None and answer.status not in (0, None)


def _elsewhere(patient: Patient, winners: dict[str, str]) -> Iterator[Finding]:
    """PYTHONPATH comes before everything."""
    for folder in patient.environment.get("PYTHONPATH", "").split(":"):
        if not folder:
            continue
        real = os.path.join(os.path.realpath(folder), "")
        taken = sorted(name for name, origin in winners.items() if os.path.realpath(origin).startswith(real))
        if taken:
            what = f"PYTHONPATH puts {folder} before the image's own packages, among them {taken[0]}."
            yield Finding(TOPIC, WARNING, what, "unset PYTHONPATH")


def _beside_the_notebook(patient: Patient, survey: Survey) -> Iterator[Finding]:
    """A file of one's own called ``random.py``: every notebook beside it imports that one."""
    taken = set(survey.standard) | set(survey.image_tops)
    for folder in dict.fromkeys((patient.place.profile.notebooks or "", os.getcwd())):
        for name in sorted(_list(folder)):
            stem, suffix = os.path.splitext(name)
            path = os.path.join(folder, name)
            if suffix != ".py" or stem not in taken or not os.path.isfile(path):
                continue
            whose = "Python's own" if stem in survey.standard else "the image's"
            what = f"{path} is imported by every notebook beside it in place of {whose} {stem}."
            yield Finding(TOPIC, WARNING, what, line("mv", "-n", path, os.path.join(folder, f"my_{name}")))


def _programs(patient: Patient) -> Iterator[Finding]:
    """Programs that an older image's Python wrote: their first line names an interpreter that is gone."""
    folder = patient.home(".local", "bin")
    for name in sorted(_list(folder)):
        path = os.path.join(folder, name)
        interpreter = _interpreter(path)
        if interpreter and not os.path.exists(interpreter):
            first = shutil.which(name, path=patient.environment.get("PATH")) == path
            what = f"{patient.show(path)} does not start, because it needs {interpreter}, which is not here."
            yield Finding(TOPIC, PROBLEM if first else WARNING, what, line("mv", path, f"{path}.off"))


def _interpreter(path: str) -> str:
    if path.endswith(".off"):
        return ""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            first = file.read(256).split(b"\n", 1)[0]
    except OSError:
        return ""
    words = first[2:].split() if first.startswith(b"#!") else []
    return os.fsdecode(words[0]) if words else ""


def _kernels(patient: Patient) -> Iterator[Finding]:
    """Kernels whose Python is gone stay in Jupyter's list and die when they are chosen."""
    folder = patient.home(".local", "share", "jupyter", "kernels")
    for name in sorted(_list(folder)):
        path = os.path.join(folder, name, "kernel.json")
        try:
            with open(path, encoding="utf-8") as file:
                program = json.load(file)["argv"][0]
        except (OSError, ValueError, LookupError, TypeError):
            continue
        if os.path.isabs(program) and not os.path.exists(program):
            what = f"the kernel {name} does not start, because its program {program} is not in this image."
            yield Finding(TOPIC, PROBLEM, what, line("mv", path, f"{path}.off"))


def _list(folder: str) -> list[str]:
    try:
        return os.listdir(folder) if folder else []
    except OSError:
        return []
