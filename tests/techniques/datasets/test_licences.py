"""Licences under all their names."""

import pytest

from techniques.datasets.licences import licence, policy


@pytest.mark.parametrize(
    ("text", "slug", "version"),
    [
        ("cc-by-sa-4.0", "by-sa", "4.0"),
        ("CC BY-SA 4.0", "by-sa", "4.0"),
        ("cc-by-2.5,2.0,1.0", "by", "2.5"),
        ("by-nc-nd", "by-nc-nd", ""),
        ("CC BY 2.0", "by", "2.0"),
        ("cc0", "cc0", "1.0"),
        ("CC-Zero", "cc0", "1.0"),
        ("pd", "pdm", "1.0"),
        ("Public domain", "pdm", "1.0"),
        ("pd-old-100", "pdm", "1.0"),
        ("GFDL", "", ""),
        ("All rights reserved", "", ""),
        ("", "", ""),
        ("bye", "", ""),
        ("sampling+", "", ""),
    ],
)
def test_names(text: str, slug: str, version: str) -> None:
    found = licence(text)
    assert (found.slug, found.version) == (slug, version)


def test_a_missing_address_is_derived_and_a_given_one_kept() -> None:
    assert licence("cc-by-sa-4.0").url == "https://creativecommons.org/licenses/by-sa/4.0/"
    assert licence("cc-by-sa-4.0", url="https://x.example/").url == "https://x.example/"


def test_policies() -> None:
    assert policy() == ("cc0", "pdm", "by", "by-sa", "by-nc", "by-nc-sa")
    assert policy(commercial=True) == ("cc0", "pdm", "by", "by-sa")
    assert policy(named=["by", "CC0"]) == ("by", "cc0")
    assert policy(named=["by-nd"]) == ("by-nd",)
    with pytest.raises(ValueError, match="no licence"):
        policy(named=["gpl"])
