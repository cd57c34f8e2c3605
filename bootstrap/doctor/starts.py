"""What did the last start do, and is everything as it left it? Storage, settings, items, journal."""

import os
import time
from collections.abc import Iterator

from bootstrap import capabilities, environment, journal, mounts, start, storage
from bootstrap.doctor.finding import NOTE, PROBLEM, WARNING, Finding, Patient, line
from bootstrap.errors import WrongInputError
from bootstrap.plan import Group

TOPIC = "start"
#: Changes that lie no further apart than this, in seconds, were one start's.
_ONE_START = 30.0

#: What follows for a person from what a storage cannot do; a start has tried it and goes round it.
_LACKS = {
    "symlinks": "cannot hold links: a folder that has links in it stays in this home only.",
    "modes": "ignores permissions: ssh would refuse keys in it, so each home gets copies of them.",
    "owner": "gives what you make there to another user: ssh would refuse keys in it, so homes get copies.",
    "rename": "cannot replace a file in one step: do not stop a notebook while it starts.",
    "locks": "grants no locks: keep databases (SQLite, conda's) out of it, for they hang or break there.",
}


def look(patient: Patient) -> Iterator[Finding]:
    """The storage, the items as ``plan`` sees them, and what is on record."""
    yield from _storage(patient)
    try:
        result = start.look_at(patient.place)
    except WrongInputError as error:
        root = patient.place.storage.root
        yield wrong_settings(str(error), patient.place.source or "", root)
        return
    for group in result.plan.groups:
        if group.problem:
            what = f"{group.name} is not brought back: {group.problem}"
            yield Finding(TOPIC, PROBLEM, what, _mend(patient, group))
    undone = [group.name for group in result.plan.groups if group.actions and not group.problem]
    if undone and not os.path.exists(os.path.join(patient.place.local, environment.NAME)):
        yield Finding(TOPIC, WARNING, "the bootstrap has not run in this home yet.", patient.again)
    elif undone:
        shown = ", ".join(undone[:4]) + (f" and {len(undone) - 4} more" if len(undone) > 4 else "")
        yield Finding(TOPIC, WARNING, f"not as a start leaves it: {shown}.", patient.again)
    yield from _record(patient)


def wrong_settings(message: str, path: str, root: str | None) -> Finding:
    """The settings cannot be used, so nothing is brought back at all."""
    what = f"{message} Until that is mended nothing is brought back; the command sets the file aside."
    return Finding("settings", PROBLEM, what, _away(path, root) if path else "")


def _away(path: str, root: str | None) -> str:
    """The command that renames what is in the way; out of the folder of items, where it would be one too."""
    items = os.path.join(root, "cfg", "") if root else ""
    folder = root if root and path.startswith(items) else os.path.dirname(path)
    new = os.path.join(folder, f"{os.path.basename(path)}.old")
    while os.path.lexists(new):
        new += ".old"
    return line("mv", "-T", path, new)


def _storage(patient: Patient) -> Iterator[Finding]:
    place = patient.place
    if place.profile.home_persists:
        return
    root = place.storage.root
    if root is None:
        what = f"nothing will persist: {place.storage.reason}."
        yield Finding("storage", WARNING, what, _take_at_its_word(patient))
        return
    mount = mounts.of_real(root)
    if place.storage.state == storage.READ_ONLY:
        command = ""
        if mount is not None and "ro" in mount.options.split(","):
            command = line("mount", "-o", "remount,bind,rw", mount.point)
        what = f"{root} cannot be written, so whatever you change is gone when this notebook stops."
        yield Finding("storage", PROBLEM, what, command)
    found = capabilities.known(root, place.local)
    for name, what in _LACKS.items():
        if found is not None and not getattr(found, name):
            yield Finding("storage", NOTE, f"{root} {what}")


def _take_at_its_word(patient: Patient) -> str:
    """A folder that is there but no mount may still be one that persists: then it can be named."""
    for path in patient.place.storage.candidates:
        if os.path.isdir(path):
            return line("deepdesign-bootstrap", "apply", "--storage", path)
    return ""


def _mend(patient: Patient, group: Group) -> str:
    """What hinders goes out of the way, under another name, and what is shut is opened; then the item is
    brought back. Nothing that can be typed makes room, or decides between two sides.
    """
    if group.hinders:
        return f"{_away(group.hinders, patient.place.storage.root)} && {patient.again}"
    shut = group.shut
    while shut and not os.access(os.path.dirname(shut), os.X_OK):
        shut = os.path.dirname(shut)
    try:
        ours = bool(shut) and os.lstat(shut).st_uid == os.geteuid()
    except OSError:
        return ""
    return f"{line('chmod', '-R', 'u+rwX', shut)} && {patient.again}" if ours else ""


def _record(patient: Patient) -> Iterator[Finding]:
    """The last start that changed something, from the journal."""
    found = [entry for entry in journal.entries(patient.place.local) if isinstance(entry.get("time"), float)]
    if not found:
        return
    last = found[-1]["time"]
    steps: dict[str, list[str]] = {}
    for entry in found:
        if last - entry["time"] < _ONE_START:
            name = os.path.basename(str(entry.get("path", entry.get("aside", ""))))
            steps.setdefault(str(entry.get("step")), []).append(name)
    told = "; ".join(f"{step}: {', '.join(dict.fromkeys(names))}" for step, names in steps.items())
    when = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(last))
    log = os.path.join(patient.place.local, "last-start.log")
    shown = log if os.path.exists(log) else os.path.join(patient.place.local, "journal.jsonl")
    yield Finding(TOPIC, NOTE, f"the last change was at {when} ({told}).", line("cat", shown))
