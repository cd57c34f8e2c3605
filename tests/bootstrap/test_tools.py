"""Real git, ssh, pip, bash and Jupyter's own paths through the links."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.bootstrap.homes import Scratch, mode, put
from tests.needs import need


def at_home(scratch: Scratch, *command: object, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(part) for part in command],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        cwd=scratch.home,
        env={"PATH": os.environ["PATH"], "HOME": str(scratch.home), **environment},
    )


def test_git_writes_through_the_links_and_keeps_them(scratch: Scratch) -> None:
    assert scratch.apply().status == 0
    at_home(scratch, "git", "config", "--global", "user.name", "Anna")
    at_home(scratch, "git", "config", "--global", "credential.helper", "store")
    subprocess.run(
        ["git", "credential", "approve"],
        input="protocol=https\nhost=example.org\nusername=anna\npassword=pw\n\n",
        text=True,
        check=True,
        timeout=60,
        cwd=scratch.home,
        env={"PATH": os.environ["PATH"], "HOME": str(scratch.home)},
    )
    assert (scratch.home / ".gitconfig").is_symlink()
    assert "Anna" in (scratch.cfg / ".gitconfig").read_text()
    assert "anna:pw@example.org" in (scratch.cfg / ".git-credentials").read_text()
    assert mode(scratch.cfg / ".git-credentials") == 0o600
    machine = scratch.next_machine()
    assert machine.apply().status == 0
    assert at_home(machine, "git", "config", "--global", "user.name").stdout == "Anna\n"


def test_a_program_that_replaces_the_link_by_a_file_loses_nothing(scratch: Scratch) -> None:
    put(scratch.home / ".gitconfig", "old")
    assert scratch.apply().status == 0
    new = put(scratch.home / ".gitconfig.new", "new")
    new.rename(scratch.home / ".gitconfig")
    assert not scratch.look().plan.is_empty
    assert scratch.apply().status == 0
    assert (scratch.home / ".gitconfig").is_symlink()
    kept = [path.read_text() for path in (scratch.local / "asides").glob("*/.gitconfig")]
    assert "new" in kept


def test_a_key_made_on_one_machine_is_accepted_by_ssh_on_the_next(scratch: Scratch) -> None:
    need("ssh-keygen")
    assert scratch.apply().status == 0
    key = scratch.home / ".ssh/id_ed25519"
    at_home(scratch, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key)
    public = key.with_suffix(".pub").read_text()
    # A team mate's upload through the browser makes it readable to all, and then ssh refuses it.
    (scratch.cfg / ".ssh/id_ed25519").chmod(0o644)
    machine = scratch.next_machine()
    key = machine.home / ".ssh/id_ed25519"
    refused = subprocess.run(
        ["ssh-keygen", "-y", "-f", scratch.cfg / ".ssh/id_ed25519"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "UNPROTECTED" in refused.stderr
    assert machine.apply().status == 0
    assert mode(scratch.cfg / ".ssh/id_ed25519") == 0o600
    assert mode(scratch.cfg / ".ssh") == 0o700
    assert at_home(machine, "ssh-keygen", "-y", "-f", key).stdout.split()[1] == public.split()[1]


def test_bash_history_keeps_its_link(scratch: Scratch) -> None:
    assert scratch.apply().status == 0
    at_home(
        scratch, "bash", "-c", "HISTFILE=~/.bash_history; set -o history; history -s remembered; history -a"
    )
    assert "remembered" in (scratch.cfg / ".bash_history").read_text()
    assert (scratch.home / ".bash_history").is_symlink()


def test_a_package_in_the_user_site_is_importable_on_the_next_machine(scratch: Scratch) -> None:
    base = Path(sys.base_prefix) / "bin/python3"
    assert scratch.apply().status == 0
    where = at_home(scratch, base, "-m", "site", "--user-site").stdout.strip()
    put(Path(where) / "brought_along.py", "NAME = 'here'\n")
    machine = scratch.next_machine()
    assert machine.apply().status == 0
    shown = at_home(
        machine, "sh", "-c", f". {machine.local}/env.sh; {base} -c 'import brought_along as b; print(b.NAME)'"
    )
    assert shown.stdout == "here\n"


@pytest.mark.parametrize("shell", ["bash", "dash", "bash --posix"])
def test_the_environment_file_suits_every_shell_and_sourcing_it_twice(scratch: Scratch, shell: str) -> None:
    home = scratch.home.with_name("it's a $HOME `x` home")
    home.mkdir()
    odd = Scratch(home, scratch.storage)
    assert odd.apply().status == 0
    script = "set -euf; unset PATH; . ./.deepdesign/env.sh; . ./.deepdesign/env.sh; "
    script += 'echo "$PATH"; echo "$PYTHONUSERBASE"'
    name, *options = shell.split()
    shown = subprocess.run(
        [shutil.which(name) or name, *options, "-c", script],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        cwd=home,
        env={"HOME": str(home)},
    )
    path, base = shown.stdout.splitlines()
    assert path.split(":")[-3:] == [f"{home}/.deepdesign/bin", f"{home}/.local/bin", f"{base}/bin"]
    assert path.count(".deepdesign/bin") == 1
    assert os.path.samefile(base, home / ".local")


def test_the_old_scripts_bash_local_is_sourced_at_a_prompt_only(scratch: Scratch) -> None:
    put(scratch.storage / ".bash.local", "echo from-bash-local\nexit 3\n")
    assert scratch.apply().status == 0
    quiet = at_home(scratch, "bash", "-c", ". .deepdesign/env.sh; echo on")
    assert quiet.stdout == "on\n"
    prompt = subprocess.run(
        ["bash", "--norc", "--noprofile", "-i", "-c", ". .deepdesign/env.sh"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        cwd=scratch.home,
        env={"PATH": os.environ["PATH"], "HOME": str(scratch.home)},
    )
    assert "from-bash-local" in prompt.stdout


def test_commands_are_runnable_and_stale_ones_disappear(scratch: Scratch) -> None:
    scratch.settings("commands:\n  greet: echo 'hello  you'\n  second: |\n    cd /\n    echo \"$2\"; pwd\n")
    assert scratch.apply().status == 0
    programs = scratch.local / "bin"
    assert at_home(scratch, programs / "greet", "and", "a  b").stdout == "hello  you and a  b\n"
    assert at_home(scratch, programs / "second", "1", "two").stdout == "two\n/\n"
    assert mode(programs / "greet") == 0o700
    shown = at_home(scratch, programs / "deepdesign-bootstrap", "--version", PYTHONPATH="/nowhere")
    assert "deepdesign-bootstrap" in shown.stdout
    put(programs / "mine", "#!/bin/sh\n", 0o755)
    scratch.settings("commands: {}\n")
    assert scratch.apply().status == 0
    assert not (programs / "greet").exists()
    assert (programs / "mine").exists()
    assert (programs / "deepdesign").exists()


def test_every_console_script_of_the_distribution_is_registered(scratch: Scratch) -> None:
    from importlib.metadata import distribution

    assert scratch.apply().status == 0
    scripts = {
        entry.name for entry in distribution("deepdesign").entry_points if entry.group == "console_scripts"
    }
    assert scripts <= {path.name for path in (scratch.local / "bin").iterdir()}


def test_storage_is_linked_into_the_browsers_folder_but_never_over_anything(scratch: Scratch) -> None:
    shown = scratch.home.with_name("notebooks")
    shown.mkdir()
    scratch.settings(f"notebooks: {shown}\n")
    assert scratch.apply().status == 0
    assert (shown / "storage").readlink() == scratch.storage
    (shown / "storage").unlink()
    put(shown / "storage/mine", "x")
    assert scratch.apply().status == 0
    assert (shown / "storage/mine").read_text() == "x"
    assert not (shown / "storage").is_symlink()


def test_a_home_that_persists_by_itself_gets_no_links(scratch: Scratch) -> None:
    put(scratch.home / ".ssh/id_x", "key", 0o600)
    assert scratch.apply(profile="jupyterhub").status == 0
    assert not (scratch.home / ".ssh").is_symlink()
    assert not (scratch.storage / "cfg").exists()
    assert (scratch.local / "env.sh").exists()
