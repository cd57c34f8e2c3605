"""A dataset that has been looked at: its usable pictures, its problems by name, and one hash for it all."""

import hashlib
import os
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from techniques.duplicates import near_groups
from techniques.errors import BadInputError
from techniques.training.bonds import bonds
from techniques.training.examine import RefusedError, Seen, in_order, look
from techniques.training.folders import Listing, Part, Source, list_pictures
from techniques.training.pool import Pool
from techniques.training.problems import Problem
from techniques.training.split import held_back
from techniques.training.team import ALONE, Team

__all__ = ["Dataset", "Example", "read_dataset"]

Report = Callable[[int, int], None]
Facts = tuple[str, int, int, int, tuple[int, int]]  # as in Example


@dataclass(frozen=True)
class Example:
    """A usable picture. ``label`` counts the dataset's classes; ``part`` is "train", "val", "test", or ""
    where it takes no part. Pictures of one ``group`` are the same but for details. ``stamp`` is the file's
    size in bytes and its time in nanoseconds.
    """

    path: str
    label: int
    part: Part
    sha256: str
    phash: int
    width: int
    height: int
    stamp: tuple[int, int]
    group: int = 0


@dataclass(frozen=True)
class Dataset:
    """Examples are in the order of their paths. ``sha256`` depends on the pictures' bytes, their classes and
    parts, not on their names.
    """

    root: Path
    classes: tuple[str, ...]
    examples: tuple[Example, ...]
    problems: tuple[Problem, ...]
    sha256: str
    listed: frozenset[str]
    """All files that were there, usable or not."""

    def part(self, name: Part) -> tuple[int, ...]:
        """The indices of the examples of a part."""
        return tuple(index for index, example in enumerate(self.examples) if example.part == name)

    def counts(self, name: Part) -> tuple[int, ...]:
        """How many examples of a part each class has."""
        found = Counter(example.label for example in self.examples if example.part == name)
        return tuple(found[label] for label in range(len(self.classes)))


def read_dataset(
    root: Path,
    *,
    size: tuple[int, int],
    pool: Pool,
    validation: float = 0.2,
    seed: int = 0,
    threads: int = 2,
    team: Team = ALONE,
    report: Report = lambda *_: None,
) -> Dataset:
    """Look at every file of the dataset at ``root``, and hold pictures back for validation.

    Pixels go into ``pool``. Where there is no ``val`` folder, the share ``validation`` of each class is held
    back, whole groups of near-duplicates at a time, so that none stands on both sides, and (see `bonds`)
    whole creators at a time where they are known; the same ``seed`` holds the same pictures back, however the
    files are named. The processes of a ``team`` share the looking.

    Raises:
        BadInputError: it is no dataset, or fewer than two classes have a usable picture.
    """
    listing = team.led(lambda: list_pictures(root))
    seen, problems = _looked_at(listing, pool, threads, team, report)
    problems = [*listing.problems, *problems]
    used = [source for source in listing.sources if source.path in seen]
    classes = _classes(root, listing, used, problems)
    number = {label: index for index, label in enumerate(classes)}
    examples = [
        Example(source.path, number[source.label], source.part, *seen[source.path])
        for source in used
        if source.label in number
    ]
    groups = near_groups([example.phash for example in examples])
    examples = [replace(example, group=group) for example, group in zip(examples, groups, strict=True)]
    problems += _same(examples, classes)
    problems += [
        Problem("small", example.path, f"{example.width} x {example.height} px")
        for example in examples
        if example.width < size[0] or example.height < size[1]
    ]
    examples = _in_parts(root, examples, classes, validation, seed, problems)
    pool.take({example.path: (index, example.sha256) for index, example in enumerate(examples)})
    return Dataset(
        root,
        classes,
        tuple(examples),
        tuple(problems),
        _digest(examples, classes),
        frozenset(source.path for source in listing.sources),
    )


def _looked_at(
    listing: Listing, pool: Pool, threads: int, team: Team, report: Report
) -> tuple[dict[str, Facts], list[Problem]]:
    mine = listing.sources[team.rank :: team.size]

    def work(source: Source) -> Seen | Problem:
        try:
            return look(listing.root, source.path, pool.least)
        except RefusedError as error:
            return error.problem

    facts: dict[str, Facts] = {}
    problems: list[Problem] = []
    for done, (source, found) in enumerate(zip(mine, in_order(work, mine, threads=threads), strict=True), 1):
        if isinstance(found, Problem):
            problems.append(found)
        else:
            facts[source.path] = (found.sha256, found.phash, found.width, found.height, found.stamp)
            problems += found.oddities
            pool.keep(source.path, found.pixels)
        report(done, len(mine))
    everything: dict[str, Facts] = {}
    everywhere: list[Problem] = []
    for others, odd in team.gathered((facts, problems)):
        everything |= others
        everywhere += odd
    everywhere.sort(key=lambda problem: (problem.where, problem.kind))
    return everything, everywhere


def _classes(
    root: Path, listing: Listing, used: Sequence[Source], problems: list[Problem]
) -> tuple[str, ...]:
    trained = {source.label for source in used if source.part in {"all", "train"}}
    found = {source.label for source in used}
    for label in listing.labels:
        if label not in found:
            problems.append(Problem("empty-class", label))
        elif label not in trained:
            problems.append(Problem("foreign-class", label))
    classes = tuple(label for label in listing.labels if label in trained)
    if len(classes) < 2:
        lost = sum(problem.kind == "empty-class" for problem in problems)
        only = f"only one class with usable pictures ({classes[0]})" if classes else "no usable pictures"
        more = f"; {lost} class folders are empty or hold nothing usable" if lost else ""
        raise BadInputError(
            f"{root} has {only}{more}. A classifier tells classes apart: add a folder with another class, "
            "for example `other` with pictures of anything else."
        )
    return classes


def _same(examples: Sequence[Example], classes: Sequence[str]) -> list[Problem]:
    problems = []
    first_file: dict[str, Example] = {}
    for example in examples:
        first, alike = first_file.setdefault(example.sha256, example), examples[example.group]
        if first is not example:
            problems.append(Problem("duplicate", example.path, f"the same as {first.path}"))
        elif alike is not example:
            problems.append(Problem("near-duplicate", example.path, f"nearly {alike.path}"))
        if first.label != example.label:
            names = f"{classes[first.label]} and {classes[example.label]}"
            problems.append(Problem("two-classes", example.path, f"in {names}: the same as {first.path}"))
    return problems


def _in_parts(
    root: Path,
    examples: list[Example],
    classes: Sequence[str],
    validation: float,
    seed: int,
    problems: list[Problem],
) -> list[Example]:
    """Every example with its part; given ones lose those that are nearly the same as a trained one."""
    given = {example.part for example in examples}
    if "all" in given:
        examples = [replace(example, part="train") for example in examples]
    if "val" not in given and validation:
        trained = [index for index, example in enumerate(examples) if example.part == "train"]
        numbers, said = bonds(
            root, [(examples[i].path, examples[i].label, examples[i].group) for i in trained], classes
        )
        problems += said
        members = [
            (number, examples[i].label, examples[i].sha256)
            for number, i in zip(numbers, trained, strict=True)
        ]
        back = held_back(members, share=validation, seed=seed)
        for number, i in zip(numbers, trained, strict=True):
            if number in back:
                examples[i] = replace(examples[i], part="val")
    parts_of: dict[int, set[str]] = defaultdict(set)
    for example in examples:
        parts_of[example.group].add(example.part)
    result = []
    for example in examples:
        earlier = {"train": set(), "val": {"train"}, "test": {"train", "val"}}[example.part]
        if leaked := earlier & parts_of[example.group]:
            problems.append(Problem("leak", example.path, f"nearly one in {sorted(leaked)[0]}"))
            example = replace(example, part="")
        result.append(example)
    if validation:
        measured = {example.label for example in result if example.part == "val"}
        problems += [Problem("few", name) for label, name in enumerate(classes) if label not in measured]
    return result


def _digest(examples: Sequence[Example], classes: Sequence[str]) -> str:
    lines = sorted(f"{example.part} {classes[example.label]} {example.sha256}" for example in examples)
    return hashlib.sha256(os.fsencode("\n".join([*classes, *lines]))).hexdigest()
