"""The one door through which the bootstrap changes anything on disk.

Reading goes past it. Counting, failing and dying for tests are wrappers around it.
"""

import errno
import os
import stat
from typing import Protocol

from bootstrap.trees import Tick, rest

#: A file is put on disk piece by piece: at its end, gigabytes that wait in memory would take minutes.
_PIECE = 256 * 1024 * 1024


class System(Protocol):
    """Changes to a disk. Every call is one step after which a crash must be harmless."""

    def make_folder(self, path: str, mode: int) -> None:
        """Create a folder with these permission bits, whatever the umask says."""

    def write_file(self, path: str, content: bytes, mode: int) -> None:
        """Create a file that must not exist yet; it is on disk when this returns."""

    def append(self, path: str, content: bytes) -> None:
        """Add to the end of a file that only its owner can read."""

    def copy_file(self, source: str, target: str, mode: int, tick: Tick = rest) -> None:
        """Copy one regular file, its times and extended attributes; it is on disk when this returns.

        ``tick`` is called again and again until then, at least once every MiB.
        """

    def symlink(self, target: str, path: str) -> None:
        """Create a link where nothing is."""

    def hard_link(self, source: str, path: str) -> None:
        """Give a file a second name where nothing is."""

    def rename(self, source: str, target: str) -> None:
        """Move within one file system; a file or link at ``target`` is replaced in the same instant."""

    def unlink(self, path: str) -> None:
        """Remove a name of a file or a link."""

    def remove_folder(self, path: str) -> None:
        """Remove an empty folder."""

    def finish_folder(self, path: str, like: str, mode: int) -> None:
        """Give a copied folder its times and permission bits and put it on disk."""

    def change_mode(self, root: str, path: str, mode: int) -> None:
        """Set the permission bits of ``path`` below ``root``; links on the way are refused, not followed."""

    def touch(self, path: str) -> None:
        """Set a file's times to now."""


class RealSystem:
    """The operating system."""

    def make_folder(self, path: str, mode: int) -> None:
        os.mkdir(path, mode & 0o700)
        # mkdir subtracts the umask: private first, then as asked.
        if mode & ~0o700 or stat.S_IMODE(os.stat(path).st_mode) & 0o777 != mode:
            os.chmod(path, mode)

    def write_file(self, path: str, content: bytes, mode: int) -> None:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            # Some mounts refuse any change of permissions, also to what they are already.
            if stat.S_IMODE(os.fstat(descriptor).st_mode) & 0o777 != mode:
                os.fchmod(descriptor, mode)
            file.write(content)
            file.flush()
            os.fsync(descriptor)

    def append(self, path: str, content: bytes) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(path, flags, 0o600)
        try:
            os.write(descriptor, content)
        finally:
            os.close(descriptor)

    def copy_file(self, source: str, target: str, mode: int, tick: Tick = rest) -> None:
        reading = os.open(source, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(reading, "rb"):
            found = os.fstat(reading)
            if not stat.S_ISREG(found.st_mode):
                raise OSError(errno.EINVAL, "no longer a regular file", source)
            writing = os.open(
                target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600
            )
            with os.fdopen(writing, "wb"):
                _copy_data(reading, writing, found.st_size, tick)
                _copy_attributes(reading, writing)
                os.fchmod(writing, mode)
                os.utime(writing, ns=(found.st_atime_ns, found.st_mtime_ns))
                os.fsync(writing)

    def symlink(self, target: str, path: str) -> None:
        os.symlink(target, path)

    def hard_link(self, source: str, path: str) -> None:
        os.link(source, path, follow_symlinks=False)

    def rename(self, source: str, target: str) -> None:
        os.rename(source, target)

    def unlink(self, path: str) -> None:
        os.unlink(path)

    def remove_folder(self, path: str) -> None:
        os.rmdir(path)

    def finish_folder(self, path: str, like: str, mode: int) -> None:
        found = os.stat(like)
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            os.fchmod(descriptor, mode)
            os.utime(descriptor, ns=(found.st_atime_ns, found.st_mtime_ns))
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def change_mode(self, root: str, path: str, mode: int) -> None:
        holder = os.open(root, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            *folders, last = path.split("/")
            for name in folders:
                below = os.open(
                    name, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=holder
                )
                os.close(holder)
                holder = below
            found = os.open(last, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=holder)
        finally:
            os.close(holder)
        try:
            state = os.fstat(found)
            if stat.S_ISLNK(state.st_mode) or (stat.S_ISREG(state.st_mode) and state.st_nlink > 1):
                raise OSError(errno.ELOOP, "it is a link to another file", path)
            # fchmod needs a file that was opened for reading, which mode 000 forbids; the descriptor's own
            # name in /proc reaches the same inode and nothing else.
            os.chmod(f"/proc/self/fd/{found}", mode)
            if stat.S_IMODE(os.fstat(found).st_mode) & 0o777 != mode & 0o777:
                raise OSError(errno.EOPNOTSUPP, "this storage ignores permissions", path)
        finally:
            os.close(found)

    def touch(self, path: str) -> None:
        os.utime(path)


def _copy_data(source: int, target: int, size: int, tick: Tick) -> None:
    """Copy what ``source`` holds; its holes (a disk image, a core file) stay holes and take no room."""
    at = waiting = 0
    while at < size:
        try:
            at = os.lseek(source, at, os.SEEK_DATA)
        except OSError as error:
            if error.errno == errno.ENXIO:  # nothing but a hole up to the end
                at = size
                break
        try:
            end = os.lseek(source, at, os.SEEK_HOLE)
        except OSError:  # a file system that knows of no holes
            end = size
        while at < end:
            data = os.pread(source, min(1024 * 1024, end - at), at)
            if not data:  # it has become shorter
                os.ftruncate(target, at)
                return
            while data:
                written = os.pwrite(target, data, at)
                at += written
                waiting += written
                data = data[written:]
            if waiting >= _PIECE:
                os.fdatasync(target)
                waiting = 0
            tick()
    os.ftruncate(target, at)


def _copy_attributes(source: int, target: int) -> None:
    """Extended attributes where the storage has them; a copy without them is still the user's file."""
    try:
        names = os.listxattr(source)
    except OSError:
        return
    for name in names:
        try:
            os.setxattr(target, name, os.getxattr(source, name))
        except OSError:
            continue
