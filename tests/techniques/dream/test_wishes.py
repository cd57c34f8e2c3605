"""What people type, and what is meant."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from techniques.dream.settings import DreamSettings
from techniques.dream.wishes import LayerWish, class_wish, layer_wish, matching
from techniques.errors import BadInputError

CLASSES = (
    "fountain",
    "fountain pen",
    "triumphal arch",
    "crane bird",
    "crane",
    "Gothic",
    "gothic",
    "Egyptian cat",
)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("Fountain", "fountain"),
        ("triumphal_arch", "triumphal arch"),
        ("TRIUMPHAL-ARCH", "triumphal arch"),
        (" crane ", "crane"),
        ("Gothic", "Gothic"),
        ("gothic", "gothic"),
        ("egyptian cat", "Egyptian cat"),
    ],
)
def test_names_are_found_whatever_their_spelling(typed, meant):
    assert CLASSES[matching(typed, CLASSES, "the net")] == meant


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ("fontain", "nearest are: fountain"),
        ("arch", "triumphal arch"),
        ("GOTHIC", "2 classes of that name in different case"),
        ("xyzzy", "--list"),
        ("", "--list"),
    ],
)
def test_other_names_are_answered_with_the_nearest(typed, says):
    with pytest.raises(BadInputError, match=says):
        matching(typed, CLASSES, "the net")


@settings(deadline=None, max_examples=60)
@given(st.sampled_from(CLASSES[:5]), st.floats(-1e3, 1e3).filter(lambda weight: weight != 0))
def test_a_weight_is_read_as_it_was_written(name, weight):
    assert class_wish(f"{name}={weight!r}") == (name, weight)


@pytest.mark.parametrize("text", ["a=", "a"])
def test_no_weight_is_one(text):
    assert class_wish(text) == ("a", 1.0)


@pytest.mark.parametrize("text", ["a=0", "a=nan", "a=inf", "a=much", "a=1=2"])
def test_a_weight_that_cannot_be_is_refused(text):
    with pytest.raises(BadInputError, match="weight behind ="):
        class_wish(text)


def test_layers_are_read():
    assert layer_wish("blocks.9") == LayerWish("blocks.9", None, None, 1.0)
    assert layer_wish("blocks.9:37=-2") == LayerWish("blocks.9", 37, None, -2.0)
    assert layer_wish("blocks.9:37:0.25,1") == LayerWish("blocks.9", 37, (0.25, 1.0), 1.0)


@pytest.mark.parametrize(
    "text", ["", ":3", "blocks.9:x", "blocks.9:3:2,0", "blocks.9:3:0.1.2,0", "a b", "blocks.9:-1"]
)
def test_layers_that_cannot_be_are_refused(text):
    with pytest.raises(BadInputError, match="--layer"):
        layer_wish(text)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"classes": ()}, "--class"),
        ({"iterations": 0}, "--iterations 0"),
        ({"size": 0}, "--size 0"),
        ({"octaves": 9}, "--octaves 9"),
        ({"views": 0}, "--views 0"),
        ({"closest": 0.0}, "--closest"),
        ({"turn": 181.0}, "--turn"),
        ({"smoothness": float("nan")}, "--smoothness nan"),
        ({"weights": "a,,b"}, "two commas"),
    ],
)
def test_settings_that_cannot_work_are_refused(change, says):
    with pytest.raises(BadInputError, match=says):
        DreamSettings(**{"classes": ("fountain",), **change})
