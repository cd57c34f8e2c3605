"""Whether a real sshd accepts ``~/.ssh/authorized_keys`` after a start, whatever the storage is like."""

import json
import os
from pathlib import Path

import pytest

from tests.bootstrap.machine import Machine, make_machine

MODES = {"plain": 0o755, "open": 0o777, "sticky": 0o1777, "group": 0o775}


@pytest.fixture
def strict(tmp_path: Path) -> Machine:
    """A machine whose sshd looks into the home, with StrictModes, as sshd does by default."""
    machine = make_machine(tmp_path)
    config = machine.base / "etc/sshd_config"
    text = config.read_text().replace("StrictModes no", "StrictModes yes")
    config.write_text(text.replace("/srv/etc/authorized_keys", ".ssh/authorized_keys"))
    done = machine.run(
        "cp home/.ssh/id_ed25519.pub home/.ssh/authorized_keys; chmod 600 home/.ssh/authorized_keys"
    )
    assert done.returncode == 0, done.stderr
    assert machine.logs_in()
    return machine


def apply(machine: Machine) -> str:
    done = machine.run('"$PY" -I -m bootstrap apply --profile plain')
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("storage", [*MODES, "somebody else's"])
def test_sshd_accepts_the_keys_of_any_storage(strict: Machine, storage: str) -> None:
    strict.storage.chmod(MODES.get(storage, 0o755))
    if storage == "somebody else's":
        os.chown(strict.storage, 65534, -1)
    apply(strict)
    # The first start moves the keys into storage; the next one finds them there, and what leads to them.
    apply(strict)
    assert strict.logs_in()
    assert (strict.home / ".ssh").is_symlink() is (storage == "plain")


@pytest.mark.parametrize("storage", ["open", "sticky"])  # Debian lets a group of one write
def test_sshd_does_refuse_a_link_there(strict: Machine, storage: str) -> None:
    """The reason for the copy: what a link would come to."""
    strict.storage.chmod(MODES[storage])
    (strict.storage / "cfg").mkdir()
    (strict.storage / "cfg/bootstrap.yaml").write_text("items: [{name: .ssh, persist: link}]\n")
    apply(strict)
    assert (strict.home / ".ssh").is_symlink()
    assert not strict.logs_in()


def test_a_new_authorized_key_is_accepted_at_once(strict: Machine) -> None:
    strict.storage.chmod(0o777)
    apply(strict)
    apply(strict)
    done = strict.run(
        "ssh-keygen -q -t ed25519 -N '' -f new && cat new.pub >>home/.ssh/authorized_keys"
        ' && "$PY" -I -m bootstrap apply --profile plain && cat storage/cfg/.ssh/authorized_keys'
    )
    assert (strict.base / "new.pub").read_text() in done.stdout
    assert strict.logs_in("IdentitiesOnly=yes", "IdentityFile=/srv/new")


@pytest.mark.parametrize(
    "spoil",
    [
        "chmod 1777 storage",
        "chmod 777 storage",
        "chown 65534 storage",
        "chmod 666 storage/cfg/.ssh/authorized_keys",
    ],
)
def test_the_doctor_names_what_sshd_refuses_and_its_command_lets_people_in(
    strict: Machine, spoil: str
) -> None:
    def told() -> list[dict[str, str]]:
        done = strict.run("deepdesign-bootstrap doctor --git-host git.example --json")
        return [one for one in json.loads(done.stdout)["findings"] if "sshd ignores" in one["what"]]

    apply(strict)
    assert strict.logs_in()
    assert told() == []
    strict.run(spoil)
    assert not strict.logs_in()
    (found,) = told()
    done = strict.run(found["command"])
    assert done.returncode == 0, done.stdout + done.stderr
    assert strict.logs_in()
    assert told() == []
