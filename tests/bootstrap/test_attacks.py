"""What people who tried to break the bootstrap have found, each once."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bootstrap import start, undo
from bootstrap.place import Options
from tests.bootstrap.homes import DEFAULT_NAMES, Scratch, mode, program, put, tree
from tests.bootstrap.test_hook import SHELLS, must_be_unchanged, source
from tests.needs import need

#: Root without the rights to pass over permissions: what everybody else is.
NOBODY_SPECIAL = [
    "setpriv",
    *(f"--{kind}=-dac_override,-dac_read_search" for kind in ("bounding-set", "inh-caps")),
]


def give_back(scratch: Scratch) -> start.Result:
    return undo.run(Options(str(scratch.home), str(scratch.storage), None, "plain"), {})


def notes(result: start.Result, name: str) -> str:
    return next(group.note for group in result.done or result.plan.groups if group.name == name)


@pytest.mark.parametrize("side", ["adopted", "set aside", "undone"])
def test_a_folder_that_its_owner_may_not_write_moves_too(scratch: Scratch, side: str) -> None:
    need("mounts")  # as root, and setpriv
    closed = scratch.home / ".config"
    put(closed / "app", "home's").chmod(0o400)
    put(closed / "deep/er", "deep")
    if side == "set aside":
        put(scratch.cfg / ".config/app", "storage's")
    for folder in (closed / "deep", closed):
        folder.chmod(0o500)
    arguments = ["--home", str(scratch.home), "--storage", str(scratch.storage)]
    commands = ["apply", "apply", "undo"] if side == "undone" else ["apply", "apply"]
    for command in commands:
        done = subprocess.run(
            [*NOBODY_SPECIAL, sys.executable, "-I", "-m", "bootstrap", command, *arguments],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
    assert (scratch.home / ".config/app").read_text() == ("storage's" if side == "set aside" else "home's")
    assert not list((scratch.cfg / ".deepdesign/tmp").iterdir())
    assert not list((scratch.local / "tmp").glob("*"))
    if side != "set aside":
        assert mode(scratch.home / ".config") == (0o500 if side == "undone" else 0o777)
        assert mode(scratch.cfg / ".config") == 0o500
        assert mode(scratch.cfg / ".config/deep") == 0o500


def test_a_temporary_tree_that_cannot_be_read_is_still_swept(scratch: Scratch) -> None:
    need("mounts")
    put(scratch.home / ".config/closed/app", "x").parent.chmod(0o000)
    arguments = ["--home", str(scratch.home), "--storage", str(scratch.storage)]
    for _ in range(2):
        subprocess.run(
            [*NOBODY_SPECIAL, sys.executable, "-I", "-m", "bootstrap", "apply", *arguments],
            capture_output=True,
            timeout=60,
            check=False,
        )
    assert not list((scratch.cfg / ".deepdesign/tmp").iterdir())


def test_a_key_that_is_only_linked_is_named_when_others_can_read_it(scratch: Scratch, tmp_path: Path) -> None:
    key = put(tmp_path / "keys/id_rsa", "key", 0o644)
    (scratch.cfg / ".ssh").mkdir(parents=True)
    (scratch.cfg / ".ssh/id_rsa").symlink_to(key)
    result = scratch.apply()
    assert result.status == 0
    assert "chmod 600" in notes(result, ".ssh")
    assert mode(key) == 0o644  # it is not ours
    key.chmod(0o600)
    assert notes(scratch.apply(), ".ssh") == ""


def test_a_persons_folder_that_was_made_open_is_closed_and_named(scratch: Scratch) -> None:
    folder = put(scratch.cfg / "users/anna/.gitconfig", "planted").parent
    folder.chmod(0o777)
    scratch.settings("user: anna\n")
    result = scratch.apply()
    assert result.status == 0
    assert mode(folder) == 0o700
    assert "others could see" in notes(result, "user")
    assert notes(scratch.apply(), "user") == ""


def test_a_persons_folder_of_somebody_else_is_named(scratch: Scratch) -> None:
    folder = scratch.cfg / "users/anna"
    folder.mkdir(parents=True)
    if os.geteuid() != 0:
        pytest.skip("only root gives folders to others")
    os.chown(folder, 65534, -1)
    scratch.settings("user: anna\n")
    assert "65534" in notes(scratch.apply(), "user")


def test_what_a_link_says_cannot_write_to_the_terminal(scratch: Scratch) -> None:
    scratch.cfg.mkdir()
    (scratch.cfg / ".config").symlink_to("/nowhere\x1b]0;owned\x07\r\n\x9b2Jx\u202e")
    for command in ("plan", "apply", "status"):
        done = program(command, "--home", scratch.home, "--storage", scratch.storage)
        assert "\\x1b]0;owned\\x07\\r\\n" in done.stdout
        assert all(letter.isprintable() for letter in done.stdout.replace("\n", ""))
    said = source(scratch, "bash", ". HOOK").stderr
    assert "\\x1b]0;owned" in said
    assert all(letter.isprintable() for letter in said.replace("\n", ""))


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize(
    "defence",
    [
        "command() { echo no >&2; return 1; }",
        "printf() { return 1; }; timeout() { return 124; }; tail() { return 1; }",
        "readonly status=x python=y why=z said=w",
    ],
    ids=["command", "programs", "readonly"],
)
def test_what_the_caller_calls_its_own_does_not_defeat_the_hook(
    scratch: Scratch, shell: str, defence: str
) -> None:
    scratch.settings("commands: {hello: echo hello}\n")
    done = source(scratch, shell, f"{defence}\n. HOOK; hello there; echo $?")
    assert done.stdout == "hello there\n0\n", done.stderr
    assert (scratch.home / ".ssh").is_symlink()


@pytest.mark.parametrize(
    "defence",
    [
        ":() { exit 7; }",
        ":() { return 1; }; set -e",
        "unset() { exit 7; }; set() { exit 7; }; exit() { return 0; }",
        "[() { return 1; }",
    ],
)
def test_functions_that_only_bash_allows_do_not_defeat_the_hook(scratch: Scratch, defence: str) -> None:
    done = source(scratch, "bash", f"{defence}\n. HOOK; echo $? $JUPYTER_RUNTIME_DIR")
    assert done.stdout == f"0 {scratch.local}/jupyter-runtime\n", done.stderr
    assert (scratch.home / ".ssh").is_symlink()


@pytest.mark.parametrize("shell", SHELLS)
def test_the_functions_of_the_caller_are_still_there_afterwards(scratch: Scratch, shell: str) -> None:
    must_be_unchanged(scratch, shell, "printf() { return 1; }; timeout() { return 124; }")


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("closed", ["2>&-", "1>&-", "1>&- 2>&-", "0<&-"])
def test_a_closed_stream_does_not_defeat_the_hook(scratch: Scratch, shell: str, closed: str) -> None:
    proof = scratch.home.parent / "proof"
    source(scratch, shell, f"exec {closed}; . HOOK; echo $? $PYTHONUSERBASE >{proof}")
    assert proof.read_text().startswith("0 /")
    assert (scratch.home / ".ssh").is_symlink()


def test_undo_takes_the_older_scripts_links_away_too(scratch: Scratch) -> None:
    put(scratch.cfg / ".fastai/config.yml", "data: /storage")
    put(scratch.cfg / ".gitconfig", "[user]")
    for name in (".fastai", ".gitconfig"):
        (scratch.home / name).symlink_to(scratch.cfg / name)
    (scratch.home / ".vimrc").symlink_to(put(scratch.cfg / "dotfiles/vimrc", "set number"))
    assert give_back(scratch).status == 0
    assert not (scratch.home / ".fastai").is_symlink()
    assert (scratch.home / ".fastai/config.yml").read_text() == "data: /storage"
    assert not (scratch.home / ".gitconfig").is_symlink()
    assert (scratch.home / ".vimrc").is_symlink()  # the user's own


def test_undo_without_storage_takes_the_older_scripts_dead_links_away(scratch: Scratch) -> None:
    put(scratch.cfg / ".fastai/config.yml", "data: /storage")
    (scratch.home / ".fastai").symlink_to(scratch.cfg / ".fastai")
    scratch.storage.rename(scratch.storage.with_name("unplugged"))
    assert give_back(scratch).status == 0
    assert not (scratch.home / ".fastai").is_symlink()


def test_undo_with_a_pipe_in_storage_gives_back_what_home_had(scratch: Scratch) -> None:
    put(scratch.home / ".gitconfig", "home's")
    assert scratch.apply().status == 0
    (scratch.cfg / ".gitconfig").unlink()
    os.mkfifo(scratch.cfg / ".gitconfig")
    assert give_back(scratch).status == 0
    assert (scratch.home / ".gitconfig").read_text() == "home's"
    assert not any((scratch.home / name).is_symlink() for name in DEFAULT_NAMES)


def test_undo_of_a_home_with_copies_leaves_its_files(scratch: Scratch) -> None:
    scratch.settings("items: [{name: .ssh, persist: copy}]\n")
    put(scratch.home / ".ssh/id_x", "key", 0o600)
    assert scratch.apply().status == 0
    kept = tree(scratch.storage)
    assert give_back(scratch).status == 0
    assert (scratch.home / ".ssh/id_x").read_text() == "key"
    assert tree(scratch.storage) == kept
    assert not (scratch.local / "copies/.ssh").exists()


BINDFS = [
    ("--chmod-ignore -p 0777", "permissions do not stick"),
    ("--force-user=65534 --chown-deny", "belongs to another user"),
]


@pytest.mark.parametrize(("options", "why"), BINDFS, ids=["no modes", "root squash"])
def test_where_ssh_would_refuse_a_link_home_gets_a_copy_and_one_sentence(
    scratch: Scratch, options: str, why: str
) -> None:
    need("mounts")
    need("bindfs")
    need("ssh-keygen")
    seen = scratch.home.parent / "seen"
    seen.mkdir()
    home, key = scratch.home, scratch.cfg / ".ssh/id_x"
    key.parent.mkdir(parents=True)
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True, timeout=60)
    put(scratch.cfg / ".ssh/config", "Host a\n  User x\n")
    script = (
        f"bindfs {options} {scratch.storage} {seen}\n"
        f'say() {{ "$PY" -I -m bootstrap apply --home {home} --storage {seen}; }}\n'
        f"say; ssh-keygen -y -f {home}/.ssh/id_x; ssh -F {home}/.ssh/config -G a | grep ^user\n"
        f"echo new >{home}/.ssh/id_new; say; cat {seen}/cfg/.ssh/id_new; say"
    )
    done = subprocess.run(
        ["unshare", "-m", "sh", "-euc", script],
        env={"PATH": os.environ["PATH"], "PY": sys.executable},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert why in done.stdout
    assert (
        done.stdout.count("this home has a copy") == 2
    )  # with the first copy, and when something was copied back
    assert "ssh-ed25519" in done.stdout
    assert "user x" in done.stdout
    assert "\nnew\n" in done.stdout
    assert not (scratch.home / ".ssh").is_symlink()
    assert mode(scratch.home / ".ssh") == 0o700
    assert mode(scratch.home / ".ssh/id_x") == 0o600
    assert mode(scratch.home / ".ssh/config") == 0o600


def test_authorized_keys_below_an_open_folder_are_copied(scratch: Scratch) -> None:
    put(scratch.cfg / ".ssh/authorized_keys", "ssh-ed25519 AAAA", 0o600)
    scratch.storage.chmod(0o777)
    result = scratch.apply()
    assert result.status == 0
    assert not (scratch.home / ".ssh").is_symlink()
    assert "sshd refuses" in notes(result, ".ssh")
