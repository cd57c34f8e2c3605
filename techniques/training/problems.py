"""What is wrong or odd about a dataset: one kind for each thing that a person can mend, and what it meant."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

__all__ = ["KINDS", "Kind", "Problem", "counted"]


@dataclass(frozen=True)
class Kind:
    """``title`` counts ("3 damaged pictures"), ``effect`` says what was done about it."""

    title: str
    effect: str


# In the order in which the report shows them: what was left out first.
KINDS = {
    "damaged": Kind("damaged or cut-off pictures", "left out: copy or upload them again"),
    "empty-file": Kind("empty files", "left out: their upload did not finish"),
    "not-a-picture": Kind("files that are not pictures", "left out"),
    "too-large": Kind(
        "pictures with more pixels or bytes than fit into memory", "left out: scale them down first"
    ),
    "unreadable": Kind("files and folders that may not be read", "left out: chmod -R u+rX FOLDER"),
    "hidden": Kind("hidden files and folders, and those that systems leave", "left out"),
    "stray": Kind("files beside the class folders", "left out: they belong to no class"),
    "empty-class": Kind("class folders without a usable picture", "left out: no such class is learnt"),
    "foreign-class": Kind("classes that are to be tested, but not trained", "left out"),
    "leak": Kind(
        "pictures to be tested that are nearly the same as a trained one",
        "left out of the test: knowing them by heart is no learning",
    ),
    "merged-class": Kind("class folders that differ in upper and lower case only", "taken as one class"),
    "same-name": Kind(
        "file names that differ in upper and lower case only", "used; some disks keep only one"
    ),
    "duplicate": Kind("pictures that are there more than once", "used, and kept on one side of the split"),
    "near-duplicate": Kind(
        "pictures that are nearly the same as another", "used, kept on one side of the split"
    ),
    "two-classes": Kind("pictures that lie in more than one class", "used, though one of the two is wrong"),
    "few": Kind("classes with too few different pictures to hold one back", "trained, but not measured"),
    "one-creator": Kind(
        "classes whose pictures are all by one creator or from one page",
        "divided by likeness only, so their figures flatter: collect from others too",
    ),
    "unknown-creators": Kind(
        "lists of creators that cannot be read", "not used: pictures were held back by likeness only"
    ),
    "small": Kind("pictures smaller than the training size", "used, scaled up"),
    "cmyk": Kind("pictures in printing inks (CMYK)", "used, converted to RGB"),
    "deep": Kind("pictures with more than 8 bits a channel", "used, rounded to 8 bits"),
    "animated": Kind("animated pictures", "used, first frame only"),
    "transparent": Kind("pictures with transparent parts", "used, over white"),
    "changed": Kind(
        "pictures whose file changed while the network was trained", "used as they were at the start"
    ),
    "vanished": Kind(
        "pictures whose file went away while the network was trained", "used as they were at the start"
    ),
    "added": Kind("files that came while the network was trained", "not used: train again"),
}


@dataclass(frozen=True)
class Problem:
    """``kind`` is a key of `KINDS`, ``where`` a path in the dataset or a class; ``detail`` may be empty."""

    kind: str
    where: str
    detail: str = ""

    def __str__(self) -> str:
        return f"{self.where}: {self.detail}" if self.detail else self.where


def counted(problems: Iterable[Problem]) -> list[tuple[str, Kind, Sequence[Problem]]]:
    """The problems by kind, in the order of `KINDS`; kinds that did not occur are left away."""
    listed = list(problems)
    counts = Counter(problem.kind for problem in listed)
    return [
        (name, kind, [problem for problem in listed if problem.kind == name])
        for name, kind in KINDS.items()
        if counts[name]
    ]
