"""Homes and storages that hypothesis makes up, on a real disk: they converge and lose no byte."""

import itertools
import json
import subprocess
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.bootstrap.homes import Scratch, put, tree, user_bytes

NAMES = (".config", ".gitconfig", ".ssh", ".any")
POLICIES = ("storage", "home", "merge", "stop")

_TEXT = st.sampled_from(["one", "two", "three", ""])
_FOLDER = st.dictionaries(
    st.sampled_from(["a", "b", "deep/a", "deep/er/b", "id_x", "\udcff-odd\n"]), _TEXT, max_size=4
)
#: A side of an item: nothing, text of a file, a folder of files, or where a link leads.
_SIDE = st.one_of(
    st.none(),
    _TEXT,
    _FOLDER,
    _FOLDER,
    st.sampled_from(["->/nowhere", "->loop", "->elsewhere", "->ours", "->out"]),
)
_SIDES = st.fixed_dictionaries(dict.fromkeys(NAMES, _SIDE))
_ITEMS = st.fixed_dictionaries(
    dict.fromkeys(NAMES, st.tuples(st.sampled_from(POLICIES), st.sampled_from(["link", "copy"])))
)
_counter = itertools.count()


def lay(folder: Path, name: str, side: Any, scratch: Scratch) -> None:
    """Put one side of one item on disk, in place of what is there."""
    path = folder / name
    if path.is_symlink() or path.is_file():
        path.unlink()
    elif path.is_dir():
        subprocess.run(["rm", "-rf", path], check=True)  # shutil's way is relative, which the sandbox refuses
    if side is None:
        return
    if isinstance(side, dict):
        path.mkdir()
        for inside, text in side.items():
            put(path / inside, text)
    elif side.startswith("->"):
        elsewhere = put(scratch.home / "elsewhere/x", "elsewhere").parent
        targets = {
            "->/nowhere": "/nowhere/at/all",
            "->loop": name,
            "->elsewhere": str(elsewhere),
            "->ours": str(scratch.cfg / name),
            "->out": "elsewhere",
        }
        path.symlink_to(targets[side])
    else:
        put(path, side)


def settle(scratch: Scratch, profile: str, superseded: set[str]) -> None:
    """Apply until there is nothing to do, which must be at once; what has a problem stays as it is."""
    before = user_bytes(scratch.home, scratch.storage)
    planned = scratch.look(profile).plan
    result = scratch.apply(profile=profile)
    assert result.status in (0, 1)
    known = {group.name for group in planned.groups if group.problem}
    assert {group.name for group in result.problems} <= known, "what fails is known beforehand"
    after = scratch.look(profile).plan
    left = [group for group in after.groups if group.actions]
    assert not left, left
    lost = before - user_bytes(scratch.home, scratch.storage) - superseded
    assert not lost
    state = tree(scratch.home.parent)
    scratch.apply(profile=profile)
    assert tree(scratch.home.parent) == state
    for path in scratch.home.iterdir():
        if path.is_symlink() and path.readlink().is_relative_to(scratch.storage):
            assert path.exists() or path.name in known, f"{path}, a link of ours, leads nowhere"


def agreed(scratch: Scratch) -> set[str]:
    """What both sides of a copy have agreed on, and what may give way to a newer edit of either."""
    found = set()
    for record in (scratch.local / "copies").glob("*"):
        for kind, mark in json.loads(record.read_text())["entries"].values():
            if kind == "file":
                found.add(mark)
    return found


@settings(
    deadline=None,
    max_examples=40,
    database=None,
    phases=[Phase.generate],  # to make a failing state smaller would take minutes on a real disk
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(_SIDES, _SIDES, _ITEMS, st.sampled_from(["plain", "gradient"]), st.none() | st.tuples(_SIDES, _SIDES))
def test_any_home_and_any_storage_converge_and_lose_nothing(
    tmp_path: Path,
    home: dict[str, Any],
    storage: dict[str, Any],
    items: dict[str, tuple[str, str]],
    profile: str,
    later: tuple[dict[str, Any], dict[str, Any]] | None,
) -> None:
    base = tmp_path / str(next(_counter))
    scratch = Scratch(base / "home", base / "storage")
    for folder in (scratch.home, scratch.cfg):
        folder.mkdir(parents=True)
    listed = ", ".join(
        f"{{name: {name}, conflict: {policy}, persist: {persist}}}"
        for name, (policy, persist) in items.items()
    )
    scratch.settings(f"items: [{listed}]\n")
    superseded: set[str] = set()
    for sides in ((home, storage), later):
        if sides is None:
            continue
        superseded |= agreed(scratch)
        for side, folder in zip(sides, (scratch.home, scratch.cfg), strict=True):
            for name in NAMES:
                # Links back into home have tests of their own.
                if not (folder == scratch.cfg and side[name] in ("->ours", "->elsewhere")):
                    lay(folder, name, side[name], scratch)
        settle(scratch, profile, superseded)
