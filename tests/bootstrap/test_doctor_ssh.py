"""Why does ssh to the git host fail? What the doctor names really fails, and its command really mends it."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.bootstrap.homes import mode, put
from tests.bootstrap.machine import HOST, Machine, make_machine

ROOT = Path(__file__).parents[2]
Findings = list[dict[str, str]]


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return make_machine(tmp_path)


def ask(machine: Machine, **environment: str) -> Findings:
    done = machine.run(f'cd {ROOT} && "$PY" -m tests.bootstrap.doctor_asks ssh {HOST} plain', **environment)
    assert done.returncode == 0, done.stderr
    found: Findings = json.loads(done.stdout)
    return found


def key(machine: Machine) -> Path:
    return machine.home / ".ssh/id_ed25519"


def rewrite(change: Callable[[bytes], bytes]) -> Callable[[Machine], None]:
    def sabotage(machine: Machine) -> None:
        key(machine).write_bytes(change(key(machine).read_bytes()))

    return sabotage


def another_half(machine: Machine) -> None:
    machine.run("ssh-keygen -q -t ed25519 -N '' -f other && mv other.pub home/.ssh/id_ed25519.pub")


def configured(text: str, bits: int = 0o600) -> Callable[[Machine], None]:
    return lambda machine: put(machine.home / ".ssh/config", text, bits).chmod(bits)


def linked_to_a_config(machine: Machine) -> None:
    put(machine.storage / "config", "Nonsense yes\nCompression yes\n", 0o600)
    (machine.home / ".ssh/config").symlink_to("/srv/storage/config")


BROKEN: dict[str, tuple[Callable[[Machine], object], str]] = {
    "readable to others": (lambda machine: key(machine).chmod(0o644), "others can read it (mode 644)"),
    "readable to the group": (lambda machine: key(machine).chmod(0o640), "mode 640"),
    "windows line ends": (rewrite(lambda text: text.replace(b"\n", b"\r\n")), "as on Windows"),
    "last line end lost": (rewrite(bytes.rstrip), "end of its last line"),
    "invisible mark": (rewrite(lambda text: b"\xef\xbb\xbf" + text), "invisible mark"),
    "utf-16": (rewrite(lambda text: text.decode().encode("utf-16")), "UTF-16"),
    "another public half": (another_half, "not the public half"),
    "another name": (
        lambda machine: key(machine).rename(machine.home / ".ssh/id_ed25519.txt"),
        "does not try a file of that name",
    ),
    "unknown word in the configuration": (configured("Host *\n  Foo bar\n"), "line 2 of ~/.ssh/config"),
    "word without a value": (configured("Compression yes\nHost x\n  User\n"), "line 3 of ~/.ssh/config"),
    "linked configuration": (linked_to_a_config, "line 1 of"),
    "configuration writable by others": (configured("Compression yes\n", 0o666), "others may change it"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_what_keeps_ssh_out_is_named_and_its_command_lets_it_in(machine: Machine, case: str) -> None:
    sabotage, words = BROKEN[case]
    assert machine.logs_in()
    assert ask(machine) == []
    sabotage(machine)
    assert not machine.logs_in()
    for _ in range(3):  # one trouble may hide another: a key in UTF-16 has bytes that are no line ends
        found = [one for one in ask(machine) if one["severity"] == "problem"]
        if not found:
            break
        assert words in found[0]["what"] or case == "utf-16"
        done = machine.run(found[0]["command"])
        assert done.returncode == 0, done.stderr
    assert machine.logs_in()
    assert ask(machine) == []
    secret = next(path for path in (machine.home / ".ssh").iterdir() if path.name.startswith("id_ed25519"))
    assert mode(secret) & 0o077 == 0 or secret.suffix == ".pub"


def test_a_configuration_of_somebody_else_is_named(machine: Machine) -> None:
    configured("Compression yes\n")(machine)
    machine.run("chown 65534 home/.ssh/config")
    assert not machine.logs_in()
    (found,) = ask(machine)
    assert "belongs to another user" in found["what"]
    machine.run(found["command"])
    assert machine.logs_in()


@pytest.mark.parametrize(
    "content", [b"", b"-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n"]
)
def test_a_key_that_is_lost_makes_way_for_a_new_one(machine: Machine, content: bytes) -> None:
    key(machine).write_bytes(content)
    (found,) = ask(machine)
    assert found["severity"] == "problem"
    done = machine.run(found["command"] + " </dev/null")
    if (machine.home / ".ssh/id_ed25519.pub").exists() and done.returncode:
        pytest.fail(done.stderr)
    machine.run("cp home/.ssh/id_ed25519.pub etc/authorized_keys")
    assert machine.logs_in()
    assert ask(machine) == []


def test_a_key_of_putty_is_no_key_and_a_new_one_is_offered(machine: Machine) -> None:
    key(machine).unlink()
    put(
        machine.home / ".ssh/key.ppk", "PuTTY-User-Key-File-3: ssh-ed25519\nPrivate-Lines: 1\nSECRET\n", 0o600
    )
    (found,) = ask(machine)
    assert "PuTTY" in found["what"]
    (machine.home / ".ssh/id_ed25519.pub").unlink()
    assert machine.run(found["command"]).returncode == 0
    assert ask(machine) == []


def test_a_key_that_the_configuration_names_but_is_not_there(machine: Machine) -> None:
    configured(f"Host {HOST}\n  IdentityFile ~/.ssh/course\n  IdentitiesOnly yes\n")(machine)
    assert not machine.logs_in()
    (found,) = ask(machine)
    assert "~/.ssh/course, which is not there" in found["what"]
    machine.run(found["command"])
    machine.run("cp home/.ssh/course.pub etc/authorized_keys")
    assert machine.logs_in()


def test_one_good_key_makes_the_bad_ones_trouble_a_warning(machine: Machine) -> None:
    machine.run("ssh-keygen -q -t rsa -b 2048 -N '' -f home/.ssh/id_rsa && chmod 644 home/.ssh/id_rsa")
    (found,) = ask(machine)
    assert found["severity"] == "warning"
    assert machine.logs_in()


def test_a_key_with_a_passphrase_wants_an_agent(machine: Machine) -> None:
    machine.run("ssh-keygen -q -p -P '' -N 'long secret' -f home/.ssh/id_ed25519")
    assert not machine.logs_in()
    (found,) = ask(machine)
    assert found["severity"] == "warning"
    assert "passphrase" in found["what"]
    put(machine.base / "etc/askpass", "#!/bin/sh\necho 'long secret'\n", 0o755)
    again = (
        f"export SSH_ASKPASS=/srv/etc/askpass SSH_ASKPASS_REQUIRE=force\n{found['command']} >etc/said\n"
        f'cd {ROOT} && "$PY" -m tests.bootstrap.doctor_asks ssh {HOST} plain; kill "$SSH_AGENT_PID"'
    )
    done = machine.run(again)
    assert json.loads(done.stdout.splitlines()[-1]) == [], done.stderr


def test_a_host_that_ssh_has_never_seen_is_said(machine: Machine) -> None:
    (machine.home / ".ssh/known_hosts").unlink()
    assert not machine.logs_in()
    (found,) = ask(machine)
    assert "not seen git.example" in found["what"]
    proxied = (
        found["command"]
        .replace("ssh ", "ssh -o ProxyCommand='/usr/sbin/sshd -i -f /srv/etc/sshd_config' ", 1)
        .replace("git@", "root@")
    )
    machine.run(f"{proxied} true")
    assert machine.logs_in()
    assert ask(machine) == []


def test_no_key_at_all_is_good_to_know_and_the_command_makes_one(machine: Machine) -> None:
    machine.run("rm -r home/.ssh")
    found = {one["severity"] for one in ask(machine)}
    assert found == {"note"}
    command = next(one["command"] for one in ask(machine) if "ssh-keygen" in one["command"])
    assert machine.run(command).returncode == 0
    assert mode(machine.home / ".ssh") == 0o700
    assert not any("ssh-keygen" in one["command"] for one in ask(machine))


def test_a_home_that_ssh_does_not_look_into_is_said_and_mended(machine: Machine) -> None:
    machine.run("mv home other && mkdir home")
    there = {"HOME": "/srv/other"}
    assert not machine.logs_in()
    found = ask(machine, **there)
    assert "ssh takes keys from /srv/home" in found[0]["what"]
    assert machine.run("deepdesign-bootstrap apply", **there).returncode == 0
    done = machine.run(found[0]["command"], **there)
    assert done.returncode == 0, done.stderr
    assert machine.logs_in()
    assert not [one for one in ask(machine, **there) if one["severity"] == "problem"]


def test_the_whole_program_says_it_mends_it_and_keeps_the_key_to_itself(machine: Machine) -> None:
    assert machine.run("deepdesign-bootstrap apply && chmod 644 home/.ssh/id_ed25519").returncode == 0
    kept = machine.storage / "cfg/.ssh/id_ed25519"
    secret = [line for line in kept.read_text().splitlines() if not line.startswith("-----")]
    told = machine.run(f"deepdesign-bootstrap doctor --git-host {HOST} --json")
    assert told.returncode == 1
    answer = json.loads(told.stdout)
    assert answer["status"] == 1
    (found,) = [one for one in answer["findings"] if one["topic"] == "ssh"]
    shown = machine.run(f"deepdesign-bootstrap doctor --git-host {HOST}")
    assert shown.returncode == 1
    assert "\n    chmod 600 /srv/home/.ssh/id_ed25519\n" in shown.stdout
    assert not any(line in told.stdout + shown.stdout for line in secret)
    assert machine.run(found["command"]).returncode == 0
    well = machine.run(f"deepdesign-bootstrap doctor --git-host {HOST}")
    assert well.returncode == 0, well.stdout


def test_a_host_that_would_be_an_option_is_refused(machine: Machine) -> None:
    done = machine.run("deepdesign-bootstrap doctor --git-host=-oProxyCommand=touch${IFS}/srv/pwned")
    assert done.returncode == 2
    assert not (machine.base / "pwned").exists()
