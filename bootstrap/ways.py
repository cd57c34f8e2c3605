"""Whether an item is linked or copied: as the settings say, else what ssh accepts from this storage."""

import os

from bootstrap import modes
from bootstrap.capabilities import open_parent
from bootstrap.items import COPY, LINK, Item
from bootstrap.place import Place


def way(place: Place, item: Item, target: str) -> tuple[str, str]:
    """How ``item`` persists, and why it has to be a copy where nobody asked for one."""
    if item.persist:
        return item.persist, ""
    if item.name not in modes.PRIVATE_TREES:
        return LINK, ""
    root = place.storage.root
    if not place.capabilities.modes:
        return COPY, f"permissions do not stick in {root}, and ssh refuses open keys"
    foreign = _foreign(target)
    if foreign:
        return COPY, f"{foreign} belongs to another user, which ssh refuses"
    # Without authorized_keys there is no sshd that would look; ssh itself accepts a linked folder.
    if os.path.lexists(os.path.join(target, "authorized_keys")):
        folder = open_parent(target)
        if folder and folder != os.path.realpath(target):
            return COPY, f"sshd refuses keys below {folder}, which others may change"
    return LINK, ""


def _foreign(target: str) -> str:
    """The first of the folder and its files that neither root nor this user owns."""
    mine = (0, os.geteuid())
    try:
        if os.stat(target).st_uid not in mine:
            return target
        with os.scandir(target) as entries:
            for entry in entries:
                if entry.stat(follow_symlinks=False).st_uid not in mine:
                    return entry.path
    except OSError:
        return ""
    return ""
