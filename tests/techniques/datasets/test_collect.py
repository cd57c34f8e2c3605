"""A class list becomes class folders, whatever happens on the way."""

import csv
import hashlib
import json
import threading
from pathlib import Path
from typing import Any

import pytest
from torchvision.datasets import ImageFolder

from techniques.datasets.client import Client
from techniques.datasets.manifest import InUseError, Manifest
from techniques.datasets.testkit.corpus import Work
from techniques.datasets.testkit.files import FakeFiles
from techniques.datasets.testkit.server import Reply
from tests.techniques.datasets.conftest import Web, manifest, picture

CLASSES = "gothic church\ndome\n"


def files(root: Path) -> list[str]:
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())


def images(root: Path) -> list[str]:
    return [name for name in files(root) if "/" in name]


def test_classes_are_filled_from_openverse_and_named_by_their_hash(tmp_path: Path, web: Web) -> None:
    result = web.collect(tmp_path, CLASSES, per_class=7)
    assert result.per_class == {"gothic church": 7, "dome": 7}
    assert {name.split("/")[0] for name in images(tmp_path)} == {"gothic_church", "dome"}
    for name in images(tmp_path):
        assert hashlib.sha256((tmp_path / name).read_bytes()).hexdigest() == Path(name).stem
    assert web.openverse.refused == web.commons.refused == web.files.refused == []
    assert len(web.fetched) == len(set(web.fetched)) == 14


def test_torchvision_reads_the_folder_unchanged(tmp_path: Path, web: Web) -> None:
    web.collect(tmp_path, CLASSES, per_class=3)
    dataset = ImageFolder(str(tmp_path))
    listed = json.loads((tmp_path / "classes.json").read_text())["classes"]
    assert dataset.classes == [entry["folder"] for entry in listed] == ["dome", "gothic_church"]
    assert [entry["index"] for entry in listed] == [0, 1]
    assert listed[1]["label"] == "gothic church"
    assert len(dataset) == 6
    assert all(dataset[number][0].size == (280, 260) for number in range(6))


def test_commons_goes_on_where_openverse_ends(tmp_path: Path, web: Web, works: list[Work]) -> None:
    web.openverse.works = works[:3]
    result = web.collect(tmp_path, "gothic", per_class=9)
    assert result.images == 9
    assert {row["source"] for row in manifest(tmp_path) if row.get("status") == "kept"} == {
        "openverse",
        "commons",
    }


def test_the_same_bytes_are_kept_once(tmp_path: Path, web: Web) -> None:
    # Both sources have all the same pictures here.
    result = web.collect(tmp_path, "gothic", per_class=100)
    assert result.images == 24
    assert result.reasons["duplicate"] == 24
    assert len(images(tmp_path)) == 24


def test_no_derivatives_stay_out_and_every_picture_has_its_licence(tmp_path: Path, web: Web) -> None:
    web.collect(tmp_path, "dome", only="commons", per_class=50)
    rows = [row for row in manifest(tmp_path) if row["row"] == "image"]
    assert {row["license"] for row in rows if row["status"] == "kept"} == {"by", "cc0", "by-sa", "by-nc"}
    refused = [row for row in rows if row["reason"] == "licence"]
    assert refused
    assert {row["license"] for row in refused} == {"by-nd"}
    for row in rows:
        assert row["license_url"].startswith("https://creativecommons.org/")
        assert row["creator"]
        assert row["page_url"]
        assert row["attribution"]


def test_a_wider_policy_later_takes_what_was_refused(tmp_path: Path, web: Web) -> None:
    web.collect(tmp_path, "dome", only="commons", per_class=50)
    before = len(images(tmp_path))
    web.collect(tmp_path, "dome", only="commons", per_class=50, licences=("by-nd",))
    assert len(images(tmp_path)) == 12 > before
    assert len(web.fetched) == len(set(web.fetched))


def test_credits_name_every_picture_once(tmp_path: Path, web: Web) -> None:
    web.collect(tmp_path, CLASSES, per_class=5)
    with (tmp_path / "credits.csv").open(newline="") as file:
        table = list(csv.DictReader(file))
    assert sorted(row["file"] for row in table) == images(tmp_path)
    text, page = (tmp_path / "ATTRIBUTION.md").read_text(), (tmp_path / "credits.html").read_text()
    for name in images(tmp_path):
        assert text.count(name) == page.count(name) == 1
    assert "10 pictures" in text
    assert "NC" in text


def test_what_others_write_cannot_run_in_the_sheets(tmp_path: Path, web: Web, works: list[Work]) -> None:
    bad = {"title": "=HYPERLINK(1) | <script>alert(1)</script>", "creator": "[x](javascript:alert(1))"}
    web.openverse.works = [Work(**{**vars(work), **bad}) for work in works[:2]]
    web.collect(tmp_path, "gothic", only="openverse", per_class=2)
    assert "<script>" not in (tmp_path / "credits.html").read_text()
    assert "](" not in (tmp_path / "ATTRIBUTION.md").read_text()
    with (tmp_path / "credits.csv").open(newline="") as file:
        assert all(row["title"].startswith("'=") for row in csv.DictReader(file))


def test_run_again_fetches_nothing_twice_and_asks_nothing_twice(tmp_path: Path, web: Web) -> None:
    web.collect(tmp_path, CLASSES, per_class=5)
    asked, fetched, before = len(web.openverse.asked), list(web.fetched), images(tmp_path)
    web.collect(tmp_path, CLASSES, per_class=5)
    assert (len(web.openverse.asked), web.fetched, images(tmp_path)) == (asked, fetched, before)
    # More of the same page needs no new search either.
    web.collect(tmp_path, CLASSES, per_class=9)
    assert len(web.openverse.asked) == asked
    assert len(web.fetched) == len(set(web.fetched)) == 18


def test_a_picture_thrown_out_by_hand_stays_out_and_is_replaced(tmp_path: Path, web: Web) -> None:
    web.collect(tmp_path, "dome", per_class=4)
    gone = tmp_path / images(tmp_path)[0]
    gone.unlink()
    web.collect(tmp_path, "dome", per_class=4)
    assert len(images(tmp_path)) == 4
    assert not gone.exists()
    assert len(web.fetched) == len(set(web.fetched)) == 5


@pytest.mark.parametrize("moment", range(1, 16))
def test_a_run_that_dies_anywhere_is_taken_up(
    tmp_path: Path, web: Web, monkeypatch: pytest.MonkeyPatch, moment: int
) -> None:
    """Dies at the n-th row, wait for the disk or rename; the next run ends with everything there."""
    steps = {"left": moment}

    class Died(BaseException):
        """What no handler expects, as a kill."""

    def step() -> None:
        steps["left"] -= 1
        if steps["left"] == 0:
            raise Died

    write, sync, replace = Manifest._write, Manifest.sync, Path.replace

    def dying_write(self: Manifest, row: dict[str, Any]) -> None:
        step()
        write(self, row)

    def dying_sync(self: Manifest) -> None:
        step()
        sync(self)

    def dying_replace(self: Path, target: Path) -> Path:
        if threading.current_thread() is threading.main_thread():
            step()
        return replace(self, target)

    with monkeypatch.context() as patched:
        patched.setattr(Manifest, "_write", dying_write)
        patched.setattr(Manifest, "sync", dying_sync)
        patched.setattr(Path, "replace", dying_replace)
        with pytest.raises(Died):
            web.collect(tmp_path, "dome", per_class=8, only="openverse")
    assert all(Path(name).suffix in (".jpg", ".part", ".json") for name in images(tmp_path))
    result = web.collect(tmp_path, "dome", per_class=8, only="openverse")
    assert result.images == 8
    assert all(name.endswith(".jpg") for name in images(tmp_path))
    # Those that were on their way when it died may come twice; never one that had arrived.
    assert len(web.fetched) - len(set(web.fetched)) <= 4
    rows = [row["file"] for row in manifest(tmp_path) if row.get("status") == "kept"]
    assert sorted(rows) == images(tmp_path)


def test_a_torn_last_line_is_cut_off(tmp_path: Path, web: Web) -> None:
    web.collect(tmp_path, "dome", per_class=3)
    with (tmp_path / "manifest.jsonl").open("a") as file:
        file.write('{"row": "image", "stat')
    web.collect(tmp_path, "dome", per_class=5)
    assert len(images(tmp_path)) == 5
    assert all(json.loads(line) for line in (tmp_path / "manifest.jsonl").read_text().splitlines())


def test_two_runs_on_one_folder_are_refused(tmp_path: Path, web: Web) -> None:
    with Manifest(tmp_path), pytest.raises(InUseError, match="another run"):
        web.collect(tmp_path, "dome", per_class=1)


def test_rejects_are_kept_with_their_reason(tmp_path: Path, web: Web, works: list[Work], clock: Any) -> None:
    jpeg = picture()
    strange = {
        1: (lambda: Reply(200, b"<html>log in</html>", content_type="image/jpeg"), "html"),
        2: (lambda: Reply(404), "gone"),
        3: (lambda: Reply(403, b"private"), "blocked"),
        6: (lambda: Reply(200, jpeg[: len(jpeg) // 2]), "damaged"),
        7: (lambda: Reply(200, b""), "empty"),
        8: (lambda: Reply(200, jpeg, {"X-Robots-Tag": "noindex, noai"}), "noai"),
        11: (lambda: Reply(302, headers={"Location": "file:///etc/passwd"}), "forbidden-address"),
        12: (lambda: Reply(200, picture(size=(100, 100))), "small"),
        13: (lambda: Reply(200, b"x" * 400_000), "too-large"),
        16: (lambda: Reply(500), "unreachable"),
    }
    faulty = FakeFiles(works, strange={f"work{n}.jpg": make for n, (make, _) in strange.items()}, clock=clock)
    with faulty as server:
        web.openverse.files, web.files = server.url, server
        result = web.collect(tmp_path, "gothic", only="openverse", per_class=100, max_bytes=200_000)
    for number, (_, reason) in strange.items():
        rows = [row for row in manifest(tmp_path) if row.get("source_id", "").endswith(f"{number:06d}")]
        if works[number - 1].licence == "by-nd":
            continue
        assert [row["reason"] for row in rows] == [reason], number
        assert rows[0]["why"]
    assert result.images == 24 - len([n for n in strange if works[n - 1].licence != "by-nd"])
    assert all(name.endswith(".jpg") for name in images(tmp_path))


def test_robots_txt_is_asked_once_and_obeyed(tmp_path: Path, web: Web, works: list[Work], clock: Any) -> None:
    with FakeFiles(works, robots="User-agent: *\nDisallow: /files/work1", clock=clock) as server:
        web.openverse.files = server.url
        result = web.collect(tmp_path, "gothic", only="openverse", per_class=100)
        asked = [request.path for request in server.asked]
    assert asked.count("/robots.txt") == 1
    assert not any(path.startswith("/files/work1") for path in asked)
    assert result.reasons["blocked"] > 0
    assert result.images > 0


def test_one_source_that_is_used_up_leaves_the_work_to_the_other(tmp_path: Path, web: Web) -> None:
    web.openverse.faults.extend([Reply(429, b"{}", {"Retry-After": "40000"})])
    result = web.collect(tmp_path, CLASSES, per_class=4)
    assert result.per_class == {"gothic church": 4, "dome": 4}
    assert any("openverse" in note and "hours" in note for note in result.notes)
    assert len(web.openverse.asked) == 1


def test_a_class_without_results_has_no_folder(tmp_path: Path, web: Web) -> None:
    result = web.collect(tmp_path, "dome\nbabtistery", per_class=2)
    assert result.per_class == {"dome": 2, "babtistery": 0}
    assert {name.split("/")[0] for name in images(tmp_path)} == {"dome"}
    assert not (tmp_path / "babtistery").exists()


def test_no_more_is_fetched_than_asked_for(tmp_path: Path, web: Web) -> None:
    web.collect(tmp_path, "gothic", per_class=1)
    assert len(web.fetched) == 1


def test_files_of_wikimedia_are_fetched_by_its_rules(
    tmp_path: Path, web: Web, works: list[Work], clock: Any
) -> None:
    with FakeFiles(works, wikimedia=True, clock=clock) as server:
        web.commons.files = server.url
        client: Client = web.client()
        client.rules[server.address] = client.rules[web.commons.address]
        web.collect(tmp_path, "gothic", only="commons", per_class=20, client=client)
        assert server.refused == []
        assert server.most_at_once <= 2
        assert not any(request.path == "/robots.txt" for request in server.asked)
