"""Asking every question at once, each with a time limit: a storage that hangs must not hang the doctor."""

import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from bootstrap import mounts, place, profiles
from bootstrap.doctor import packages, room, shadows, ssh, starts
from bootstrap.doctor.finding import PROBLEM, WARNING, Finding, Patient, Question, line
from bootstrap.errors import WrongSettingsError
from bootstrap.names import printable
from bootstrap.place import Options, Place
from bootstrap.settings import Settings
from bootstrap.storage import MISSING, Storage

#: The questions, in the order in which their findings are told.
QUESTIONS: tuple[tuple[str, Question], ...] = (
    ("start", starts.look),
    ("ssh", ssh.look),
    ("packages", packages.look),
    ("shadows", shadows.look),
    ("room", room.look),
)
#: Seconds for finding home and storage, and then for all questions together.
_LOCATE, _ALL = 5.0, 25.0


class Diagnosis(NamedTuple):
    """What was looked at, and what was found."""

    home: str
    storage: str | None
    profile: str
    findings: tuple[Finding, ...]

    @property
    def status(self) -> int:
        """The exit status: 1 if something will not work."""
        return int(any(finding.severity == PROBLEM for finding in self.findings))


def examine(options: Options, environment: Mapping[str, str], host: str, *, debug: bool = False) -> Diagnosis:
    """Look at everything. Raises ``WrongInputError`` for wrong arguments; wrong settings are a finding.

    ``debug`` shows on standard error where a question of the doctor's own failed.
    """
    found: list[Finding] = []
    located = _limited(lambda: place.locate(options, environment), _LOCATE)
    if isinstance(located, WrongSettingsError):
        here = place.locate(options, environment, Settings())
        found.append(starts.wrong_settings(str(located), located.source, here.storage.root))
    elif isinstance(located, BaseException):
        raise located
    elif located is None:
        here = _without_storage(options, environment)
        found.append(_hangs(options, environment))
    else:
        here = located
    found += _ask(Patient(here, environment, host), _ALL, debug=debug)
    return Diagnosis(here.home, here.storage.root, here.profile.name, tuple(dict.fromkeys(found)))


def _limited(action: Callable[[], Place], seconds: float) -> Place | BaseException | None:
    """What ``action`` returns or raises, or ``None`` if it takes longer."""
    answers: list[Place | BaseException] = []

    def run() -> None:
        try:
            answers.append(action())
        except BaseException as error:
            answers.append(error)

    # A daemon: what hangs in a system call cannot be stopped, and must not keep this process from ending.
    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    return answers[0] if answers else None


def _ask(patient: Patient, seconds: float, *, debug: bool) -> Iterable[Finding]:
    """The findings of all questions; of one that did not end, those that it had, and that it did not."""
    until = time.monotonic() + seconds
    found: dict[str, list[Finding]] = {name: [] for name, _ in QUESTIONS}

    def run(name: str, question: Question) -> None:
        try:
            for finding in question(patient):
                found[name].append(finding)
        except Exception as error:
            what = f"the doctor could not look further here ({type(error).__name__})."
            command = "" if debug else f"{patient.program('doctor')} --debug"
            found[name].append(Finding(name, WARNING, what, command))
            if debug:
                sys.stderr.write(
                    "".join(f"{printable(one)}\n" for one in traceback.format_exc().splitlines())
                )

    threads = [threading.Thread(target=run, args=pair, daemon=True) for pair in QUESTIONS]
    for thread in threads:
        thread.start()
    for thread, (name, _) in zip(threads, QUESTIONS, strict=True):
        thread.join(max(until - time.monotonic(), 0.0))
        if thread.is_alive():
            what = "the disk did not answer in time, so not everything was looked at."
            found[name].append(Finding(name, PROBLEM, what, line("df", "-h")))
    return [finding for name, _ in QUESTIONS for finding in list(found[name])]


def _profile(options: Options, environment: Mapping[str, str]) -> profiles.Profile:
    named = options.profile
    if named == "auto":
        named = environment.get("DEEPDESIGN_PROFILE") or "auto"
    return profiles.choose(named, environment)


def _without_storage(options: Options, environment: Mapping[str, str]) -> Place:
    home, foreign = place.find_home(options.home, environment)
    nowhere = Storage(None, MISSING, "it does not answer")
    return Place(
        home, nowhere, _profile(options, environment), Settings(), starting=False, foreign_home=foreign
    )


def _hangs(options: Options, environment: Mapping[str, str]) -> Finding:
    """The storage that hangs: the named one, or the platform's that the kernel has as a mount."""
    named = options.storage or environment.get("DEEPDESIGN_STORAGE")
    points = {mount.point for mount in mounts.read()}
    candidates = [named] if named else _profile(options, environment).storage
    hanging = [path for path in candidates if path in points] or [path for path in candidates if path]
    where = hanging[0] if hanging else ""
    what = f"the storage {where} does not answer; restart the notebook, or go on without it."
    return Finding("storage", PROBLEM, what, line("umount", "-l", where) if where else "")
