"""Commands that other packages bring, completion at a real prompt, and the image's own kernel."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bootstrap import completion, kernel, plugins
from tests.bootstrap.homes import Scratch, put
from tests.bootstrap.systems import Watched


def user_site(scratch: Scratch) -> Path:
    return Path(os.path.realpath(plugins.user_folder(scratch.look().place)))


def package(site: Path, name: str, entries: str, text: str = "") -> Path:
    put(site / f"{name}.py", text or "import sys\ndef main():\n    print('studio', *sys.argv[1:])\n")
    return put(site / f"{name}-1.0.dist-info/entry_points.txt", entries)


def run(scratch: Scratch, *words: str) -> subprocess.CompletedProcess[str]:
    """Type a command where notebooks' terminals do."""
    return subprocess.run(
        ["sh", "-c", f'. {scratch.local}/env.sh; exec "$@"', "sh", *words],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd=scratch.home.parent,
        env={"PATH": os.environ["PATH"], "HOME": str(scratch.home)},
    )


def test_a_package_of_the_users_brings_commands_and_takes_them_with_it(scratch: Scratch) -> None:
    assert scratch.apply().status == 0
    entries = package(user_site(scratch), "studio", "[deepdesign.commands]\nrender-all = studio:main\n")
    assert scratch.apply().status == 0
    # A file of the same name where one happens to stand is not what is run.
    put(scratch.home.parent / "studio.py", "raise SystemExit('the wrong one')\n")
    assert run(scratch, "render-all", "a  b").stdout == "studio a  b\n"
    entries.unlink()
    entries.parent.rmdir()
    assert scratch.apply().status == 0
    assert not (scratch.local / "bin/render-all").exists()


def test_a_start_that_finds_the_packages_unchanged_writes_nothing(scratch: Scratch) -> None:
    assert scratch.apply().status == 0
    package(user_site(scratch), "studio", "[deepdesign.commands]\nrender-all = studio:main\n")
    assert scratch.apply().status == 0
    again = Watched()
    assert scratch.apply(again).status == 0  # type: ignore[arg-type]
    assert again.calls == []
    assert (scratch.local / "bin/render-all").exists()


@pytest.mark.parametrize(
    "entry",
    [
        "../x = studio:main",
        "x y = studio:main",
        "evil = studio:main; import os",
        "evil = os.system('true') or studio:main",
        "evil = studio",
        "deepdesign = studio:main",
        "= studio:main",
    ],
)
def test_what_cannot_be_a_command_is_left_out(scratch: Scratch, entry: str) -> None:
    assert scratch.apply().status == 0
    before = {path.name: path.read_text() for path in (scratch.local / "bin").iterdir()}
    package(user_site(scratch), "studio", f"[deepdesign.commands]\n{entry}\n[other]\nevil = studio:main\n")
    assert scratch.apply().status == 0
    assert {path.name: path.read_text() for path in (scratch.local / "bin").iterdir()} == before


def test_the_settings_stand_before_what_packages_bring(scratch: Scratch) -> None:
    scratch.settings("commands: {render: echo settings}\n")
    assert scratch.apply().status == 0
    package(user_site(scratch), "studio", "[deepdesign.commands]\nrender = studio:main\n")
    assert scratch.apply().status == 0
    assert run(scratch, "render").stdout == "settings\n"


def test_a_spoiled_list_of_what_was_found_is_made_anew(scratch: Scratch) -> None:
    assert scratch.apply().status == 0
    package(user_site(scratch), "studio", "[deepdesign.commands]\nrender = studio:main\n")
    assert scratch.apply().status == 0
    (scratch.local / plugins.KEPT).write_text("not a number at all\n\tevil os:system; true\n")
    assert scratch.apply().status == 0
    assert run(scratch, "render").stdout == "studio\n"


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("deepdesign-bootstrap st", "status"),
        ("deepdesign-bootstrap apply --prof", "--profile"),
        ("deepdesign-bootstrap apply --profile run", "runpod"),
        ("deepdesign-images l", "list"),
        ("deepdesign sty", "style"),
    ],
)
def test_the_tab_key_completes_at_a_real_prompt(scratch: Scratch, typed: str, offered: str) -> None:
    assert scratch.apply().status == 0
    words = typed.split(" ")
    script = (
        f". {scratch.local}/env.sh; COMP_WORDS=({typed}); COMP_CWORD={len(words) - 1}; "
        f"complete -p {words[0]} && _deepdesign_complete {words[0]}; printf '%s\\n' \"${{COMPREPLY[@]}}\""
    )
    done = subprocess.run(
        ["bash", "--norc", "--noprofile", "-i", "-c", script],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={"PATH": os.environ["PATH"], "HOME": str(scratch.home), "OMP_NUM_THREADS": "1"},
    )
    first, *found = done.stdout.split("\n")
    assert first.startswith("complete "), done.stderr
    assert offered in found


def test_the_completion_is_for_prompts_only(scratch: Scratch) -> None:
    assert scratch.apply().status == 0
    assert (scratch.local / completion.NAME).exists()
    done = run(
        scratch, "bash", "-c", f". {scratch.local}/env.sh; declare -F _deepdesign_complete || echo none"
    )
    assert done.stdout == "none\n"


def test_a_kernel_is_registered_where_an_old_one_hides_the_images(
    scratch: Scratch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path / "site/ipykernel_launcher.py")
    put(tmp_path / "prefix/share/jupyter/kernels/python3/kernel.json", "{}")
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path / "site")])
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "prefix"))
    monkeypatch.setattr(sys, "base_prefix", str(tmp_path / "prefix"))
    assert scratch.apply().status == 0
    assert not (scratch.local / kernel.FOLDER).exists()
    old = put(
        scratch.home / ".local/share/jupyter/kernels/python3/kernel.json", '{"argv": ["/opt/gone/python"]}'
    )
    assert scratch.apply().status == 0
    spec = json.loads((scratch.local / "jupyter-data/kernels/deepdesign/kernel.json").read_text())
    assert spec["argv"][0] == sys.executable
    shown = run(scratch, "sh", "-c", "echo $JUPYTER_PATH").stdout.strip()
    assert shown == str(scratch.local / "jupyter-data")
    later = scratch.next_machine()
    assert later.apply().status == 0
    assert (later.local / "jupyter-data/kernels/deepdesign/kernel.json").exists()
    real = Path(os.path.realpath(old))
    real.unlink()
    real.parent.rmdir()
    assert scratch.apply().status == 0
    assert not (scratch.local / "jupyter-data/kernels/deepdesign/kernel.json").exists()
    assert run(scratch, "sh", "-c", "echo $JUPYTER_PATH").stdout == "\n"
