"""Permissions as the table says, on the real disk."""

import os
from pathlib import Path

import pytest

from bootstrap import modes
from tests.bootstrap.homes import Scratch, mode, put


@pytest.mark.parametrize(
    ("path", "was", "wanted"),
    [
        (".ssh/id_rsa", 0o644, 0o600),
        (".ssh/id_rsa", 0o400, 0o400),
        (".ssh/id_ed25519", 0o777, 0o600),
        (".ssh/github", 0o640, 0o600),
        (".ssh/proxy", 0o755, 0o700),
        (".ssh/id_rsa.pub", 0o600, 0o644),
        (".ssh/id_rsa.pub", 0o666, 0o644),
        (".ssh/aws.pem", 0o660, 0o600),
        (".ssh/config", 0o666, 0o600),
        (".ssh/authorized_keys", 0o664, 0o600),
        (".ssh/known_hosts", 0o644, 0o600),
        (".ssh/keys/id_rsa", 0o644, 0o600),
        (".git-credentials", 0o644, 0o600),
        (".kaggle/kaggle.json", 0o644, 0o600),
        (".config/gh/hosts.yml", 0o644, 0o600),
        (".gnupg/private-keys-v1.d/x.key", 0o644, 0o600),
        (".local/bin/tool", 0o755, 0o755),
        (".config/app", 0o664, 0o664),
        (".gitconfig", 0o644, 0o644),
    ],
)
def test_files(path: str, was: int, wanted: int) -> None:
    assert modes.wanted(path, was, folder=False) == wanted
    assert modes.wanted(path, wanted, folder=False) == wanted


@pytest.mark.parametrize(
    ("path", "was", "wanted"),
    [(".ssh", 0o755, 0o700), (".ssh", 0o500, 0o700), (".gnupg", 0o777, 0o700), (".config", 0o777, 0o777)],
)
def test_folders(path: str, was: int, wanted: int) -> None:
    assert modes.wanted(path, was, folder=True) == wanted


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_keys_in_storage_are_mended_whatever_the_umask(scratch: Scratch, umask: int) -> None:
    put(scratch.cfg / ".ssh/id_rsa", "key", 0o644)
    put(scratch.cfg / ".ssh/id_rsa.pub", "key", 0o600)
    (scratch.cfg / ".ssh").chmod(0o755)
    put(scratch.home / ".kaggle/kaggle.json", "{}", 0o644)
    old = os.umask(umask)
    try:
        assert scratch.apply().status == 0
    finally:
        os.umask(old)
    assert mode(scratch.cfg / ".ssh") == 0o700
    assert mode(scratch.cfg / ".ssh/id_rsa") == 0o600
    assert mode(scratch.cfg / ".ssh/id_rsa.pub") == 0o644
    assert mode(scratch.cfg / ".kaggle/kaggle.json") == 0o600
    assert mode(scratch.cfg / ".jupyter") == 0o755
    assert mode(scratch.cfg / ".gitconfig") == 0o644
    assert mode(scratch.cfg / ".bash_history") == 0o600
    assert scratch.look().plan.is_empty


def test_a_key_without_any_permission_is_mended(scratch: Scratch) -> None:
    put(scratch.cfg / ".ssh/id_rsa", "key", 0o000)
    assert scratch.apply().status == 0
    assert mode(scratch.cfg / ".ssh/id_rsa") == 0o600


@pytest.mark.parametrize("kind", ["link", "hard link", "linked folder"])
def test_what_a_link_leads_to_is_never_changed(scratch: Scratch, tmp_path: Path, kind: str) -> None:
    victim = put(tmp_path / "victim/id_rsa", "not yours", 0o644)
    (scratch.cfg / ".ssh").mkdir(parents=True)
    (scratch.cfg / ".config").mkdir()
    if kind == "link":
        (scratch.cfg / ".ssh/id_rsa").symlink_to(victim)
    elif kind == "hard link":
        os.link(victim, scratch.cfg / ".ssh/id_rsa")
    else:
        (scratch.cfg / ".ssh/deep").symlink_to(victim.parent)
        put(victim.parent / "hosts.yml", "token", 0o644)
        (scratch.cfg / ".config/gh").symlink_to(victim.parent)
    result = scratch.apply()
    assert result.status == 0
    assert mode(victim) == 0o644
    assert kind != "linked folder" or mode(victim.parent / "hosts.yml") == 0o644


def test_the_parent_of_a_key_swapped_for_a_link_is_refused(tmp_path: Path) -> None:
    from bootstrap.system import RealSystem

    victim = put(tmp_path / "victim/id_rsa", "not yours", 0o644)
    (tmp_path / "root").mkdir()
    (tmp_path / "root/.ssh").symlink_to(victim.parent)
    with pytest.raises(OSError, match="Not a directory"):
        RealSystem().change_mode(str(tmp_path / "root"), ".ssh/id_rsa", 0o600)
    assert mode(victim) == 0o644
