"""Files that are there whole or not at all."""

import errno
import hashlib
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from techniques.errors import BadInputError, WorkFailedError

__all__ = ["output_problems", "sha256_of", "write_text", "written_whole"]

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@contextmanager
def output_problems(output: Path) -> Iterator[None]:
    """Say of an `OSError` in the block what a person does about the folder or file ``output``.

    Raises:
        WorkFailedError: the disk is full.
        BadInputError: nothing can be written there.
    """
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise WorkFailedError(f"{output}: the disk is full. Free some space and run it again.") from error
        raise BadInputError(
            f"-o {output} cannot be written: {error.strerror or error}. Choose another -o."
        ) from error


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """Give a path beside ``path`` to write to; it takes the name ``path`` only when the block ends well.

    Readers see the old file or the new one, also after a crash. An error in the block leaves ``path`` as
    it was.

    Raises:
        WorkFailedError: the disk is full, or the folder cannot be written.
    """
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        yield draft
        with draft.open("rb") as written:
            os.fsync(written.fileno())  # a rename can reach the disk before the bytes do
        draft.replace(path)
    except OSError as error:
        reason = (
            "the disk is full, or its quota is used up"
            if error.errno in _FULL
            else error.strerror or str(error)
        )
        raise WorkFailedError(
            f"{path} could not be written: {reason}. Free space, or choose another -o."
        ) from error
    finally:
        draft.unlink(missing_ok=True)


def sha256_of(path: Path) -> str:
    """The hash of what is in the file ``path``."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_text(path: Path, text: str) -> None:
    r"""Write ``text`` as UTF-8 to ``path``, whole or not at all.

    Names of files need not be UTF-8. What Python makes of such a byte is written as ``\udce9`` and the like,
    which in JSON means the same name again.
    """
    with written_whole(path) as draft:
        draft.write_text(text, encoding="utf-8", errors="backslashreplace")
