"""What an error of the disk means to the person at the notebook."""

import errno
import os

from bootstrap.place import Place


def explain(error: OSError, place: Place, command: str = "apply") -> str:
    """One plain line for an error of the disk: what happened, what follows, what to do."""
    where = os.fsdecode(error.filename) if error.filename else "the storage"
    root = place.storage.root
    kept = "your home is left as it is"
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"the disk is full; {kept}. Make room in {root or place.home}."
    if error.errno in (errno.EIO, errno.ESTALE, errno.ETIMEDOUT, errno.ENOTCONN):
        return f"the storage does not answer ({error.strerror}); {kept}. Restart the notebook."
    if error.errno == errno.EROFS:
        return f"{where} is read-only; {kept}. Ask whoever runs the storage."
    if error.errno in (errno.EACCES, errno.EPERM):
        return f"{where} cannot be changed by this user (no permission); {kept}. Ask whoever owns it."
    if error.errno == errno.EOPNOTSUPP:
        return f"{where}: {error.strerror}, so others may read it. Keep keys in another storage."
    if error.errno == errno.ENOTDIR:
        return f"{where}: {error.strerror}; {kept}. Put a folder in its place."
    if error.errno == errno.EEXIST:
        return f"{where} has just been made by another start; run `deepdesign-bootstrap {command}` again."
    return f"{where}: {error.strerror}; {kept}. Run `deepdesign-bootstrap {command}` again."
