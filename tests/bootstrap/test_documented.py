"""The page that names a test for each promise names tests that exist."""

from pathlib import Path

from tests.documents import NAMED, missing, page, rows

PAGE = page("bootstrap-checks.md")


def test_every_named_test_exists() -> None:
    assert len(NAMED.findall(PAGE)) > 60
    assert missing(PAGE, Path(__file__).parent) == []


def test_all_thirty_four_failure_modes_have_one() -> None:
    found = rows(PAGE, "Thirty-four ways")
    assert [cells[0] for cells in found] == [str(number) for number in range(1, 35)]
    assert all(NAMED.search(cells[-1]) for cells in found)


def test_every_feature_has_one() -> None:
    found = rows(PAGE, "Beside the others")
    assert len(found) == 27
    assert all(NAMED.search(cells[-1]) for cells in found)
