"""Why does ssh to the git host fail? Its configuration and keys as ssh itself reads them, offline."""

import os
import re
import shutil
from collections.abc import Iterator
from typing import NamedTuple

from bootstrap import capabilities
from bootstrap.doctor import keys
from bootstrap.doctor.asking import ask
from bootstrap.doctor.finding import NOTE, PROBLEM, WARNING, Finding, Patient, line

TOPIC = "ssh"
_DEFAULTS = ("id_rsa", "id_ecdsa", "id_ecdsa_sk", "id_ed25519", "id_ed25519_sk", "id_xmss", "id_dsa")


class Configuration(NamedTuple):
    """What ``ssh -G`` answers for the host: each keyword with its values."""

    values: dict[str, list[str]]

    def one(self, keyword: str, default: str = "") -> str:
        """The first value of ``keyword``."""
        return self.values.get(keyword, [default])[0]


def look(patient: Patient) -> Iterator[Finding]:
    """Configuration first, then keys, then what is known of the host."""
    if shutil.which("ssh", path=patient.environment.get("PATH")) is None:
        yield Finding(
            TOPIC,
            PROBLEM,
            "there is no ssh on this machine, so git over ssh cannot work.",
            "apt-get update && apt-get install -y openssh-client",
        )
        return
    yield from _elsewhere(patient)
    configuration = None
    for found in _configured(patient):
        if isinstance(found, Configuration):
            configuration = found
        else:
            yield found
    if configuration is None:
        return
    yield from _keys(patient, configuration)
    yield from _known_host(patient, configuration)
    yield from _log_in_here(patient)


def _official_home() -> str:
    import pwd

    try:
        return pwd.getpwuid(os.geteuid()).pw_dir
    except KeyError:
        return ""


def _elsewhere(patient: Patient) -> Iterator[Finding]:
    """Not HOME but the list of users tells ssh which home to look into."""
    official = _official_home()
    here, there = patient.home(".ssh"), os.path.join(official, ".ssh")
    if not (patient.place.foreign_home and official and os.path.isdir(here) and os.listdir(here)):
        return
    if os.path.realpath(here) != os.path.realpath(there):
        words = ["deepdesign-bootstrap", "apply", "--home", official]
        if patient.place.storage.root:
            words += ["--storage", patient.place.storage.root]
        what = (
            f"HOME is {patient.place.home}, but ssh takes keys from {official}, this user's home on record."
        )
        yield Finding(TOPIC, PROBLEM, what, line(*words))


def _configured(patient: Patient) -> Iterator[Finding | Configuration]:
    """What is wrong with the configuration, and the configuration if ssh can read it."""
    path = patient.home(".ssh", "config")
    command = ["ssh", "-G", patient.host]
    if os.path.realpath(_official_home() or "/") != os.path.realpath(patient.place.home):
        # A home that is not the user's own: ssh has to be told, and then does not mind permissions.
        command[1:1] = ["-F", path if os.path.exists(path) else "none"]
    refused = list(_permissions(patient, path))
    yield from refused
    answer = ask(command, patient.environment)
    if answer is None or answer.status is None:
        what = "ssh did not answer when asked how it is configured: a command in its configuration hangs."
        yield Finding(TOPIC, PROBLEM, what, line("ssh", "-vv", "-G", patient.host))
        return
    if answer.status != 0:
        if not refused:
            yield _syntax(patient, path, answer.errors)
        return
    values: dict[str, list[str]] = {}
    for row in answer.output.splitlines():
        keyword, _, value = row.partition(" ")
        values.setdefault(keyword, []).append(value)
    yield Configuration(values)


def _permissions(patient: Patient, path: str) -> Iterator[Finding]:
    try:
        found = os.stat(path)
    except OSError:
        return
    shown = patient.show(path)
    if found.st_uid not in (0, os.geteuid()):
        what = f"ssh refuses {shown}, because it belongs to another user (number {found.st_uid})."
        yield Finding(TOPIC, PROBLEM, what, line("chown", str(os.geteuid()), path))
    elif found.st_mode & 0o022:
        what = f"ssh refuses {shown}, because others may change it (mode {found.st_mode & 0o777:03o})."
        yield Finding(TOPIC, PROBLEM, what, line("chmod", "600", path))


def _syntax(patient: Patient, path: str, errors: str) -> Finding:
    """A line that ssh does not understand. It is not shown: people paste tokens into the wrong file."""
    where = re.search(r"^(/\S.*?):? line (\d+):", errors, re.MULTILINE)
    if where is None:
        where = re.search(r"\s(/\S+) line (\d+)", errors)
    if where is None:
        what = f"ssh does not understand its configuration {patient.show(path)}."
        return Finding(TOPIC, PROBLEM, what, line("ssh", "-G", patient.host))
    file, number = where[1], where[2]
    return Finding(
        TOPIC,
        PROBLEM,
        f"ssh does not understand line {number} of {patient.show(file)} and stops there; the command makes "
        "it a comment.",
        line("sed", "-i", "--follow-symlinks", f"{number}s/^/# /", file),
    )


def _keys(patient: Patient, configuration: Configuration) -> Iterator[Finding]:
    """Every key that ssh would try; one that works makes the others' trouble a warning."""
    named = [_expand(patient, value) for value in configuration.values.get("identityfile", [])]
    folder = patient.home(".ssh")
    default = {os.path.join(folder, name) for name in _DEFAULTS}
    present = [path for path in named if os.path.lexists(path)]
    troubles: list[Finding] = []
    working = False
    for path in present:
        found = list(keys.examine(patient, path))
        working = working or not any(one.severity == PROBLEM for one in found)
        troubles += found
    for path in named:
        if path not in default and not os.path.lexists(path):
            what = f"ssh's configuration names the key {patient.show(path)}, which is not there."
            troubles.append(Finding(TOPIC, PROBLEM, what, keys.new_key(path)))
    if not working and not troubles:
        troubles.append(_no_key(patient, folder))
    for one in troubles:
        yield one._replace(severity=WARNING) if working and one.severity == PROBLEM else one


def _expand(patient: Patient, path: str) -> str:
    """A path as ssh says it, in the home that is meant: ssh itself only knows the one on record."""
    official = _official_home()
    for start in ("~/", official.rstrip("/") + "/" if official else "~/"):
        if path.startswith(start):
            return patient.home(path[len(start) :])
    return path


def _no_key(patient: Patient, folder: str) -> Finding:
    """No key that ssh would try: one under another name, a PuTTY key, or none at all."""
    try:
        names = sorted(os.listdir(folder))
    except OSError:
        names = []
    wanted = os.path.join(folder, "id_ed25519")
    for name in names:
        path = os.path.join(folder, name)
        kind = keys.kind(path)
        if kind == keys.PRIVATE:
            stem = name.split(".")[0]
            target = os.path.join(folder, stem if stem in _DEFAULTS else "id_ed25519")
            what = f"{patient.show(path)} is a key, but ssh does not try a file of that name."
            return Finding(TOPIC, PROBLEM, what, line("mv", "-n", path, target))
        if kind == keys.PUTTY:
            what = f"{patient.show(path)} is a key of PuTTY's, which ssh cannot read; make one that it can."
            return Finding(TOPIC, PROBLEM, what, keys.new_key(wanted))
    what = (
        f"there is no ssh key in {patient.show(folder)}; if you use git over ssh, make one and add "
        f"{patient.show(wanted)}.pub to your account on {patient.host}."
    )
    return Finding(TOPIC, NOTE, what, keys.new_key(wanted))


def _known_host(patient: Patient, configuration: Configuration) -> Iterator[Finding]:
    """Whether ssh would have to ask if the host is the right one."""
    name = configuration.one("hostkeyalias") or configuration.one("hostname", patient.host)
    port = configuration.one("port", "22")
    entry = name if port == "22" or configuration.one("hostkeyalias") else f"[{name}]:{port}"
    files = [_expand(patient, path) for path in configuration.one("userknownhostsfile").split()]
    files += configuration.one("globalknownhostsfile").split()
    for path in files:
        if not os.path.exists(path):
            continue
        if not os.path.isfile(path) or not os.access(path, os.R_OK):
            what = f"{patient.show(path)} cannot be read, so ssh knows no host."
            yield Finding(TOPIC, PROBLEM, what, line("mv", path, f"{path}.old"))
            return
        answer = ask(["ssh-keygen", "-F", entry, "-f", path], patient.environment)
        if answer is not None and answer.status == 0:
            return
    if configuration.one("stricthostkeychecking") in ("no", "off", "false", "accept-new"):
        return
    what = (
        f"ssh has not seen {entry} before, so the first time it asks whether to trust it; a notebook's "
        "cell or git extension cannot answer."
    )
    command = ["ssh", "-T", "-o", "StrictHostKeyChecking=accept-new"]
    user = "git" if configuration.one("user") == os.environ.get("USER", "root") else ""
    target = f"{user}@{patient.host}" if user and "@" not in patient.host else patient.host
    yield Finding(TOPIC, NOTE, what, line(*command, target))


def _log_in_here(patient: Patient) -> Iterator[Finding]:
    """For those who log in *to* this machine: sshd looks at every folder above the list of keys."""
    path = patient.home(".ssh", "authorized_keys")
    if not os.path.isfile(path):
        return
    real = os.path.realpath(path)
    found = os.stat(real)
    if found.st_mode & 0o022:
        mode = f"{found.st_mode & 0o777:03o}"
        what = f"sshd ignores {patient.show(path)}, because others may change it (mode {mode})."
        yield Finding(TOPIC, PROBLEM, what, line("chmod", "600", real))
    home = os.path.realpath(patient.place.home)
    inside = real.startswith(home + "/")
    folder = capabilities.open_parent(os.path.dirname(real), below=home if inside else "/")
    if folder:
        what = f"sshd ignores {patient.show(path)}, because others may change the folder {folder} above it."
        # In a storage it is the whole team's folder: a start puts copies of the keys into this home instead.
        own = inside or not patient.place.links
        yield Finding(TOPIC, WARNING, what, line("chmod", "go-w", folder) if own else patient.again)
