"""The doctor on a storage, packages, shadows and full disks: what it names is real, its commands mend it."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bootstrap import cli
from bootstrap.doctor import examine
from bootstrap.doctor.finding import Finding, Patient
from images.checks.start import wheel
from tests.bootstrap.homes import Scratch, put, tree
from tests.bootstrap.machine import Machine, bare_machine
from tests.needs import need

HERE = Path(__file__).parent
Findings = list[dict[str, str]]


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """A home that the bootstrap has set up, with a program folder of the test's own first on PATH."""
    made = bare_machine(tmp_path)
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "deepdesign-bootstrap").symlink_to(Path(sys.executable).with_name("deepdesign-bootstrap"))
    done = made.run("deepdesign-bootstrap apply")
    assert done.returncode == 0, done.stdout + done.stderr
    return made


def path_of(machine: Machine) -> str:
    return f"/srv/tools:/srv/home/.deepdesign/bin:{os.environ['PATH']}"


def doctor(machine: Machine, before: str = ":", **environment: str) -> Findings:
    """Every finding but those of ssh, which has tests of its own, and the journal's last entry."""
    script = f"{before}\ndeepdesign-bootstrap doctor --json"
    done = machine.run(script, **{"PATH": path_of(machine), **environment})
    assert done.stderr == ""
    answer = json.loads(done.stdout)
    assert (
        done.returncode == answer["status"] == any(one["severity"] == "problem" for one in answer["findings"])
    )
    return [one for one in answer["findings"] if one["topic"] != "ssh" and "last change" not in one["what"]]


def mend(machine: Machine, finding: dict[str, str], **environment: str) -> None:
    done = machine.run(finding["command"], **{"PATH": path_of(machine), **environment})
    assert done.returncode == 0, done.stdout + done.stderr


def the_one(findings: Findings, severity: str, words: str) -> dict[str, str]:
    assert len(findings) == 1, findings
    assert findings[0]["severity"] == severity
    assert words in findings[0]["what"]
    return findings[0]


def test_a_home_in_order_has_no_finding_and_nothing_is_written(machine: Machine) -> None:
    before = tree(machine.base)
    assert doctor(machine) == []
    assert tree(machine.base) == before


# What the last start did


def test_a_home_that_no_start_has_seen(tmp_path: Path) -> None:
    machine = bare_machine(tmp_path)
    assert not list(machine.home.iterdir())
    findings = json.loads(machine.run("deepdesign-bootstrap doctor --json").stdout)["findings"]
    assert not list(machine.home.iterdir())
    (found,) = [one for one in findings if one["topic"] == "start"]
    assert "not run in this home yet" in found["what"]
    assert machine.run(found["command"]).returncode == 0
    assert (machine.home / ".ssh").is_symlink()


def test_wrong_settings_are_a_finding_and_show_no_value(machine: Machine) -> None:
    put(machine.storage / "cfg/bootstrap.yaml", "user: [hunter2]\n")
    found = the_one(doctor(machine), "problem", "user")
    assert "hunter2" not in found["what"] + found["command"]
    mend(machine, found)
    assert doctor(machine) == []
    assert not (machine.home / "bootstrap.yaml.old").exists()
    assert (machine.storage / "bootstrap.yaml.old").exists()


def test_a_command_that_takes_one_of_our_names_is_a_finding(machine: Machine) -> None:
    put(machine.storage / "cfg/bootstrap.yaml", "commands: {deepdesign: ls}\n")
    found = the_one(doctor(machine), "problem", "one of the suite's own")
    mend(machine, found)
    assert doctor(machine) == []


def dead_link(machine: Machine) -> None:
    (machine.storage / "cfg/.kaggle").rmdir()
    (machine.storage / "cfg/.kaggle").symlink_to("/nowhere")


def file_for_folder(machine: Machine) -> None:
    (machine.storage / "cfg/.kaggle").rmdir()
    put(machine.storage / "cfg/.kaggle", "not a folder")


def link_replaced(machine: Machine) -> None:
    (machine.home / ".gitconfig").unlink()
    put(machine.home / ".gitconfig", "[user]\nname = Anna\n")


def pipe_for_item(machine: Machine) -> None:
    (machine.home / ".gitconfig").unlink()
    os.mkfifo(machine.home / ".gitconfig")


@pytest.mark.parametrize(
    ("sabotage", "severity"),
    [
        (dead_link, "problem"),
        (file_for_folder, "problem"),
        (pipe_for_item, "problem"),
        (link_replaced, "warning"),
    ],
)
def test_an_item_that_is_not_brought_back_is_mended(
    machine: Machine, sabotage: Callable[[Machine], None], severity: str
) -> None:
    sabotage(machine)
    found = doctor(machine)[0]
    assert found["severity"] == severity
    mend(machine, found)
    assert doctor(machine) == []


def test_what_is_good_is_never_moved_out_of_the_way(machine: Machine) -> None:
    put(machine.storage / "cfg/bootstrap.yaml", "conflict: stop\n")
    put(machine.storage / "cfg/.vimrc", "storage")
    put(machine.home / ".vimrc", "home")
    put(machine.storage / "cfg/.vscode/settings.json", "good")
    os.mkfifo(machine.home / ".vscode")
    decide, pipe = doctor(machine)
    assert "`conflict: stop`" in decide["what"]
    assert not decide["command"]
    assert ".vscode is neither a file nor a folder" in pipe["what"]
    assert pipe["command"] == "mv -T /srv/home/.vscode /srv/home/.vscode.old && deepdesign-bootstrap apply"


def test_for_want_of_room_nothing_is_moved(tmp_path: Path) -> None:
    machine = bare_machine(tmp_path)
    put(machine.home / ".config/app", "x" * 300_000)
    done = machine.run("mount -t tmpfs -o size=256k none storage; deepdesign-bootstrap doctor --json")
    found = [one for one in json.loads(done.stdout)["findings"] if one["topic"] == "start"]
    assert ".config needs 30" in found[0]["what"]
    assert not found[0]["command"]


def test_what_is_shut_is_opened_and_stays_where_it_is(tmp_path: Path) -> None:
    machine = bare_machine(tmp_path)
    put(machine.storage / "cfg/.config/app", "storage's")
    put(machine.home / ".config/closed/app", "home's").parent.chmod(0)
    # Root without the right to pass over permissions.
    without = "-dac_override,-dac_read_search"
    under = f"setpriv --bounding-set={without} --inh-caps={without}"
    done = machine.run(f"{under} deepdesign-bootstrap doctor --json")
    found = [one for one in json.loads(done.stdout)["findings"] if one["topic"] == "start"]
    assert "/srv/home/.config/closed cannot be read" in found[0]["what"]
    assert found[0]["command"].startswith("chmod -R u+rwX /srv/home/.config/closed && ")
    assert machine.run(f"{under} sh -c '{found[0]['command']}'").returncode == 0
    assert str((machine.home / ".config").readlink()) == "/srv/storage/cfg/.config"
    (aside,) = machine.home.glob(".deepdesign/asides/*/.config/closed/app")
    assert aside.read_text() == "home's"


def test_wrong_settings_that_were_named_are_those_that_are_set_aside(machine: Machine) -> None:
    put(machine.storage / "cfg/bootstrap.yaml", "skip: [.fastai]\n")
    put(machine.base / "own.yaml", "commands: {deepdesign: ls}\n")
    found = the_one(doctor(machine, DEEPDESIGN_CONFIG="/srv/own.yaml"), "problem", "one of the suite's own")
    assert found["command"] == "mv -T /srv/own.yaml /srv/own.yaml.old"


def test_a_storage_that_cannot_be_written_is_made_writable(machine: Machine) -> None:
    script = "mount --bind /srv/storage /srv/storage && mount -o remount,bind,ro /srv/storage"
    found = doctor(machine, script)[0]
    assert found["severity"] == "problem"
    assert "cannot be written" in found["what"]
    assert doctor(machine, f"{script}\n{found['command']}") == []


@pytest.mark.parametrize(
    ("options", "words"),
    [("--chmod-ignore", "ignores permissions"), ("--force-user=65534", "to another user")],
)
def test_what_a_storage_cannot_do_is_said_with_what_follows(tmp_path: Path, options: str, words: str) -> None:
    need("bindfs")
    machine = bare_machine(tmp_path)
    (tmp_path / "behind").mkdir()
    mount = f"bindfs {options} behind storage && deepdesign-bootstrap apply >&2"
    script = f"{mount}; deepdesign-bootstrap doctor --json"
    answer = json.loads(machine.run(script).stdout)
    found = [one for one in answer["findings"] if one["topic"] == "storage"]
    assert [one["severity"] for one in found] == ["note"]
    assert words in found[0]["what"]


def test_no_storage_is_said_plainly(tmp_path: Path) -> None:
    machine = bare_machine(tmp_path)
    done = machine.run(
        "deepdesign-bootstrap doctor --profile vast --json", DEEPDESIGN_STORAGE="", WORKSPACE="/srv/storage"
    )
    (found,) = [one for one in json.loads(done.stdout)["findings"] if one["topic"] == "storage"]
    assert found["what"].startswith("nothing will persist: no storage is mounted at /srv/storage")
    assert machine.run(found["command"]).returncode == 0
    assert (machine.home / ".ssh").is_symlink()


def test_a_storage_that_hangs_does_not_hang_the_doctor(machine: Machine) -> None:
    mount = f'"$PY" {HERE}/hang.py /srv/storage'
    ask = "deepdesign-bootstrap doctor --json"
    done = machine.run(f"exec {mount} {ask}", PATH=path_of(machine))
    found = next(one for one in json.loads(done.stdout)["findings"] if one["topic"] == "storage")
    assert done.returncode == 1
    assert "/srv/storage does not answer" in found["what"]
    again = machine.run(f"exec {mount} sh -c '{found['command']}; {ask}'", PATH=path_of(machine))
    assert "does not answer" not in again.stdout
    assert again.returncode == 0, again.stdout


def test_the_last_change_is_told_by_path_only(machine: Machine) -> None:
    done = machine.run("deepdesign-bootstrap doctor", PATH=path_of(machine), API_TOKEN="hunter2")
    assert "the last change was at" in done.stdout
    assert "link: " in done.stdout
    assert "hunter2" not in done.stdout


def test_debug_shows_where_the_doctor_itself_failed(
    scratch: Scratch, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stumble(patient: Patient) -> Iterator[Finding]:
        raise RuntimeError("stumbled")
        yield

    monkeypatch.setattr(examine, "QUESTIONS", (("room", stumble),))
    words = ["doctor", "--home", str(scratch.home), "--storage", str(scratch.storage)]
    for more in ([], ["--debug"]):
        with pytest.raises(SystemExit, match="0"):
            cli.program.main([*words, *more], standalone_mode=False)
        told = capsys.readouterr()
        assert "could not look further here (RuntimeError)" in told.out
        assert ("--debug" in told.out) == (not more)
        assert ("in stumble" in told.err) == bool(more)


# Packages


@pytest.fixture(scope="module")
def venv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python laid out as in our image: an environment through which another Python is seen."""
    folder = tmp_path_factory.mktemp("python") / "venv"
    base = Path(sys.base_prefix) / "bin/python3"
    subprocess.run([base, "-m", "venv", "--system-site-packages", folder], check=True, timeout=120)
    return folder


@pytest.fixture
def wheels(tmp_path: Path) -> dict[str, str]:
    """What pip needs to find the package ``keepsake`` without a network."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    (folder / "keepsake-1.0-py3-none-any.whl").write_bytes(wheel("keepsake"))
    return {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": "/srv/wheels", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}


def use(machine: Machine, python: Path) -> None:
    """Make ``python`` the image's."""
    # Through a script: a link would make an environment's Python the one that it was made from.
    put(machine.base / "tools/python3", f'#!/bin/sh\nexec {python} "$@"\n', 0o755)


@pytest.mark.parametrize("where", [".local", ".deepdesign/python/another-image"])
def test_packages_of_another_python_are_installed_anew(
    machine: Machine, venv: Path, wheels: dict[str, str], where: str
) -> None:
    use(machine, venv / "bin/python3")
    base = machine.storage / "cfg" / where
    put(base / "lib/python3.8/site-packages/keepsake-0.9.dist-info/METADATA", "")
    found = the_one(
        doctor(machine, **wheels), "problem", "keepsake: installed for Python 3.8 by another image"
    )
    mend(machine, found, **wheels)
    assert doctor(machine, **wheels) == []
    told = machine.run(
        ". home/.deepdesign/env.sh; python3 -c 'import keepsake; print(keepsake.GREETING)'",
        PATH=path_of(machine),
    )
    assert told.stdout == "kept\n"


def test_a_package_is_the_same_however_its_name_is_written(machine: Machine, venv: Path) -> None:
    use(machine, venv / "bin/python3")
    old = machine.storage / "cfg/.local/lib/python3.8/site-packages"
    put(old / "keep.sake-1.0.dist-info/METADATA")
    put(old / "Zoo__Keeper-1.0.dist-info/METADATA")
    put(users(machine) / "keep_sake-2.0.dist-info/METADATA")
    put(users(machine) / "zoo.keeper-2.0.dist-info/METADATA")
    assert doctor(machine) == []


def test_a_user_site_that_is_switched_off(machine: Machine, venv: Path, wheels: dict[str, str]) -> None:
    use(machine, venv / "bin/python3")
    install = ". home/.deepdesign/env.sh; python3 -m pip install --user keepsake"
    assert machine.run(install, PATH=path_of(machine), **wheels).returncode == 0
    found = the_one(doctor(machine, PYTHONNOUSERSITE="1"), "problem", "PYTHONNOUSERSITE is set")
    assert doctor(machine, found["command"], PYTHONNOUSERSITE="1") == []


def test_a_terminal_without_our_environment(machine: Machine) -> None:
    bare = f"/srv/tools:{os.environ['PATH']}"
    found = the_one(doctor(machine, PATH=bare), "warning", "without the environment that notebooks get")
    assert doctor(machine, found["command"], PATH=bare) == []


# Shadows


@pytest.fixture
def image(machine: Machine, venv: Path) -> Path:
    """The site-packages of a Python that has a user site before them, as in most vendors' images."""
    base = Path(sys.base_prefix) / "bin/python3"
    use(machine, base)
    asked = "import os, site; print(next(path for path in site.getsitepackages() if os.path.isdir(path)))"
    told = subprocess.run([base, "-I", "-c", asked], capture_output=True, text=True, check=True, timeout=60)
    put(machine.base / "etc/where", told.stdout.strip())
    site = machine.base / "site"
    site.mkdir()
    (pip,) = (venv / "lib").glob("python3*/site-packages/pip")
    (site / "pip").symlink_to(pip)
    install(site, "keepsake", "1.0", "GREETING = 'image'\n")
    return site


IN_THE_IMAGE = 'mount --bind /srv/site "$(cat /srv/etc/where)"'


def install(site: Path, name: str, version: str, text: str) -> None:
    put(site / f"{name}.py", text)
    info = put(
        site / f"{name}-{version}.dist-info/METADATA",
        f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
    )
    put(info.with_name("INSTALLER"), "pip\n")
    files = [f"{name}.py", *(f"{info.parent.name}/{file}" for file in ("METADATA", "RECORD", "INSTALLER"))]
    put(info.with_name("RECORD"), "".join(f"{file},,\n" for file in files))


def users(machine: Machine) -> Path:
    """The user site, as Python itself says it."""
    told = machine.run(
        ". home/.deepdesign/env.sh; python3 -m site --user-site", PATH=path_of(machine)
    ).stdout.strip()
    asked = machine.run(f"mkdir -p {told}; realpath {told}").stdout.strip()
    return machine.base / Path(asked).relative_to("/srv")


def greeting(machine: Machine) -> str:
    script = (
        f"{IN_THE_IMAGE}; . home/.deepdesign/env.sh; python3 -c 'import keepsake; print(keepsake.GREETING)'"
    )
    return machine.run(script, PATH=path_of(machine)).stdout


@pytest.mark.parametrize(
    ("text", "severity", "words"),
    [
        ("GREETING = 'mine'\n", "warning", "your own keepsake 2.0 is imported in place of the image's 1.0"),
        ("import no_such_module_anywhere\n", "problem", "`import keepsake` fails with your own"),
        ("raise SystemExit(0)\n", "problem", "`import keepsake` fails with your own"),
    ],
)
def test_a_package_of_ones_own_before_the_images(
    machine: Machine, image: Path, text: str, severity: str, words: str
) -> None:
    assert greeting(machine) == "image\n"
    assert doctor(machine, IN_THE_IMAGE) == []
    install(users(machine), "keepsake", "2.0", text)
    assert greeting(machine) != "image\n"
    found = the_one(doctor(machine, IN_THE_IMAGE), severity, words)
    done = machine.run(
        f"{IN_THE_IMAGE}; . home/.deepdesign/env.sh; {found['command']}", PATH=path_of(machine)
    )
    assert done.returncode == 0, done.stderr
    assert greeting(machine) == "image\n"
    assert doctor(machine, IN_THE_IMAGE) == []


def test_packages_in_the_image_itself_are_moved_to_where_they_persist(
    machine: Machine, image: Path, wheels: dict[str, str]
) -> None:
    gradient = {
        "DEEPDESIGN_PROFILE": "gradient",
        "KUBERNETES_SERVICE_HOST": "10.0.0.1",  # a container, wherever the tests run
        "PIP_BREAK_SYSTEM_PACKAGES": "1",
        **wheels,
    }
    found = the_one(
        doctor(machine, IN_THE_IMAGE, **gradient), "problem", "keepsake: installed into the image"
    )
    script = f"{IN_THE_IMAGE}; . home/.deepdesign/env.sh; {found['command']}"
    done = machine.run(script, PATH=path_of(machine), **gradient)
    assert done.returncode == 0, done.stdout + done.stderr
    assert doctor(machine, IN_THE_IMAGE, **gradient) == []
    assert list((machine.storage / "cfg/.local").rglob("keepsake.py"))


def test_an_import_that_only_wants_to_write_is_not_called_broken_and_does_not(
    machine: Machine, image: Path
) -> None:
    install(users(machine), "keepsake", "1.0", "open('/srv/home/cache', 'w')\n")
    assert doctor(machine, IN_THE_IMAGE) == []
    assert not (machine.home / "cache").exists()


def test_a_loose_file_before_the_images_package(machine: Machine, image: Path) -> None:
    put(users(machine) / "keepsake.py", "GREETING = 'stray'\n")
    found = the_one(doctor(machine, IN_THE_IMAGE), "warning", "imported in place of the image's keepsake")
    mend(machine, found)
    assert greeting(machine) == "image\n"
    assert doctor(machine, IN_THE_IMAGE) == []


@pytest.mark.parametrize("name", ["usercustomize.py", "sitecustomize.py", "poison.pth"])
def test_a_poisoned_start_of_python(machine: Machine, image: Path, name: str) -> None:
    put(users(machine) / name, "import no_such_module_anywhere\n")
    found = the_one(doctor(machine, IN_THE_IMAGE), "problem", "and fails")
    mend(machine, found)
    assert doctor(machine, IN_THE_IMAGE) == []


def test_pythonpath_before_the_image(machine: Machine, image: Path) -> None:
    install(machine.base / "elsewhere", "keepsake", "3.0", "")
    install(users(machine), "keepsake", "1.0", "")
    found = the_one(doctor(machine, IN_THE_IMAGE, PYTHONPATH="/srv/elsewhere"), "warning", "PYTHONPATH puts")
    assert doctor(machine, f"{IN_THE_IMAGE}; {found['command']}", PYTHONPATH="/srv/elsewhere") == []


def test_a_file_of_ones_own_called_like_a_module(machine: Machine) -> None:
    put(machine.base / "random.py", "")
    assert machine.run("python3 -c 'import random; random.random()'").returncode != 0
    found = the_one(doctor(machine), "warning", "in place of Python's own random")
    mend(machine, found)
    assert machine.run("python3 -c 'import random; random.random()'").returncode == 0
    assert doctor(machine) == []


def test_a_program_and_a_kernel_of_an_image_that_is_gone(machine: Machine) -> None:
    put(machine.storage / "cfg/.local/bin/jupyter-old", "#!/opt/gone/bin/python\n", 0o755)
    kernel = {"argv": ["/opt/gone/bin/python", "-m", "ipykernel_launcher"], "display_name": "old"}
    put(machine.storage / "cfg/.local/share/jupyter/kernels/old/kernel.json", json.dumps(kernel))
    found = doctor(machine)
    assert sorted(one["what"].split()[0] for one in found) == ["the", "~/.local/bin/jupyter-old"]
    for one in found:
        mend(machine, one)
    assert doctor(machine) == []


# Room


@pytest.mark.parametrize(
    ("place", "disk"),
    [
        ("home/.deepdesign/cache/pip", "home"),
        ("home/.cache/huggingface/hub", "home"),  # beside it lies the token
        ("home/.local/share/Trash", "storage"),
        ("storage/.Trash-0", "storage"),
        ("storage/deepdesign/models/torch", "storage"),
        ("storage/cfg/.deepdesign/python/another-image/share/Trash", "storage"),
    ],
)
def test_a_full_disk_is_emptied_of_what_can_go(tmp_path: Path, place: str, disk: str) -> None:
    machine = bare_machine(tmp_path)
    fill = (
        f"mount -t tmpfs -o size=20m none /srv/{disk} && deepdesign-bootstrap apply >/dev/null\n"
        f"mkdir -p {place} && head -c 30M /dev/zero >{place}/old 2>/dev/null; echo mine >{disk}/kept"
    )
    script = "deepdesign-bootstrap doctor --json"
    first = json.loads(machine.run(f"{fill}\n{script}").stdout)
    (found,) = [one for one in first["findings"] if one["topic"] == "room"]
    assert found["severity"] == "problem"
    assert "is nearly full" in found["what"]
    assert f"find /srv/{disk}" in found["command"]
    assert f"/{place.split('/', 1)[1].removeprefix('cfg/')} " in found["command"]
    again = machine.run(
        f"{fill}\n{found['command']}\n{script}; ls {disk}; echo more >{disk}/more && echo room"
    )
    assert '"topic": "room"' not in again.stdout
    assert "kept" in again.stdout
    assert again.stdout.endswith("room\n")


def test_a_disk_full_of_ones_own_things_says_where_they_are(tmp_path: Path) -> None:
    machine = bare_machine(tmp_path)
    script = (
        "mount -t tmpfs -o size=20m none /srv/home; mkdir home/renders; "
        "head -c 30M /dev/zero >home/renders/film 2>/dev/null; deepdesign-bootstrap doctor --json"
    )
    (found,) = [one for one in json.loads(machine.run(script).stdout)["findings"] if one["topic"] == "room"]
    assert "/srv/home/renders" in found["what"]
    assert "rm" not in found["command"]
    assert "-delete" not in found["command"]


def test_a_disk_that_takes_no_more_files(tmp_path: Path) -> None:
    machine = bare_machine(tmp_path)
    script = (
        "mount -t tmpfs -o size=200m,nr_inodes=500 none /srv/home; mkdir -p home/.cache/pip; "
        "for i in $(seq 450); do : >home/.cache/pip/$i; done; deepdesign-bootstrap doctor --json"
    )
    (found,) = [one for one in json.loads(machine.run(script).stdout)["findings"] if one["topic"] == "room"]
    assert "has no room for more files" in found["what"]
