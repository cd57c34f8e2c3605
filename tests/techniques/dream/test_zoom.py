"""Journeys into a dream."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from techniques.dream import zoom as zooming
from techniques.dream.zoom import Zoom, dream_zoom, magnified
from techniques.errors import BadInputError
from techniques.pictures import read_picture


@pytest.fixture
def tiny(quick):
    return replace(quick, size=64, iterations=3)


def frames(folder):
    return [np.asarray(Image.open(path)) for path in sorted(folder.glob("*.png"))]


@pytest.mark.parametrize("suffix", ["gif", "webp"])
def test_a_film_and_its_frames(suffix, small, tiny, tmp_path):
    record = dream_zoom(
        small["china"], Zoom(frames=3, iterations=1), output=tmp_path / f"film.{suffix}", settings=tiny
    )

    with Image.open(tmp_path / f"film.{suffix}") as film:
        assert film.n_frames == 3
        assert film.size == (64, 43)
    assert len(frames(tmp_path / "film-frames")) == 3
    assert record["metrics"]["frames"] == 3
    assert {path.name for path in tmp_path.iterdir()} >= {"film.run.json", "film.html"}
    assert not list(tmp_path.glob(".film*"))


def test_each_frame_goes_deeper(small, tmp_path):
    picture = read_picture(small["china"])
    near = magnified(picture, 2.0)

    height, width = picture.rgb.shape[:2]
    middle = picture.rgb[height // 4 : height // 4 + height // 2, width // 4 : width // 4 + width // 2]
    shrunk = (
        near.rgb[: height // 2 * 2, : width // 2 * 2].reshape(height // 2, 2, width // 2, 2, 3).mean((1, 3))
    )
    assert near.rgb.shape == picture.rgb.shape
    assert np.corrcoef(shrunk.ravel(), middle.ravel())[0, 1] > 0.9


def test_a_film_that_was_stopped_goes_on_to_the_same_pixels(small, tiny, tmp_path, monkeypatch):
    zoom = Zoom(frames=4, iterations=2)
    dream_zoom(small["china"], zoom, output=tmp_path / "whole", settings=tiny)

    def stop_behind_two(number, *arguments):
        if number == 2:
            raise KeyboardInterrupt
        one_frame(number, *arguments)

    one_frame = zooming._frame
    monkeypatch.setattr(zooming, "_frame", stop_behind_two)
    with pytest.raises(KeyboardInterrupt):
        dream_zoom(small["china"], zoom, output=tmp_path / "stopped", settings=tiny)
    monkeypatch.undo()
    first = tmp_path / "stopped" / "result-frames" / "00000.png"
    written = first.stat().st_mtime_ns

    with pytest.raises(BadInputError, match="--size was 64"):
        dream_zoom(
            small["china"], zoom, output=tmp_path / "stopped", settings=replace(tiny, size=72), resume=True
        )
    dream_zoom(small["china"], zoom, output=tmp_path / "stopped", settings=tiny, resume=True)

    assert first.stat().st_mtime_ns == written
    for whole, stopped in zip(
        frames(tmp_path / "whole" / "result-frames"),
        frames(tmp_path / "stopped" / "result-frames"),
        strict=True,
    ):
        assert np.array_equal(whole, stopped)
    assert (tmp_path / "whole" / "result.gif").read_bytes() == (
        tmp_path / "stopped" / "result.gif"
    ).read_bytes()


def test_a_stranger_s_frames_are_left_alone(small, tiny, tmp_path):
    (tmp_path / "film-frames").mkdir()
    (tmp_path / "film-frames" / "00000.png").write_text("mine")

    with pytest.raises(BadInputError, match="no run of ours"):
        dream_zoom(small["china"], Zoom(frames=2), output=tmp_path / "film.gif", settings=tiny)

    assert (tmp_path / "film-frames" / "00000.png").read_text() == "mine"


@pytest.mark.parametrize(
    ("change", "says"),
    [({"frames": 1}, "--zoom 1"), ({"factor": 0.5}, "--zoom-by"), ({"iterations": 0}, "--zoom-iterations")],
)
def test_journeys_that_cannot_be_are_refused(change, says):
    with pytest.raises(BadInputError, match=says):
        Zoom(**{"frames": 3, **change})


def test_a_film_takes_its_frames_one_at_a_time(small, tmp_path, monkeypatch):
    paths, read, before = [], [], []
    for number in range(4):
        paths.append(tmp_path / f"{number}.png")
        Image.new("RGB", (8, 8), (60 * number, 9, 9)).save(paths[-1])
    shown, save = zooming._shown, Image.Image.save
    monkeypatch.setattr(zooming, "_shown", lambda path, kind: read.append(path) or shown(path, kind))
    monkeypatch.setattr(
        Image.Image, "save", lambda *given, **named: before.append(len(read)) or save(*given, **named)
    )

    zooming._film(tmp_path / "film.gif", paths)

    assert before == [1]
    assert read == paths
    with Image.open(tmp_path / "film.gif") as film:
        assert film.n_frames == 4
