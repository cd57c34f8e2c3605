"""Cameras as data: where points land, and what is refused."""

import numpy as np
import pytest

from techniques.errors import BadInputError
from techniques.raster.cameras import Camera, orbit
from techniques.raster.views import VIEWS, parse_camera, read_cameras


def lands(camera, point, aspect=1.0):
    x, y, z, w = camera.matrix(aspect) @ [*point, 1]
    return (x / w, y / w), z / w


@pytest.mark.parametrize(
    ("name", "right", "up", "toward"),
    [
        ("front", (1, 0, 0), (0, 1, 0), (0, 0, 1)),
        ("right", (0, 0, -1), (0, 1, 0), (1, 0, 0)),
        ("back", (-1, 0, 0), (0, 1, 0), (0, 0, -1)),
        ("left", (0, 0, 1), (0, 1, 0), (-1, 0, 0)),
        ("top", (1, 0, 0), (0, 0, -1), (0, 1, 0)),
        ("bottom", (1, 0, 0), (0, 0, 1), (0, -1, 0)),
        ("plan", (1, 0, 0), (0, 0, -1), (0, 1, 0)),
    ],
)
def test_named_views_show_what_they_say(name, right, up, toward):
    camera = VIEWS[name]
    centre, depth = lands(camera, (0, 0, 0))
    assert centre == pytest.approx((0, 0))
    x, _ = lands(camera, np.multiply(right, 0.5))
    y, _ = lands(camera, np.multiply(up, 0.5))
    size = 0.5 / 2.732 * 3**0.5 if camera.projection == "perspective" else 1 / 2.2
    assert x == pytest.approx((size, 0))
    assert y == pytest.approx((0, size))
    assert -1 < lands(camera, np.multiply(toward, 0.5))[1] < depth < 1


def test_a_wide_picture_shows_more_at_its_sides():
    tall, wide = Camera().matrix(1.0), Camera().matrix(2.0)
    assert np.allclose(tall[1:], wide[1:])
    assert np.allclose(tall[0], 2 * wide[0])


def test_a_line_says_it_all():
    assert parse_camera("front") == Camera()
    assert parse_camera("90") == Camera(azimuth=90)
    assert parse_camera(" 30, -20 ") == Camera(azimuth=30, elevation=-20)
    assert parse_camera("plan,span=3") == Camera(projection="orthographic", elevation=90, span=3)
    assert parse_camera("azimuth=30,fov=50,projection=ortho,target=0/1/0").target == (0, 1, 0)
    assert str(parse_camera("plan")) == "orthographic, azimuth 0, elevation 90, span 2.2"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "empty"),
        ("frnt", "a camera is a name"),
        ("1,2,3", "a camera is a name"),
        ("azimut=3", "'azimut' is not known"),
        ("azimuth=nan", "not a number"),
        ("azimuth=x", "not a number"),
        ("elevation=91", "outside -90 to 90"),
        ("distance=0.5", "the eye is inside it"),
        ("fov=0", "outside 1 to 150"),
        ("projection=fisheye", "not known"),
        ("target=1/2", "three numbers"),
        ("plan,span=0", "outside 0.01"),
    ],
)
def test_lines_that_mean_nothing_are_refused(text, why):
    with pytest.raises(BadInputError, match=why) as error:
        parse_camera(text)
    assert str(error.value).startswith("--camera")


def test_a_file_of_cameras(tmp_path):
    path = tmp_path / "views.yaml"
    path.write_text(
        "- front\n- 90,10\n- {view: plan, span: 3}\n- {azimuth: 45, target: [0, 0.5, 0], fov: 40}\n"
    )
    assert read_cameras(path) == [
        Camera(),
        Camera(azimuth=90, elevation=10),
        Camera(projection="orthographic", elevation=90, span=3),
        Camera(azimuth=45, target=(0, 0.5, 0), fov=40),
    ]
    path.write_text("cameras: [top]")
    assert read_cameras(path) == [VIEWS["top"]]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "a list of cameras"),
        (b"front", "a list of cameras"),
        (b"[", "is not YAML"),
        (b"\xff\xfe\x00", "cannot be read"),
        (b"- front\n- 3", "camera 2: 3 is neither"),
        (b"- {view: frnt}", "camera 1: view 'frnt' is none of"),
        (b"- {elevation: .nan}", "camera 1: elevation nan is not a number"),
        (b"- {elevation: true}", "is not a number"),
        (b"- {1: 2}", "'1' is not known"),
        (b"- !!python/object/apply:os.system [ls]", "is not YAML"),
        pytest.param(b"[" * 5000, "is not YAML", id="deep"),
    ],
)
def test_files_of_no_cameras_are_refused(tmp_path, content, why):
    path = tmp_path / "views.yaml"
    path.write_bytes(content)
    with pytest.raises(BadInputError, match=why):
        read_cameras(path)


def test_missing_and_huge_files_are_refused(tmp_path):
    with pytest.raises(BadInputError, match="No such file"):
        read_cameras(tmp_path / "none.yaml")
    huge = tmp_path / "huge.yaml"
    huge.write_bytes(b" " * ((1 << 20) + 1))
    with pytest.raises(BadInputError, match="larger than 1 MiB"):
        read_cameras(huge)


def test_an_orbit_goes_round():
    assert [camera.azimuth for camera in orbit(4, start=45, elevation=10)] == [45, 135, 225, 315]
