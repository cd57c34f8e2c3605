"""Locks between processes, also on storages that know none."""

import fcntl

__all__ = ["lock"]


def lock(handle: int, *, wait: bool) -> bool:
    """Lock the open file or folder ``handle`` until it is closed; False if its storage knows no locks.

    Some network storages refuse every lock. Work there goes on without one: two runs at once in one place
    are rare, and a storage on which nothing can be made would be no use.

    Raises:
        BlockingIOError: another process holds it, and ``wait`` is false.
    """
    try:
        fcntl.flock(handle, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise
    except OSError:
        return False
    return True
