"""A dataset some weeks later: are its bytes still right, and its pictures still where they came from?"""

from collections import Counter
from pathlib import Path

from techniques.datasets.rows import rows
from techniques.datasets.testkit.corpus import Work
from techniques.datasets.testkit.files import FakeFiles
from techniques.datasets.testkit.server import Reply
from techniques.datasets.upkeep import refreshed
from tests.techniques.conftest import Run, one_line
from tests.techniques.datasets.conftest import Web, picture


def pictures(root: Path) -> list[Path]:
    return sorted(root.glob("*/*.jpg"))


def test_bytes_that_changed_are_found(tmp_path: Path, web: Web, here: Run) -> None:
    root = tmp_path / "set"
    web.collect(root, "dome", per_class=5)
    finished = here("dataset", "verify", root)
    assert (finished.returncode, finished.stdout) == (0, "")
    first, second, *_ = pictures(root)
    first.write_bytes(first.read_bytes()[:-1])
    second.unlink()
    (root / "dome" / "mine.png").write_bytes(picture(kind="PNG"))
    finished = here("dataset", "verify", root)
    assert finished.returncode == 1
    assert sorted(finished.stdout.splitlines()) == [
        f"changed  dome/{first.name}",
        f"missing  dome/{second.name}",
        "unknown  dome/mine.png",
    ]


def test_pictures_are_asked_for_by_their_mark(tmp_path: Path, web: Web) -> None:
    root = tmp_path / "set"
    web.collect(root, "dome", only="openverse", per_class=6)
    asked, fetched = len(web.files.asked), {row["file_url"].rpartition("/")[2]: row for row in rows(root)}
    gone, changed, private = sorted(fetched)[:3]
    web.files._strange = {
        gone: lambda: Reply(404),
        changed: lambda: Reply(200, picture(), content_type="image/jpeg"),
        private: lambda: Reply(403, b"private"),
    }
    found = list(refreshed(root, rows(root), web.client()))
    assert Counter(one.state for one in found) == {"same": 3, "gone": 2, "changed": 1}
    assert {one.file for one in found if one.state == "gone"} == {fetched[n]["file"] for n in (gone, private)}
    files = [one for one in web.files.asked[asked:] if one.path != "/robots.txt"]
    assert all(one.headers.get("if-none-match") for one in files)
    assert len(pictures(root)) == 6, "nothing is changed"


def test_what_was_taken_down_becomes_a_list_to_curate_by(
    tmp_path: Path, web: Web, works: list[Work], here: Run
) -> None:
    root = tmp_path / "set"
    with FakeFiles(works) as files:
        web.openverse.files = files.url
        web.collect(root, "dome", only="openverse", per_class=4)
        (first, *_) = rows(root)
        files._strange = {first["file_url"].rpartition("/")[2]: lambda: Reply(410)}
        finished = here("dataset", "refresh", root, "--allow-private")
    assert finished.returncode == 0, finished.stderr
    assert finished.stdout == f"drop,{first['file']},\n"
    assert "1 gone, 3 same" in finished.stderr
    (tmp_path / "gone.csv").write_text(finished.stdout)
    assert here("dataset", "curate", root, tmp_path / "gone.csv").returncode == 0
    assert len(pictures(root)) == 3
    assert "--contact" in one_line(here("dataset", "refresh", root, "--contact", "me"), status=2)


def test_what_was_not_kept_can_be_looked_at(tmp_path: Path, web: Web, works: list[Work]) -> None:
    root = tmp_path / "set"
    half = works[0].data[: len(works[0].data) // 2]
    web.files._strange = {works[0].file: lambda: Reply(200, half, content_type="image/jpeg")}
    web.collect(root, "gothic", only="openverse", per_class=4, keep_rejected=True)
    (shelf,) = (tmp_path / "set.rejected").iterdir()
    assert shelf.name == "damaged"
    assert [path.read_bytes() for path in shelf.iterdir()] == [half]
    assert len(pictures(root)) == 4
