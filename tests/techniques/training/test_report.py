"""What a training says of itself: the verdict on each class, and the page."""

import json
import shutil

import pytest

from techniques.training.measures import ClassFigures, interval
from techniques.training.run import train_folder
from techniques.training.settings import TrainSettings
from techniques.training.verdict import Dreamt, verdict
from tests.needs import need
from tests.techniques.training.conftest import noise, save


def figures(right, of):
    return ClassFigures(of, right / of, interval(right, of), 1.0, (0.5, 1.0))


def dreamt(probability, rank, *, trusted=True):
    return Dreamt(probability, rank, 5, "pagoda", trusted)


@pytest.mark.parametrize(
    ("held_out", "dream", "word"),
    [
        (figures(10, 10), dreamt(0.9, 1), "yes"),
        (figures(10, 10), dreamt(0.1, 3), "no"),  # recognised, but nobody else sees it in the dream
        (figures(10, 10), dreamt(0.3, 2), "perhaps"),
        (figures(10, 10), None, "perhaps"),
        (figures(10, 10), dreamt(0.9, 1, trusted=False), "perhaps"),
        (figures(2, 2), dreamt(0.9, 1), "perhaps"),  # two pictures prove little
        (figures(0, 10), dreamt(0.9, 1), "no"),
        (None, dreamt(0.9, 1), "not measured"),
        (ClassFigures(0, None, None, None, None), None, "not measured"),
    ],
)
def test_a_class_is_ready_only_if_photographs_and_a_dream_say_so(held_out, dream, word):
    found = verdict(held_out, dream)

    assert found.ready == word
    assert found.why


@pytest.fixture(scope="module")
def judged(tmp_path_factory):
    """Trained with a judge, on a dataset with a damaged picture, a hidden folder and a class of one."""
    folder = tmp_path_factory.mktemp("judged")
    root = folder / "houses & <sheds>"
    for label, name in enumerate(("blue", "red")):
        for number in range(10):
            tint = [(0.1, 0.2, 1.0), (1.0, 0.1, 0.2)][label]
            save(noise(1000 * label + number, tint=tint), root / name / f"{number}.png")
    save(noise(5000), root / "only" / "one.png")
    (root / "red" / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 cut off")
    (root / ".ipynb_checkpoints").mkdir()
    settings = TrainSettings(epochs=1, head_epochs=1, size=64, batch_size=4, learning_rate=0.01)
    record = train_folder(root, output=folder / "w", settings=settings)
    return folder / "w", record


def test_another_network_judges_a_dream_of_each_class(judged):
    _, record = judged
    classes = record["metrics"]["classes"]

    assert record["metrics"]["judge"] not in {None, record["weights"]["name"]}
    assert record["metrics"]["judge_accuracy"] >= 0.75
    for name in ("blue", "red"):
        assert classes[name]["dream"]["trusted"]
        assert 0 <= classes[name]["dream"]["probability"] <= 1
        assert classes[name]["ready"] in {"yes", "perhaps", "no"}
    assert classes["only"]["ready"] == "not measured"


def test_the_record_on_disk_is_plain_and_whole(judged):
    folder, record = judged

    assert json.loads((folder / "run.json").read_text()) == record
    assert record["dataset"]["problems"].keys() == {"damaged", "hidden", "few"}


def test_the_page_shows_it_all_in_a_browser_without_network(judged):
    need("chromium")
    from playwright.sync_api import sync_playwright

    folder, _ = judged
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        try:
            page, asked, complaints = browser.new_page(), [], []
            page.on("request", lambda request: asked.append(request.url))
            page.on("console", lambda message: complaints.append(message.text))
            page.goto((folder / "report.html").as_uri())

            assert page.locator("h1").inner_text() == "houses & <sheds>: 3 classes"
            rows = page.locator("#classes tbody tr")
            assert [rows.nth(i).locator("td").first.inner_text() for i in range(3)] == ["blue", "only", "red"]
            assert page.locator("#confusion tbody tr").count() == 3
            assert "red/broken.jpg" in page.locator("#problems").inner_html()
            assert page.locator("img").count() >= 3
            broken = "() => [...document.images].filter(i => !i.naturalWidth).length"
            assert page.evaluate(broken) == 0
            assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
            assert complaints == []
        finally:
            browser.close()
