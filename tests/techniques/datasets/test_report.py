"""The report page in a real browser, and the list that it gives, applied and taken back."""

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from techniques.datasets.contents import Item
from techniques.datasets.curation import CurationError, Decision, parse, places
from techniques.datasets.overview import _outlines, overview
from techniques.datasets.page import render, write_report
from techniques.datasets.places import dropped_folder
from techniques.datasets.rows import rows
from techniques.datasets.testkit.corpus import Work
from tests.needs import need
from tests.techniques.conftest import Run, one_line
from tests.techniques.datasets.conftest import Web

HOSTILE = (
    'Nave <img src=x onerror="document.title=\'pwned\'"> </script><script>document.title="pwned"</script>'
)


@pytest.fixture
def root(tmp_path: Path, web: Web, works: list[Work]) -> Path:
    """Nine collected pictures of three classes, a rejected one, one put in by hand, and a hostile title."""
    root = tmp_path / "set"
    web.openverse.works = [Work(**{**vars(work), "title": HOSTILE}) for work in works]
    web.files._data[works[0].file] = b"<html>no</html>"
    web.collect(root, "gothic\ndome\nionic", only="openverse", per_class=3)
    (first,) = sorted((root / "dome").iterdir())[:1]
    with Image.open(first) as image:
        image.resize((140, 130)).save(root / "gothic" / "mine.png")
    (root / "run.json").write_text(json.dumps({"arguments": {"per_class": 3}}))
    return root


@pytest.fixture
def page(root: Path) -> Iterator[object]:
    need("chromium")
    from playwright.sync_api import sync_playwright

    write_report(root, root / "report.html")
    with sync_playwright() as tool:
        browser = tool.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        shown = browser.new_page()
        asked: list[str] = []
        shown.on("request", lambda request: asked.append(request.url))
        troubles: list[str] = []
        shown.on(
            "console", lambda message: troubles.append(message.text) if message.type == "error" else None
        )
        shown.on("pageerror", lambda error: troubles.append(str(error)))
        shown.goto(f"file://{root / 'report.html'}")
        yield shown
        assert troubles == []
        # One file: nothing is fetched but itself.
        assert [url for url in asked if not url.startswith("data:")] == [f"file://{root / 'report.html'}"]
        browser.close()


def files(root: Path) -> list[str]:
    return sorted(str(path.relative_to(root)) for path in root.glob("*/*"))


def test_the_page_gives_a_list_that_is_applied_and_taken_back(page, root: Path, here: Run) -> None:  # type: ignore[no-untyped-def]
    before = files(root)
    assert page.title() == "set: dataset report"
    cells = [row.inner_text().split() for row in page.query_selector_all("#classes tr")[1:]]
    assert [(cell[0], cell[1], cell[2]) for cell in cells] == [
        ("dome", "3", "3"),
        ("gothic", "4", "3"),
        ("ionic", "3", "3"),
    ]
    text = page.inner_text("body")
    assert "1 picture put in by hand" in text
    assert "html" in text
    assert "ALIKE IN SEVERAL CLASSES: 1" in text.upper()
    broken = page.evaluate("[...document.images].filter(one => one.complete && !one.naturalWidth).length")
    assert broken == 0
    # Drop one by a click, move one and keep one by the menus.
    sheet = page.query_selector_all("h3 + .sheet")
    drop, move = (sheet[number].query_selector_all("figure")[0] for number in (0, 1))
    drop.query_selector("img").click()
    move.query_selector("select").select_option("move ionic")
    sheet[2].query_selector_all("figure")[0].query_selector("select").select_option("keep")
    assert page.is_visible("#list")
    text = page.input_value("#csv")
    assert text.splitlines()[0] == "action,file,to"
    with page.expect_download() as downloaded:
        page.click("#save")
    downloaded.value.save_as(root.parent / "curation.csv")
    assert (root.parent / "curation.csv").read_text() == text
    dropped, moved = drop.get_attribute("data-file"), move.get_attribute("data-file")
    finished = here("dataset", "curate", root, root.parent / "curation.csv")
    assert finished.returncode == 0, finished.stderr
    assert "1 kept, 1 dropped, 1 moved" in finished.stderr
    after = files(root)
    assert set(before) - set(after) == {dropped, moved}
    assert set(after) - set(before) == {f"ionic/{Path(moved).name}"}
    assert files(dropped_folder(root)) == [dropped]
    credited = (root / "credits.csv").read_text()
    assert dropped not in credited
    assert f"ionic/{Path(moved).name}" in credited
    assert here("dataset", "undo", root).returncode == 0
    assert files(root) == before
    assert dropped in (root / "credits.csv").read_text()


def test_what_others_wrote_does_not_run(page) -> None:  # type: ignore[no-untyped-def]
    assert page.query_selector("img[src=x]") is None
    assert page.title() == "set: dataset report"


def test_the_list_can_be_forgotten(page) -> None:  # type: ignore[no-untyped-def]
    page.click("h3 + .sheet figure img")
    assert page.is_visible("#list")
    page.click("#clear")
    assert not page.is_visible("#list")
    assert page.query_selector("figure[data-state=drop]") is None


def test_figures_of_an_overview(root: Path, here: Run) -> None:
    found = overview(root)
    assert found.images == 10
    assert {one.folder: one.have for one in found.classes} == {"dome": 3, "gothic": 4, "ionic": 3}
    assert found.sources == {"openverse": 9}
    assert sum(found.licences.values()) == 9
    assert found.reasons == {"html": 1}
    assert len(found.across) == 1
    assert found.across[0][1] == "gothic/mine.png"
    assert found.leaks == ()
    assert len(found.blurred) == 6  # of a small set not everything is its worst
    assert here("dataset", "split", root, "--by", "likeness", "--val", 0.4).returncode == 0
    assert overview(root).leaks == ()
    saved = json.loads((root / "split.json").read_text())
    for file in found.across[0]:
        saved["sides"][file] = "val" if file.endswith("png") else "train"
    (root / "split.json").write_text(json.dumps(saved))
    assert overview(root).leaks == found.across


def test_a_page_of_many_pictures_stays_small(root: Path) -> None:
    text = render(overview(root), root, most=3)
    assert "1 of 3" in text
    assert "http://" not in re.sub(r'title="[^"]*"', "", text)


def test_footprints_are_a_map(tmp_path: Path, here: Run) -> None:
    finished = here(
        *("aerial", "--source", "demo", "--bbox", "-83.745,42.280,-83.743,42.282", "--random", 2),
        *("--size-m", 40, "--m-per-px", 1, "-o", tmp_path / "ground", "--quiet"),
    )
    assert finished.returncode == 0, finished.stderr
    text = (tmp_path / "ground" / "report.html").read_text()
    assert text.count("<rect") == 2
    assert "CC0 1.0" in text


def test_footprints_over_the_date_line_lie_side_by_side() -> None:
    boxes = [[179.5, -17.0, 179.75, -16.0], [-179.75, -17.0, -179.5, -16.0]]
    items = [Item(f"a/{n}.tif", "a", {"bounds": box}) for n, box in enumerate(boxes)]
    outlines, extent = _outlines(items)
    assert extent == (179.5, -17.0, 180.5, -16.0)
    assert [one.box[0] for one in outlines] == [0.0, 750.0]


def test_a_page_writes_over_nothing_else(root: Path, here: Run) -> None:
    (root.parent / "mine.html").write_text("my thesis")
    line = one_line(here("dataset", "report", root, "-o", root.parent / "mine.html"), status=2)
    assert "no report of ours" in line
    assert here("dataset", "report", root).stdout.strip() == str(root / "report.html")
    assert here("dataset", "report", root).returncode == 0


def test_a_list_is_applied_whole_or_not_at_all(root: Path, here: Run) -> None:
    before = files(root)
    good = before[0]
    for text, words in [
        (f"drop,{good}\nerase,{before[1]}", "line 2"),
        (f"drop,{good}\ndrop,dome/none.jpg", "dome/none.jpg is not in the dataset"),
        (f"drop,{good}\nmove,{before[1]},../x", "no name for a class"),
        (f"drop,{good}\nmove,{before[1]}", "no name for a class"),
        (f"drop,{good}\nkeep,{good}", "twice"),
        (f"drop,{good}\ndrop,../set/{before[1]}", "not in the dataset"),
        ("", "decides nothing"),
    ]:
        (root.parent / "list.csv").write_text(text)
        assert words in one_line(here("dataset", "curate", root, root.parent / "list.csv"), status=2)
        assert files(root) == before
    assert "cannot be read" in one_line(here("dataset", "curate", root, root.parent / "none.csv"), status=2)


def test_a_dropped_picture_stays_out_and_another_takes_its_place(root: Path, here: Run, web: Web) -> None:
    gone = next(name for name in files(root) if name.startswith("dome/"))
    (root.parent / "list.csv").write_text(f"drop,{gone}\n")
    assert here("dataset", "curate", root, root.parent / "list.csv").returncode == 0
    web.collect(root, "gothic\ndome\nionic", only="openverse", per_class=3)
    assert len(list((root / "dome").iterdir())) == 3
    assert gone not in files(root)
    assert [row["reason"] for row in rows(root) if row.get("file") == gone] == ["curated"]


def test_undo_goes_back_step_by_step(root: Path, here: Run) -> None:
    steps = [files(root)]
    for number, name in enumerate(steps[0][:3]):
        line = f"move,{name},ionic\n" if number == 1 else f"drop,{name}\n"
        (root.parent / "list.csv").write_text(line)
        assert here("dataset", "curate", root, root.parent / "list.csv").returncode == 0
        steps.append(files(root))
    for expected in reversed(steps[:-1]):
        assert here("dataset", "undo", root).returncode == 0
        assert files(root) == expected
    assert "nothing has been" in one_line(here("dataset", "undo", root), status=2)


def test_own_folders_are_curated_too_and_own_files_stay(
    tmp_path: Path, here: Run, photos: dict[str, Path]
) -> None:
    root = tmp_path / "own"
    for name in ("a", "b"):
        (root / name).mkdir(parents=True)
        shutil.copy(photos["china"], root / name / "IMG_1.jpg")
    for name in ("classes.json", "report.html"):
        (root / name).write_text("mine")
    (root.parent / "list.csv").write_text("move,a/IMG_1.jpg,b\n")
    line = one_line(here("dataset", "curate", root, root.parent / "list.csv"), status=2)
    assert "there is a b/IMG_1.jpg already" in line
    (root.parent / "list.csv").write_text("action,file,to\nmove,a/IMG_1.jpg,c\n")
    assert here("dataset", "curate", root, root.parent / "list.csv").returncode == 0
    assert (root / "c" / "IMG_1.jpg").exists()
    assert here("dataset", "undo", root).returncode == 0
    assert (root / "a" / "IMG_1.jpg").exists()
    assert [(root / name).read_text() for name in ("classes.json", "report.html")] == ["mine"] * 2


def test_lists_are_read_as_spreadsheets_write_them() -> None:
    text = '\ufeffAction,File,To\r\n\r\n# a note\r\n"DROP","dome/a b.jpg",\r\nmove,dome/c.jpg,gothic\r\n'
    assert parse(text) == [Decision("drop", "dome/a b.jpg"), Decision("move", "dome/c.jpg", "gothic")]
    with pytest.raises(CurationError):
        places([Decision("drop", "x")], [], {}, 1)
