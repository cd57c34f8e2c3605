import io
import json

from techniques.progress import JsonLines, PlainLines, TerminalBar
from techniques.report import curve


def test_plain_lines_come_every_few_seconds_and_at_both_ends():
    stream, now = io.StringIO(), [0.0]
    lines = PlainLines(stream, clock=lambda: now[0])

    for step in range(1, 101):
        now[0] += 0.5
        lines.advance("64 x 48", step, 100, {"loss": 1 / step})

    written = stream.getvalue().splitlines()
    assert written[0] == "64 x 48: 1 of 100 (1 %)  loss 1"
    assert written[-1] == "64 x 48: 100 of 100 (100 %)  loss 0.01"
    assert 10 <= len(written) <= 12


def test_json_is_one_object_a_line():
    stream = io.StringIO()
    lines = JsonLines(stream)
    lines.say("two\nlines")
    lines.advance("fetching", 5, 10, {})

    assert [json.loads(line)["event"] for line in stream.getvalue().splitlines()] == ["note", "progress"]


def test_a_bar_follows_its_stages():
    stream = io.StringIO()
    bar = TerminalBar(stream)
    bar.advance("64 x 48", 1, 4, {"loss": 2.0})
    bar.advance("64 x 48", 2, 4, {"loss": 1.0})
    bar.advance("96 x 72", 4, 4, {"loss": 0.5})
    bar.say("done")

    text = stream.getvalue()
    assert "64 x 48" in text
    assert "4/4" in text
    assert "done" in text


def test_a_curve_falls_from_left_to_right_and_one_step_is_no_curve():
    drawn = curve([100.0, 10.0, 1.0], [1])

    assert drawn.points == "0.0,0.0 320.0,110.0 640.0,220.0"
    assert drawn.boundaries == (320.0,)
    assert curve([1.0]) is None
    assert curve([2.0, 2.0]).points == "0.0,0.0 640.0,0.0"
