"""Class lists as students write them."""

import pytest

from techniques.datasets.errors import RecipeError
from techniques.datasets.recipe import Query, folder_name, parse


def test_the_courses_plain_list_with_its_blank_last_line() -> None:
    recipe = parse("dome\narches doorway\n\n  \nfan-vaulting\n\n")
    assert [(label.name, label.folder) for label in recipe.labels] == [
        ("dome", "dome"),
        ("arches doorway", "arches_doorway"),
        ("fan-vaulting", "fan-vaulting"),
    ]
    assert recipe.labels[1].queries == (Query("arches doorway"),)


def test_a_label_with_several_queries_and_exclusions() -> None:
    (label,) = parse("mies: Mies van der Rohe building | Barcelona pavilion -chair -hotel").labels
    assert label.folder == "mies"
    assert label.queries == (
        Query("Mies van der Rohe building"),
        Query("Barcelona pavilion", without=("chair", "hotel")),
    )


def test_a_category_of_commons_with_and_without_a_label() -> None:
    one, two = parse("ionic: category:Ionic capitals\ncategory:Domes in Rome").labels
    assert one.queries == (Query("Ionic capitals", kind="category"),)
    assert two.name == "Domes in Rome"
    assert two.queries == (Query("Domes in Rome", kind="category"),)


def test_comments_windows_line_ends_and_a_byte_order_mark() -> None:
    assert [label.name for label in parse("\ufeffdome # the Pantheon's\r\n# arch\r\narch\r\n").labels] == [
        "dome",
        "arch",
    ]


def test_one_class_in_two_spellings_becomes_one_and_is_said() -> None:
    recipe = parse("Newel\nnewel: newel post\nParapet")
    assert [label.name for label in recipe.labels] == ["Newel", "Parapet"]
    assert recipe.labels[0].queries == (Query("Newel"), Query("newel post"))
    assert "line 2" in recipe.notes[0]


def test_a_comma_stays_part_of_its_class_and_is_said() -> None:
    recipe = parse("dome, cathedral\narch,")
    assert [label.folder for label in recipe.labels] == ["dome_cathedral", "arch"]
    assert "line 1" in recipe.notes[0]


@pytest.mark.parametrize(
    ("name", "folder"),
    [
        ("../../etc", "etc"),
        ("a/b\\c", "a_b_c"),
        (".hidden", "hidden"),
        ("CON", "CON_"),
        ("gru\u0308nderzeit", "gr\xfcnderzeit"),
        ("コロッセオ", "コロッセオ"),
        ("x" * 300, "x" * 100),
    ],
)
def test_folders_can_be_made_anywhere_and_lead_nowhere(name: str, folder: str) -> None:
    assert folder_name(name) == folder


@pytest.mark.parametrize(
    ("text", "words"),
    [("", "names no class"), ("# only this", "names no class"), ("dome:", "line 1"), (": x", "line 1"),
     ("a\nb: -c", "line 2"), ("a: " + "x" * 201, "200"), ("///", "line 1")],
)  # fmt: skip
def test_what_cannot_be_understood_is_named_by_its_line(text: str, words: str) -> None:
    with pytest.raises(RecipeError, match=words):
        parse(text)
