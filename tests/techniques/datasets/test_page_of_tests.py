"""The page that names our tests names tests that exist."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[3]
SHORT = {
    "A/": "tests/techniques/aerial/",
    "D/": "tests/techniques/datasets/",
    "Z/": "tests/techniques/archives/",
}


def test_every_test_that_the_page_names_is_there() -> None:
    table = (
        (ROOT / "docs" / "datasets.md")
        .read_text()
        .partition("the test that shows it")[2]
        .partition("\n## ")[0]
    )
    known = path = ""
    count = 0
    for name in re.findall(r"`([^`]*?(?:\.py|\.\.\.)(?:::\w+)?)`", table):
        file, _, test = name.partition("::")
        path = path if file == "..." else SHORT.get(file[:2], "") + (file[2:] if file[:2] in SHORT else file)
        known = (ROOT / path).read_text()
        assert not test or f"def {test}(" in known, name
        count += 1
    assert count > 40
