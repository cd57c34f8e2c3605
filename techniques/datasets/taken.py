"""Files of somebody else's in a dataset's folder, under the names that ours get."""

import os
from collections.abc import Iterable
from pathlib import Path

from techniques.datasets.page import PAGE, is_page
from techniques.datasets.rows import NAME, lines
from techniques.errors import BadInputError
from techniques.files import output_problems
from techniques.runs import refuse_taken

__all__ = ["refuse_loss"]

_ADVICE = "Choose another folder."


def refuse_loss(root: Path, names: Iterable[str], inputs: Iterable[Path]) -> None:
    """Refuse to write ``names`` into ``root`` where one is an input, or there without a dataset of ours.

    Raises:
        BadInputError: one of them would be lost.
    """
    page = root / PAGE
    with output_problems(root):
        refuse_taken(root, [root / name for name in names], ours=_begun(root), inputs=inputs, advice=_ADVICE)
        if os.path.lexists(page) and not is_page(page):
            raise BadInputError(f"-o {root}: {page} is there, and is no report of ours. {_ADVICE}")


def _begun(root: Path) -> bool:
    """Whether a dataset was begun in ``root``, by any of our commands.

    A manifest of nothing but moved pictures is that of a person's own folders, in which they have curated.
    """
    if not (root / NAME).exists():
        return False
    kinds = (row["row"] for row in lines(root))
    return next(kinds, "") != "place" or any(kind != "place" for kind in kinds)
