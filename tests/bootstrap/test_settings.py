"""Settings and arguments: what is wrong is named, exits with 2, and touches nothing."""

from pathlib import Path

import pytest

from bootstrap import profiles, settings
from bootstrap.errors import WrongInputError
from bootstrap.items import DEFAULTS
from tests.bootstrap.homes import Scratch, program, put, tree

WRONG = [
    ("items: [../x]", "items"),
    ("items: [/etc]", "items"),
    ("items: [~]", "items"),
    ("items: ['~other']", "items"),
    ("items: ['']", "items"),
    ("items: ['.']", "items"),
    ("items: ['..']", "items"),
    ("items: [a/../../b]", "items"),
    ("items: [.config/]", "items"),
    ("items: [.config, .config/gh]", "items"),
    ("items: [.config, .config]", "items"),
    ("items: [.config, .Config]", "items"),
    ('items: ["a\\0b"]', "items"),
    ('items: ["a\\nb"]', "items"),
    ("items: [.deepdesign]", "items"),
    ("items: [1]", "items"),
    ("items: .config", "items"),
    ("items: [{name: .x, kind: pipe}]", "items"),
    ("items: [{name: .x, mode: 777}]", "items"),
    ("skip: .config", "skip"),
    ("user: ../ben", "user"),
    ("user: yes", "user"),
    ("user: .hidden", "user"),
    ("commands: [a]", "commands"),
    ("commands: {'a b': ls}", "commands"),
    ("commands: {../x: ls}", "commands"),
    ("commands: {x: ''}", "commands"),
    ("commands: {deepdesign: ls}", "commands"),
    ("notebooks: somewhere", "notebooks"),
    ("colour: blue", "colour"),
    ("- a list", "key: value"),
    ("a: b: c", "YAML"),
    ("items: [", "YAML"),
    ("\\x00\\xff", "key: value"),
]


@pytest.mark.parametrize(("text", "named"), WRONG)
def test_wrong_settings_exit_2_with_the_key_named(scratch: Scratch, text: str, named: str) -> None:
    scratch.settings(text + "\n")
    before = tree(scratch.home.parent)
    with pytest.raises(WrongInputError, match=named):
        scratch.apply()
    assert tree(scratch.home.parent) == before


def test_a_wrong_settings_file_ends_the_program_with_2_and_one_line(scratch: Scratch) -> None:
    scratch.settings("items: [../x]\n")
    done = program("apply", "--home", scratch.home, "--storage", scratch.storage)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "items" in done.stderr
    assert "bootstrap.yaml" in done.stderr
    assert not list(scratch.home.iterdir())


@pytest.mark.parametrize(
    "arguments",
    [
        ["--profile", "nowhere"],
        ["--home", "/nowhere/at/all"],
        ["--storage", "/etc/passwd"],
        ["--storage", ""],
        ["--config", "/nowhere/at/all.yaml"],
        ["--unknown"],
    ],
)
def test_wrong_arguments_exit_2(scratch: Scratch, arguments: list[str]) -> None:
    done = program("apply", "--home", scratch.home, "--storage", scratch.storage, *arguments)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert not list(scratch.home.iterdir())


@pytest.mark.parametrize("where", ["same", "storage in item", "home in items"])
def test_home_and_storage_in_each_other_are_refused(scratch: Scratch, where: str) -> None:
    home, storage = scratch.home, scratch.storage
    if where == "same":
        storage = home
    elif where == "storage in item":
        storage = home / ".local/storage"
    else:
        home = storage / "cfg/home"
    home.mkdir(parents=True, exist_ok=True)
    storage.mkdir(parents=True, exist_ok=True)
    before = tree(scratch.home.parent)
    assert program("apply", "--home", home, "--storage", storage).returncode == 2
    assert tree(scratch.home.parent) == before


def test_without_a_file_the_defaults_hold(tmp_path: Path) -> None:
    assert settings.load(str(tmp_path / "none.yaml")).items == DEFAULTS
    empty = put(tmp_path / "empty.yaml")
    assert settings.load(str(empty)) == settings.Settings()


def test_a_file_from_windows_is_read(tmp_path: Path) -> None:
    file = tmp_path / "bootstrap.yaml"
    file.write_bytes(b"\xef\xbb\xbfuser: anna\r\nitems:\r\n  - .ssh\r\n")
    found = settings.load(str(file))
    assert found.user == "anna"
    assert [item.name for item in found.items] == [".ssh"]


def test_a_command_line_is_never_shown(scratch: Scratch) -> None:
    scratch.settings("commands: {upload: 'send --token s3cret'}\n")
    for command in ("plan", "apply", "status"):
        for extra in ([], ["--json"]):
            done = program(command, "--home", scratch.home, "--storage", scratch.storage, *extra)
            assert done.returncode == 0
            assert "s3cret" not in done.stdout + done.stderr
    for path in scratch.local.rglob("*"):
        if path.is_file() and path.name != "upload":
            assert "s3cret" not in path.read_text()


@pytest.mark.parametrize(
    ("variable", "name"),
    [
        ("PAPERSPACE_NOTEBOOK_REPO_ID", "gradient"),
        ("PAPERSPACE_FQDN", "gradient"),
        ("RUNPOD_POD_ID", "runpod"),
        ("VAST_CONTAINERLABEL", "vast"),
        ("JUPYTERHUB_API_TOKEN", "jupyterhub"),
        ("SAGEMAKER_SPACE_NAME", "sagemaker"),
        ("DEEPDESIGN_IMAGE", "gradient"),
        ("HOME", "plain"),
    ],
)
def test_auto_goes_by_the_environment(variable: str, name: str) -> None:
    assert profiles.choose("auto", {variable: "x"}).name == name
    assert profiles.choose("auto", {variable: ""}).name == "plain"


def test_the_platform_counts_before_the_image_that_runs_on_it() -> None:
    assert profiles.choose("auto", {"DEEPDESIGN_IMAGE": "1", "RUNPOD_POD_ID": "1"}).name == "runpod"
