import pytest

from techniques.errors import BadInputError
from techniques.sizes import pyramid, result_size


@pytest.mark.parametrize(
    ("content", "asked", "size"),
    [
        ((640, 427), {"size": 512}, (512, 342)),
        ((427, 640), {"size": 512}, (342, 512)),
        ((640, 427), {"size": 512, "width": 320}, (320, 214)),
        ((640, 427), {"size": 512, "height": 214}, (321, 214)),
        ((640, 427), {"size": 512, "width": 300, "height": 300}, (300, 300)),
        ((100, 80), {"size": 400}, (400, 320)),
    ],
)
def test_result_size(content, asked, size):
    assert result_size(content, **asked) == size


@pytest.mark.parametrize("asked", [{"size": 16}, {"size": 100_000}, {"size": 512, "width": 4}])
def test_a_side_that_no_network_can_see_or_no_memory_hold_is_refused(asked):
    with pytest.raises(BadInputError, match="--size"):
        result_size((640, 427), **asked)


def test_a_strip_of_pixels_is_refused_before_it_becomes_nothing():
    with pytest.raises(BadInputError, match="512 x 0 pixels"):
        result_size((5000, 1), size=512)


def test_the_pyramid_ends_in_the_size_asked_for_and_starts_above_the_receptive_field():
    assert pyramid((512, 342), start=128) == ((128, 86), (181, 121), (256, 171), (362, 242), (512, 342))
    assert pyramid((100, 80), start=128) == ((100, 80),)
    assert min(min(size) for size in pyramid((4000, 100), start=128)) >= 32
