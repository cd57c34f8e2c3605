"""The page that names a test or a benchmark for each promise names such as exist."""

from pathlib import Path

import pytest

from tests.documents import MEASURED, NAMED, ROOT, missing, page, rows

PAGE = page("style-checks.md")
HERE = Path(__file__).parent


def test_every_named_test_exists():
    assert len(NAMED.findall(PAGE)) > 80
    assert missing(PAGE, HERE) == []


def test_every_named_benchmark_exists():
    named = set(MEASURED.findall(PAGE))

    assert len(named) > 3
    for name in named:
        assert (ROOT / f"benchmarks/{name}.py").exists(), name


@pytest.mark.parametrize(
    ("heading", "count"),
    [("What must be there", 31), ("Bad input", 13), ("Measured", 5), ("Beside the others", 35)],
)
def test_every_row_has_one(heading, count):
    found = rows(PAGE, heading)

    assert len(found) == count
    for cells in found:
        assert NAMED.search(cells[-1]) or MEASURED.search(cells[-1]), cells


def test_what_is_there_in_part_only_is_told_by_name():
    """Closing a gap is a change to this list, and so is finding one."""
    partly = [cells[0] for cells in rows(PAGE, "Beside the others") if cells[-1].startswith("partly")]

    assert partly == [
        "averaged iterates, warm-started Adam",
        "several cards",
        "video",
        "feed-forward preview",
        "web view while running",
    ]
