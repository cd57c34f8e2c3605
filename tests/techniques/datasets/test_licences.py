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
        ("CC BY-SA 4.0-3.0-2.5-2.0-1.0", "by-sa", "4.0"),
        ("cc-by-sa-2.0-de", "by-sa", "2.0"),
        ("CC BY-NC 4.0 International", "by-nc", "4.0"),
        ("cc-by-nd-nc-1.0", "by-nc-nd", "1.0"),
        ("CC BY-SA-NC 4.0", "by-nc-sa", "4.0"),
        ("CC0 1.0 Universal", "cc0", "1.0"),
        ("Public Domain Mark 1.0", "pdm", "1.0"),
    ],
)
def test_names(text: str, slug: str, version: str) -> None:
    found = licence(text)
    assert (found.slug, found.version) == (slug, version)


@pytest.mark.parametrize(
    "text",
    [
        "By Owner; all rights reserved",
        "by permission",
        "by-permission",
        "CC BY-NonCommercial 4.0",
        "CC BY 4.0 NonCommercial",
        "CC BY NoDerivs",
        "CC BY-SA-ND 4.0",
        "by 2.0, not for sale",
        "CC0 only in my country",
        "PD not in the US",
        "public domain, they say",
    ],
)
def test_what_only_begins_like_a_licence_is_none(text: str) -> None:
    assert licence(text, version="4.0").slug == ""


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
