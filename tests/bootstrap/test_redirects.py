"""What persists by a variable instead of a link: packages by image and Python, models; and what must not."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bootstrap import image, start
from bootstrap.place import Options
from tests.bootstrap.homes import Scratch, bytes_anywhere, mode, put, tree


def apply_as(scratch: Scratch, name: str, profile: str = "plain") -> start.Result:
    """A start in the image called ``name``."""
    options = Options(str(scratch.home), str(scratch.storage), None, profile)
    return start.run(options, {"DEEPDESIGN_IMAGE": name})


def environment(scratch: Scratch, **given: str) -> dict[str, str]:
    """What a shell has after sourcing the environment file."""
    shown = subprocess.run(
        ["sh", "-euc", '. "$HOME/.deepdesign/env.sh"; env -0'],
        env={"PATH": os.environ["PATH"], "HOME": str(scratch.home), **given},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return dict(line.split("=", 1) for line in shown.stdout.split("\0") if line)


def base_of(scratch: Scratch) -> Path:
    return Path(environment(scratch)["PYTHONUSERBASE"])


def note(result: start.Result, name: str) -> str:
    return next(group.note for group in result.done or result.plan.groups if group.name == name)


def test_local_bin_and_lib_lead_to_the_user_base(scratch: Scratch) -> None:
    put(scratch.home / ".local/bin/tool", "tool", 0o755)
    put(scratch.home / ".local/lib/python3.11/site-packages/x.py", "x")
    assert apply_as(scratch, "cu130-notebook").status == 0
    base = base_of(scratch)
    for name in ("bin", "lib"):
        assert (scratch.home / ".local" / name).resolve() == (base / name).resolve()
    assert (base / "bin/tool").read_text() == "tool"
    assert (scratch.cfg / ".local/bin/tool").read_text() == "tool"


def test_each_image_has_its_own_packages_and_finds_them_again(scratch: Scratch) -> None:
    assert apply_as(scratch, "cu130-notebook").status == 0
    put(scratch.home / ".local/bin/tool", "first image's", 0o755)
    other = scratch.next_machine()
    result = apply_as(other, "cu126-notebook")
    assert result.status == 0
    assert "classic" in note(result, "python")
    assert base_of(other) != base_of(scratch)
    assert not (other.home / ".local/bin/tool").exists()
    put(other.home / ".local/bin/tool", "second image's", 0o755)
    for name, text in (("cu130-notebook", "first image's"), ("cu126-notebook", "second image's")):
        machine = scratch.next_machine()
        result = apply_as(machine, name)
        assert result.status == 0
        assert note(result, "python") == ""
        assert (machine.home / ".local/bin/tool").read_text() == text
        assert start.look(
            Options(str(machine.home), str(machine.storage), None, "plain"), {"DEEPDESIGN_IMAGE": name}
        ).plan.is_empty


def test_one_home_follows_its_image(scratch: Scratch) -> None:
    assert apply_as(scratch, "cu130-notebook").status == 0
    put(scratch.home / ".local/bin/tool", "first image's", 0o755)
    assert apply_as(scratch, "cu126-notebook").status == 0
    assert not (scratch.home / ".local/bin/tool").exists()
    assert base_of(scratch).name.startswith("cu126")
    assert apply_as(scratch, "cu130-notebook").status == 0
    assert (scratch.home / ".local/bin/tool").read_text() == "first image's"


def test_another_pythons_packages_are_left_to_it(scratch: Scratch) -> None:
    old = put(scratch.cfg / ".local/lib/python2.7/site-packages/numpy.py", "raise ImportError")
    result = scratch.apply()
    assert result.status == 0
    assert str(scratch.cfg / ".local") in note(result, "python")
    assert not (scratch.home / ".local/lib/python2.7").exists()
    assert old.exists()


def test_the_classic_preset_shares_one_local(scratch: Scratch) -> None:
    scratch.settings("preset: classic\n")
    put(scratch.cfg / ".local/lib/python2.7/site-packages/x.py", "x")
    assert apply_as(scratch, "cu130-notebook").status == 0
    assert (scratch.home / ".local").readlink() == scratch.cfg / ".local"
    assert base_of(scratch) == scratch.home / ".local"
    other = scratch.next_machine()
    assert apply_as(other, "cu126-notebook").status == 0
    assert (other.home / ".local").readlink() == scratch.cfg / ".local"


def test_two_images_at_once_do_not_share_what_only_one_takes_over(scratch: Scratch) -> None:
    machines = {name: scratch.next_machine() for name in ("a", "b")}
    planned = {
        name: start.look(Options(str(one.home), str(one.storage), None, "plain"), {"DEEPDESIGN_IMAGE": name})
        for name, one in machines.items()
    }
    for name, result in planned.items():  # both had looked before either had done anything
        assert start._do(result, None).status == 0, name
    (first, second) = ((one.home / ".local").resolve() for one in machines.values())
    assert first == scratch.cfg / ".local"
    assert second != first


def test_a_local_that_could_not_be_linked_is_where_pip_goes(scratch: Scratch) -> None:
    put(scratch.cfg / ".local", "a file")
    assert scratch.apply().status == 1
    assert base_of(scratch) == scratch.home / ".local"


@pytest.mark.parametrize(
    ("name", "begins"), [("cu130-notebook", "cu130-notebook-cpython-"), ("a/../b c", "a_.._b_c-cpython-")]
)
def test_a_key_is_a_name_for_a_folder(name: str, begins: str) -> None:
    assert image.key({"DEEPDESIGN_IMAGE": name}).startswith(begins)
    assert "/" not in image.key({})


def test_the_older_scripts_storage_is_taken_over_uncopied_and_that_is_said_once(scratch: Scratch) -> None:
    put(scratch.cfg / ".conda/envs/x/bin/python", "conda", 0o755)
    put(scratch.cfg / ".fastai/config.yml", "fastai")
    put(scratch.cfg / ".kaggle/kaggle.json", "{}", 0o600)
    version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    put(scratch.cfg / f".local/lib/{version}/site-packages/x.py", "x")
    put(scratch.cfg / ".ssh/id_x", "key", 0o600)
    inodes = {path: path.stat().st_ino for path in scratch.cfg.rglob("*") if path.is_file()}
    for name in (".conda", ".fastai", ".kaggle", ".local", ".ssh"):
        (scratch.home / name).symlink_to(scratch.cfg / name)
    before = bytes_anywhere(scratch.storage)
    result = scratch.apply()
    assert result.status == 0
    assert "taken over" in note(result, "storage")
    assert {path: path.stat().st_ino for path in inodes} == inodes
    assert before <= bytes_anywhere(scratch.storage)
    assert (scratch.home / f".local/lib/{version}/site-packages/x.py").read_text() == "x"
    assert (scratch.home / ".conda/envs/x/bin/python").read_text() == "conda"
    assert not (scratch.local / "asides").exists()
    assert note(scratch.next_machine().apply(), "storage") == ""


def test_databases_stay_on_local_disk(scratch: Scratch) -> None:
    put(scratch.home / ".ipython/profile_default/ipython_config.py", "c = get_config()")
    assert scratch.apply().status == 0
    found = environment(scratch)
    config = Path(found["JUPYTER_CONFIG_PATH"]) / "jupyter_config.json"
    for options in json.loads(config.read_text()).values():
        for path in options.values():
            assert Path(path).parent.resolve().is_relative_to(scratch.home.resolve())
    folder = Path(found["IPYTHONDIR"])
    # As IPython does: what it writes for itself, and what a user writes in its folder.
    put(folder / "profile_default/history.sqlite", "history")
    put(folder / "profile_default/startup/10-mine.py", "import numpy")
    (folder / "profile_default/ipython_kernel_config.py").write_text("c.x = 1")
    stored = scratch.cfg / ".ipython/profile_default"
    assert sorted(path.name for path in stored.iterdir()) == [
        "ipython_config.py",
        "ipython_kernel_config.py",
        "startup",
    ]
    assert (stored / "startup/10-mine.py").read_text() == "import numpy"
    assert (folder / "profile_default/ipython_config.py").read_text() == "c = get_config()"
    assert scratch.look().plan.is_empty
    assert scratch.next_machine().apply().status == 0


def test_profiles_and_extensions_are_there_from_the_first_start_of_a_home(scratch: Scratch) -> None:
    put(scratch.home / ".ipython/profile_teaching/startup/1.py", "x = 1")
    put(scratch.home / ".ipython/extensions/mine.py", "")
    for machine in (scratch, scratch.next_machine()):
        assert machine.apply().status == 0
        folder = Path(environment(machine)["IPYTHONDIR"])
        assert (folder / "profile_teaching/startup/1.py").read_text() == "x = 1"
        assert (folder / "extensions").readlink() == machine.home / ".ipython/extensions"
        assert machine.look().plan.is_empty


def test_models_are_kept_in_storage_and_what_is_quickly_fetched_is_not(scratch: Scratch) -> None:
    assert scratch.apply().status == 0
    found = environment(scratch)
    models = scratch.storage / "deepdesign/models"
    assert found["TORCH_HOME"] == str(models / "torch")
    assert found["HF_HUB_CACHE"] == str(models / "huggingface")
    assert found["PIP_CACHE_DIR"].startswith(str(scratch.local))
    # The token lies in there, and its own program leaves it open to others.
    assert mode(Path(found["HF_HOME"])) == 0o700
    assert Path(found["HF_HOME"]).is_relative_to(scratch.cfg)
    assert environment(scratch, TORCH_HOME="/mine")["TORCH_HOME"] == "/mine"
    scratch.settings("caches: [pip]\n")
    assert scratch.apply().status == 0
    found = environment(scratch)
    assert found["PIP_CACHE_DIR"] == str(models / "pip")
    assert "TORCH_HOME" not in found
    assert "HF_HOME" not in found


def test_undo_leaves_the_history_and_takes_the_rest_away(scratch: Scratch) -> None:
    from bootstrap import undo

    assert scratch.apply().status == 0
    history = put(scratch.local / "ipython/profile_default/history.sqlite", "history")
    kept = tree(scratch.storage)
    assert undo.run(Options(str(scratch.home), str(scratch.storage), None, "plain"), {}).status == 0
    assert not any(path.is_symlink() for path in scratch.home.rglob("*"))
    assert history.read_text() == "history"
    assert tree(scratch.storage) == kept
