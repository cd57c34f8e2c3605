"""SQLite databases stay on local disk: on a file server they hang or lock.

IPython keeps its history in its own folder, which persists, so ``IPYTHONDIR`` names a local one with links to
all that is not a database. Jupyter is told by a configuration file where its two databases go.
"""

import os

from bootstrap import local
from bootstrap.actions import Action, Ensure, Link, Relink, Write
from bootstrap.observe import OURS, ItemState
from bootstrap.place import Place
from bootstrap.plan import Group

ITEM = ".ipython"
#: What IPython reads or a user edits in a profile; all else there it writes for itself.
_FILES = ("ipython_config.py", "ipython_kernel_config.py")
_STARTUP = "startup"


def ipython_folder(place: Place) -> str:
    """What IPYTHONDIR says."""
    return os.path.join(place.local, "ipython")


def jupyter_folder(place: Place) -> str:
    """What JUPYTER_CONFIG_PATH gets, and where the databases are."""
    return os.path.join(place.local, "jupyter")


def plan_jupyter(place: Place) -> Group:
    """The configuration file that says where Jupyter's databases are."""
    folder = jupyter_folder(place)
    path, content = os.path.join(folder, "jupyter_config.json"), _config(folder)
    if not folder.isprintable() or local.read(path) == content:
        return Group("jupyter")
    return Group("jupyter", (Write(path, content, 0o600),))


def _config(folder: str) -> bytes:
    # Written by hand: importing json would take a tenth of a start that has nothing to do.
    signatures, ids = (
        os.path.join(folder, name).replace("\\", "\\\\").replace('"', '\\"')
        for name in ("nbsignatures.db", "file_id_manager.db")
    )
    notary = f'"NotebookNotary": {{"db_file": "{signatures}"}}'
    return f'{{{notary},\n "BaseFileIdManager": {{"db_path": "{ids}"}}}}\n'.encode()


def is_linked(states: tuple[ItemState, ...], groups: list[Group]) -> bool:
    """Whether ``~/.ipython`` leads to storage when ``groups`` are done."""
    for state in states:
        if state.item.name == ITEM:
            steps = [step for group in groups if group.name == ITEM for step in group.actions]
            makes = any(isinstance(step, (Link, Relink)) for step in steps)
            return makes or (state.home == OURS and bool(state.leads))
    return False


def plan_ipython(place: Place) -> Group:
    """A local folder for IPython with links to what persists of ``~/.ipython``."""
    folder, own = ipython_folder(place), os.path.join(place.home, ITEM)
    profile, there = os.path.join(folder, "profile_default"), os.path.join(own, "profile_default")
    # In a fresh home the way through ~/.ipython is still to be made: look where it will lead.
    target = place.target(ITEM)
    stored = os.path.join(target, "profile_default")
    steps: list[Action] = []
    if not os.path.isdir(profile):
        steps += [Ensure(place.local, 0o700), Ensure(folder, 0o700), Ensure(profile, 0o700)]
    links = {os.path.join(profile, name): os.path.join(there, name) for name in _FILES}
    if os.path.isdir(os.path.join(stored, _STARTUP)) or place.writable:
        # IPython ends with an error where this one leads nowhere; a link of a configuration may.
        for path in (stored, os.path.join(stored, _STARTUP)):
            if not os.path.isdir(path):
                steps.append(Ensure(path, 0o755))
        links[os.path.join(profile, _STARTUP)] = os.path.join(there, _STARTUP)
    links |= _beside(target if os.path.isdir(target) else own, own, folder)
    steps += [Link(path, target) for path, target in links.items() if not os.path.lexists(path)]
    return Group("ipython", tuple(steps))


def _beside(there: str, own: str, folder: str) -> dict[str, str]:
    """Other profiles and extensions that are ``there``, as they are."""
    try:
        names = os.listdir(there)
    except OSError:
        return {}
    return {
        os.path.join(folder, name): os.path.join(own, name) for name in names if name != "profile_default"
    }
