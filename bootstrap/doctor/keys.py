"""One key file: would ssh take it? Asked of ``ssh-keygen``, which reads it and shows the public half only."""

import os
import stat
from collections.abc import Iterator

from bootstrap.doctor.asking import ask
from bootstrap.doctor.finding import PROBLEM, WARNING, Finding, Patient, line

PRIVATE = "private"
PUTTY = "putty"
_TOPIC = "ssh"
_ENOUGH = 64 * 1024


def new_key(path: str) -> str:
    """The command that makes a key at ``path``."""
    return f"{line('mkdir', '-p', '-m', '700', os.path.dirname(path))} && " + line(
        "ssh-keygen", "-t", "ed25519", "-N", "", "-f", path
    )


def kind(path: str) -> str:
    """What sort of key ``path`` holds, if any."""
    text = _read(path).replace(b"\0", b"")
    if b"PuTTY-User-Key-File" in text[:100]:
        return PUTTY
    return PRIVATE if b"PRIVATE KEY-----" in text[:200] else ""


def examine(patient: Patient, path: str) -> Iterator[Finding]:
    """What keeps ssh from using the key at ``path``, worst first; then what merely hinders."""
    shown = patient.show(path)
    try:
        found = os.stat(path)
    except OSError as error:
        what = f"the key {shown} is a link that leads nowhere ({error.strerror})."
        yield Finding(_TOPIC, PROBLEM, what, f"{line('rm', path)} && {new_key(path)}")
        return
    if not stat.S_ISREG(found.st_mode):
        yield Finding(
            _TOPIC, PROBLEM, f"{shown} is not a file, so it is no key.", line("mv", path, f"{path}.old")
        )
        return
    mine = found.st_uid == os.geteuid()
    if not os.access(path, os.R_OK) or (mine and not found.st_mode & 0o400):
        command = line("chmod", "600", path) if mine else line("chown", str(os.geteuid()), path)
        yield Finding(_TOPIC, PROBLEM, f"the key {shown} cannot be read by this user.", command)
        return
    text = _read(path)
    spoiled = _spoiled(path, shown, text)
    if spoiled:
        yield spoiled
    # Only the owner's own keys are judged by their permissions.
    if mine and found.st_mode & 0o077:
        what = f"ssh refuses the key {shown}, because others can read it (mode {found.st_mode & 0o777:03o})."
        yield Finding(_TOPIC, PROBLEM, what, line("chmod", "600", path))
    elif not spoiled:
        yield from _as_ssh_reads_it(patient, path, shown)


def _spoiled(path: str, shown: str, text: bytes) -> Finding | None:
    """What uploads through a browser and editors on Windows do to a key."""
    if not text.strip():
        return Finding(
            _TOPIC, PROBLEM, f"the key {shown} is empty.", f"{line('rm', path)} && {new_key(path)}"
        )
    if text.startswith((b"\xff\xfe", b"\xfe\xff")):
        what = f"ssh cannot read the key {shown}, because Windows saved it as UTF-16."
        recode = line("iconv", "-f", "UTF-16", "-t", "UTF-8", path, "-o", f"{path}.new")
        return Finding(_TOPIC, PROBLEM, what, f"(umask 077; {recode}) && {line('mv', f'{path}.new', path)}")
    if text.startswith(b"\xef\xbb\xbf"):
        what = (
            f"ssh cannot read the key {shown}, because an editor put an invisible mark before its first line."
        )
        return Finding(
            _TOPIC, PROBLEM, what, line("sed", "-i", "--follow-symlinks", r"1s/^\xef\xbb\xbf//", path)
        )
    if b"\r" in text:
        what = f"ssh cannot read the key {shown}, because its lines end as on Windows."
        return Finding(_TOPIC, PROBLEM, what, line("sed", "-i", "--follow-symlinks", r"s/\r$//", path))
    if b"PRIVATE KEY-----" in text[:200] and not text.endswith(b"\n"):
        what = (
            f"ssh cannot read the key {shown}, because the end of its last line was lost when it was pasted."
        )
        return Finding(_TOPIC, PROBLEM, what, line("sed", "-i", "--follow-symlinks", "$a\\", path))
    if text.startswith((b"ssh-", b"ecdsa-", b"sk-")):
        what = f"{shown} holds the public half of a key; the private half, which ssh needs, is not there."
        return Finding(
            _TOPIC, PROBLEM, what, f"{line('mv', path, f'{path}.pub')} && {new_key(f'{path}.new')}"
        )
    return None


def _as_ssh_reads_it(patient: Patient, path: str, shown: str) -> Iterator[Finding]:
    answer = ask(["ssh-keygen", "-y", "-P", "", "-f", path], patient.environment)
    if answer is None:
        return
    if answer.status == 0:
        yield from _pair(path, shown, answer.output)
    elif "passphrase" in answer.errors:
        yield from _passphrase(patient, path, shown)
    else:
        what = f"ssh cannot read the key {shown}: it is damaged or of a kind that this ssh does not know."
        yield Finding(_TOPIC, PROBLEM, what, f"{line('mv', path, f'{path}.old')} && {new_key(path)}")


def _pair(path: str, shown: str, public: str) -> Iterator[Finding]:
    """The server is offered what the ``.pub`` file says, which the key then cannot sign for."""
    beside = _read(f"{path}.pub").decode("utf-8", "replace").split()
    real = public.split()
    if len(beside) >= 2 and len(real) >= 2 and beside[1] != real[1]:
        what = f"{shown}.pub is not the public half of {shown}, and ssh offers it to the server."
        # To a file of its own first: a shell would empty the old one even if the key could not be read.
        new = f"{path}.pub.new"
        command = f"{line('ssh-keygen', '-y', '-f', path)} >{line(new)} && {line('mv', new, f'{path}.pub')}"
        yield Finding(_TOPIC, PROBLEM, what, command)


def _passphrase(patient: Patient, path: str, shown: str) -> Iterator[Finding]:
    agent = ask(["ssh-add", "-L"], patient.environment) if patient.environment.get("SSH_AUTH_SOCK") else None
    public = _read(f"{path}.pub").decode("utf-8", "replace").split()
    if agent is not None and agent.status == 0 and len(public) >= 2 and public[1] in agent.output:
        return
    what = (
        f"the key {shown} has a passphrase and no agent holds it, so ssh works only where it can ask; a "
        "notebook's cell or git extension cannot answer."
    )
    command = line("ssh-add", path)
    if agent is None or agent.status == 2:
        command = f'eval "$(ssh-agent -s)" && {command}'
    yield Finding(_TOPIC, WARNING, what, command)


def _read(path: str) -> bytes:
    """The beginning of a regular file; a fifo must not hang the doctor."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return b""
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return b""
        return file.read(_ENOUGH)
