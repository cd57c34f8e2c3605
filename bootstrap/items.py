"""The files and folders of a home that persist."""

from typing import NamedTuple

FOLDER = "folder"
FILE = "file"
#: Whatever is there first decides; until then nothing is created.
ANY = "any"


#: HOME has a link to the item in storage.
LINK = "link"
#: HOME has files of its own, which are brought together with those in storage at each start.
COPY = "copy"
WAYS = (LINK, COPY)

STORAGE = "storage"
HOME = "home"
MERGE = "merge"
STOP = "stop"
#: What to do with what both sides have and which differs.
POLICIES = (STORAGE, HOME, MERGE, STOP)


class Item(NamedTuple):
    """One file or folder directly in HOME."""

    name: str
    kind: str = ANY
    #: How it persists: ``link`` or ``copy``; ``None`` leaves it to what the storage can do.
    persist: str | None = None
    #: What happens to what both sides have and which differs; ``None`` leaves it to the settings.
    conflict: str | None = None


#: The list of the widely used script, so that its storage is taken over as it stands.
DEFAULTS = (
    Item(".local", FOLDER),
    Item(".ssh", FOLDER),
    Item(".config", FOLDER),
    Item(".jupyter", FOLDER),
    Item(".ipython", FOLDER),
    Item(".conda", FOLDER),
    Item(".kaggle", FOLDER),
    Item(".fastai", FOLDER),
    Item(".gitconfig", FILE),
    Item(".git-credentials", FILE),
    Item(".bash_history", FILE),
)

#: Left behind by file servers, desktops and Jupyter itself; never a part of a home.
DEBRIS = ("lost+found", ".ipynb_checkpoints", ".DS_Store", ".snapshot", ".bash.local")


def is_debris(name: str) -> bool:
    """Whether ``name``, found in storage, is nothing that a person put there to have it in their home."""
    return name in DEBRIS or name.startswith((".nfs", ".Trash"))
