"""Sources of one's own: a key for Flickr, lists, folders, other packages; and nobody who answers."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from techniques.datasets.errors import BlockedError, PageChangedError, RateLimitedError, SourceError
from techniques.datasets.recipe import Query, parse
from techniques.datasets.rows import rows
from techniques.datasets.sources.flickr import Flickr
from techniques.datasets.testkit.corpus import Work
from techniques.datasets.testkit.files import FakeFiles
from techniques.datasets.testkit.flickr import FakeFlickr
from techniques.datasets.testkit.openverse import FakeOpenverse
from techniques.datasets.testkit.rules import RULES
from techniques.datasets.testkit.server import Reply
from tests.techniques.conftest import PROGRAM, Run, one_line
from tests.techniques.datasets.conftest import Web, picture

Ask = Callable[..., CompletedProcess[str]]
# Root may write anywhere, unless it gives that up.
AS_A_USER = () if os.geteuid() else ("setpriv", "--bounding-set", "-all", "--inh-caps", "-all")
FREE = ("cc0", "by", "by-sa", "by-nc")


@pytest.fixture
def flickr(web: Web, works: list[Work]) -> Iterator[FakeFlickr]:
    with FakeFlickr(works, web.files.url, clock=web.clock) as server:
        yield server


def test_flickr_gives_only_what_is_free(web: Web, flickr: FakeFlickr) -> None:
    source = Flickr(web.client(), flickr.endpoint, key="a-key")
    pages = list(source.search(Query("gothic"), FREE, None))
    found = [one for page in pages for one in page.candidates]
    assert len(found) == pages[0].claimed == 24
    assert {one.licence.slug for one in found} == set(FREE)
    assert all(one.licence.url.startswith("https://creativecommons.org/") for one in found)
    assert found[0].page_url == f"https://www.flickr.com/photos/12345678@N00/{found[0].source_id}"
    assert (found[0].width, found[0].height) == (280, 260)
    assert "CC BY" in found[0].attribution or "CC0" in found[0].attribution
    assert flickr.refused == []


def test_flickr_stops_at_its_ceiling(web: Web, flickr: FakeFlickr, works: list[Work]) -> None:
    flickr.works = [Work(**{**vars(works[0]), "number": number}) for number in range(4200)]
    source = Flickr(web.client(), flickr.endpoint, key="a-key")
    pages = list(source.search(Query("gothic"), ("cc0", "by"), None))
    ids = [one.source_id for page in pages for one in page.candidates]
    assert len(ids) == len(set(ids)) == 4000
    assert flickr.refused == []
    # Taken up in the middle it gives the rest.
    rest = list(source.search(Query("gothic"), ("cc0", "by"), pages[37].cursor))
    assert [one.source_id for page in rest for one in page.candidates] == ids[3800:]


def test_a_naive_flickr_client_is_refused(web: Web, flickr: FakeFlickr, works: list[Work]) -> None:
    client = web.client()

    def ask(**query: str | int) -> dict[str, object]:
        answer, _ = client.get_json(flickr.endpoint, {"method": "flickr.photos.search", **query})
        return answer

    assert ask(api_key="wrong", text="gothic")["code"] == 100
    # The misspelt parameter is ignored: pictures come that must not be taken.
    photos = ask(api_key="a-key", text="gothic", licence="9", per_page=500)["photos"]
    assert len({photo["license"] for photo in photos["photo"]}) > 1  # type: ignore[index]
    ask(api_key="a-key", text="gothic", license="9", per_page=500, page=9)
    assert flickr.refused == ["flickr-key", "flickr-license", "flickr-depth"]
    with FakeFlickr(works, "", rate=(1, 3600.0), clock=web.clock) as strict:
        client.get_json(strict.endpoint, {"method": "x", "api_key": "a-key"})
        with pytest.raises(RateLimitedError):
            client.get_json(strict.endpoint, {"method": "x", "api_key": "a-key"})
    assert strict.refused == ["flickr-rate"]
    assert {"flickr-key", "flickr-license", "flickr-depth", "flickr-rate"} <= RULES.keys()


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (Reply(200, b'{"stat":"fail","code":105,"message":"Service currently unavailable"}'), SourceError),
        (Reply(200, b'{"stat":"fail","code":3,"message":"Parameterless searches: a-key"}'), BlockedError),
        (Reply(200, b"<html>"), PageChangedError),
        (Reply(200, b'{"stat":"ok","photos":[]}'), PageChangedError),
        (Reply(403, b"no"), BlockedError),
    ],
)
def test_faults_of_flickr(web: Web, flickr: FakeFlickr, reply: Reply, kind: type[Exception]) -> None:
    flickr.faults.extend([None, *[reply] * 5])
    with pytest.raises(kind) as caught:
        list(Flickr(web.client(), flickr.endpoint, key="a-key").search(Query("gothic"), FREE, None))
    assert "a-key" not in str(caught.value)


@pytest.fixture
def ask(web: Web, works: list[Work], here: Run, tmp_path: Path) -> Iterator[Ask]:
    """`collect` on the machine's own clock."""
    with (
        FakeFiles(works) as files,
        FakeFlickr(works, files.url) as flickr,
        FakeOpenverse(works, files.url) as openverse,
    ):
        web.files = files

        def run(text: str, *options: object, **variables: str) -> CompletedProcess[str]:
            (tmp_path / "styles.txt").write_text(text)
            ends = (f"flickr={flickr.endpoint}", f"openverse={openverse.endpoint}")
            given = [part for end in ends for part in ("--endpoint", end)]
            fixed = (tmp_path / "styles.txt", "--allow-private", "-o", tmp_path / "set", *given)
            return here("collect", *fixed, *options, **variables)

        yield run


def test_flickr_by_its_key(ask: Ask, tmp_path: Path) -> None:
    line = one_line(ask("gothic", "--source", "flickr", FLICKR_API_KEY=""), status=2)
    assert "$FLICKR_API_KEY" in line
    finished = ask("gothic", "--source", "flickr", "--per-class", 3, FLICKR_API_KEY="a-key")
    assert finished.returncode == 0, finished.stderr
    assert {row["source"] for row in rows(tmp_path / "set")} == {"flickr"}
    for path in (tmp_path / "set").rglob("*"):
        assert path.is_dir() or b"a-key" not in path.read_bytes()
    shutil.rmtree(tmp_path / "set")
    line = one_line(ask("gothic", "--source", "flickr", "--quiet", FLICKR_API_KEY="wrong"), status=1)
    assert "FLICKR_API_KEY" in line
    assert "wrong" not in line


def test_a_list_of_addresses(ask: Ask, web: Web, works: list[Work], tmp_path: Path) -> None:
    address = [f"{web.files.url}/files/{work.file}" for work in works]
    (tmp_path / "plain.txt").write_text("\n".join(["# mine", address[0], "", address[1], "not an address"]))
    (tmp_path / "rich.csv").write_text(
        "url,license,creator,title\n"
        f"{address[31]},CC BY-SA 4.0,Ann,A dome\n{address[32]},cc0,,\n{address[33]},all rights reserved,,\n"
    )
    finished = ask("gothic: urls:plain.txt\ndome: urls:rich.csv\n", "--per-class", 9)
    assert finished.returncode == 1
    assert "'gothic'" in finished.stderr
    kept = {row["title"]: row for row in rows(tmp_path / "set") if row["status"] == "kept"}
    assert {row["license"] for row in kept.values()} == {"by-sa", "cc0"}
    assert kept["A dome"]["attribution"] == '"A dome" by Ann, CC BY-SA 4.0'
    finished = ask("gothic: urls:plain.txt\n", "--per-class", 9, "--accept-unknown")
    assert finished.returncode == 0, finished.stderr
    assert len(list((tmp_path / "set" / "gothic").iterdir())) == 2
    reasons = [row["reason"] for row in rows(tmp_path / "set") if row["file_url"] == "not an address"]
    assert reasons[-1] == "forbidden-address"


def test_a_folder_of_one_s_own(ask: Ask, tmp_path: Path, works: list[Work]) -> None:
    own = tmp_path / "my photos"
    (own / "deep").mkdir(parents=True)
    for number, name in enumerate(("a.jpg", "deep/b.JPG", ".hidden.jpg")):
        (own / name).write_bytes(works[number].data)
    (own / "broken.jpg").write_bytes(works[3].data[:900])
    (own / "notes.txt").write_text("no picture")
    (tmp_path / "outside.jpg").write_bytes(works[4].data)
    (own / "link.jpg").symlink_to(tmp_path / "outside.jpg")
    finished = ask("gothic: folder:my photos | gothic\n", "--source", "openverse", "--per-class", 4)
    assert finished.returncode == 0, finished.stderr
    known = rows(tmp_path / "set")
    mine = {row["title"]: row["reason"] or row["status"] for row in known if row["source"] == "folder"}
    assert mine == {
        "a.jpg": "kept",
        "deep/b.JPG": "kept",
        "broken.jpg": "damaged",
        "link.jpg": "forbidden-address",
    }
    assert sum(row["source"] == "openverse" and row["status"] == "kept" for row in known) == 2
    assert "from a folder of one's own" in (tmp_path / "set" / "ATTRIBUTION.md").read_text()
    assert (own / "a.jpg").exists()


def test_lists_and_folders_that_are_not_there(ask: Ask) -> None:
    finished = ask("gothic: urls:none.txt\ndome: folder:none\n", "--quiet")
    line = one_line(finished, status=1)
    assert "none.txt" in line
    assert "no folder" in line


def test_the_recipe_knows_both() -> None:
    one, two = parse("a: urls:x y.txt\nb: folder:my photos | words -not\n").labels
    assert one.queries == (Query("x y.txt", kind="urls"),)
    assert two.queries == (Query("my photos", kind="folder"), Query("words", ("not",)))
    assert str(one.queries[0]) == "urls:x y.txt"


@pytest.fixture
def plugged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package of somebody else's, installed: it registers a source of its own."""
    site = tmp_path / "site"
    info = site / "museum-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: museum\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[deepdesign.sources]\nmuseum = museum_source:make\nbroken = museum_source:none\n"
        "scraper = museum_source:scrape\n"
    )
    (site / "museum_source.py").write_text(
        "import io\n"
        "from techniques.datasets.client import Answer\n"
        "from techniques.datasets.licences import Licence\n"
        "from techniques.datasets.sources.base import Candidate, Page\n"
        "class Museum:\n"
        "    name, licensed, needs_contact, kinds = 'museum', True, False, ('words',)\n"
        "    def search(self, query, licences, cursor):\n"
        "        one = Candidate('museum', '1', 'museum:1', 'https://m.example/1', query.text, 'M', '',\n"
        "                        Licence('cc0', '1.0', 'https://x.example'), 'M, CC0', 'rights')\n"
        "        yield Page((one,), None, 1)\n"
        "    def fetch(self, query, candidate, sink, *, max_bytes):\n"
        "        from PIL import Image\n"
        "        written = io.BytesIO()\n"
        "        Image.effect_noise((300, 300), 60).convert('RGB').save(written, 'PNG')\n"
        "        sink.write(written.getvalue())\n"
        "        return Answer('museum:1', 200, {}, len(written.getvalue()))\n"
        "def make(client):\n"
        "    return Museum()\n"
        "class Scraper(Museum):\n"
        "    name, licensed = 'scraper', False\n"
        "    def search(self, query, licences, cursor):\n"
        "        one = Candidate('scraper', '1', 'museum:1', '', query.text, '', '', Licence(''), '', '')\n"
        "        yield Page((one,), None, 1)\n"
        "def scrape(client):\n"
        "    return Scraper()\n"
    )
    monkeypatch.syspath_prepend(site)
    yield site
    sys.modules.pop("museum_source", None)


def test_another_package_brings_a_source(plugged: Path, ask: Ask, tmp_path: Path) -> None:
    finished = ask("gothic", "--source", "museum", "--per-class", 1)
    assert finished.returncode == 0, finished.stderr
    assert [row["source"] for row in rows(tmp_path / "set")] == ["museum"]
    assert "broken" in one_line(ask("gothic", "--source", "broken"), status=2)
    assert "museum" in one_line(ask("gothic", "--source", "nowhere"), status=2)


def test_a_scraper_is_asked_for_by_name_and_says_what_it_cannot_promise(
    plugged: Path, ask: Ask, tmp_path: Path
) -> None:
    finished = ask("gothic", "--source", "scraper")
    assert finished.returncode == 1
    assert "scraper is no service that says whose a picture is" in finished.stderr
    assert [row["reason"] for row in rows(tmp_path / "set")] == ["licence"]
    finished = ask("gothic", "--source", "scraper", "--per-class", 1, "--accept-unknown")
    assert finished.returncode == 0, finished.stderr
    assert "unknown licence" in (tmp_path / "set" / "ATTRIBUTION.md").read_text()
    shutil.rmtree(tmp_path / "set")
    assert "no service" not in ask("gothic", "--source", "openverse", "--per-class", 1).stderr


def test_when_nobody_answers_it_is_said_and_no_sheet_is_left(here: Run, tmp_path: Path) -> None:
    (tmp_path / "styles.txt").write_text("gothic\ndome\n")
    with FakeOpenverse([], "") as gone:
        address = gone.endpoint
    finished = here(
        *(
            "collect",
            tmp_path / "styles.txt",
            "-o",
            tmp_path / "set",
            "--source",
            "openverse",
            "--allow-private",
        ),
        *("--endpoint", f"openverse={address}", "--quiet"),
    )
    line = one_line(finished, status=1)
    assert "No source answered" in line
    assert "Run the same command again" in line
    assert "other words" not in line
    assert sorted(path.name for path in (tmp_path / "set").iterdir()) == ["manifest.jsonl", "run.json"]


def kept(**fields: object) -> str:
    """A line about a kept picture, with ``fields`` of somebody else's making."""
    whole = {"row": "image", "class": "a", "source": "s", "source_id": "1", "status": "kept", "reason": ""}
    whole |= {"file": "a/x.jpg", "sha256": "0", "license": "by", "license_version": "4.0"}
    return json.dumps(whole | {"page_url": "", "attribution": "A"} | fields)


@pytest.mark.parametrize(
    "line",
    [
        "{",
        "[]",
        '{"row": "image", "file": "../../x.jpg", "class": "a", "source": "s", "source_id": ""}',
        '{"row": "image", "file": "a/..", "status": "kept", "class": "a", "source": "s", "source_id": "1"}',
        '{"row": "image", "file": "a/x.jpg", "class": "a", "source": "s", "source_id": "1"}',
        '{"row": "image", "class": "a", "source": "s", "source_id": "1", "status": "kept", "reason": ""}',
        '{"row": "hello"}',
        '{"row": "place", "file": "a/x.jpg"}',
        '{"row": "place", "file": "a/x.jpg", "folder": "../b"}',
        '{"row": "page", "class": "/etc", "source": "s", "query": "q", "cursor": null, "candidates": []}',
        '{"row": "place", "file": "a/x.jpg", "folder": "b", "extra": 1}',
        '{"row": "place", "file": "a/x.jpg", "folder": "b", "batch": "x"}',
        '{"row": "page", "class": "a", "source": "s", "query": "q", "cursor": null, "candidates": [{}]}',
        '{"row": "page", "class": "a", "source": "s", "query": "q", "cursor": 3, "candidates": []}',
        kept(bounds=[1, 2, 3]),
        kept(bounds=None),
        kept(bounds=[1, 2, 3, float("nan")]),
        kept(width="wide"),
        kept(phash="12"),
        kept(creator=["a"]),
        kept(attribution=None),
        kept(file="a/" + "x" * 300),
        kept(file="a/\ud800.jpg"),
        "[" * 100_000,
    ],
    ids=lambda line: line[-40:],
)
def test_a_stranger_s_manifest_reaches_nothing_outside(line: str, here: Run, tmp_path: Path) -> None:
    root = tmp_path / "set"
    (root / "a").mkdir(parents=True)
    (root / "a" / "x.jpg").write_bytes(picture())
    (root / "manifest.jsonl").write_text(f"{line}\n")
    (tmp_path / "list.csv").write_text("drop,a/x.jpg\n")
    for command in (
        ("report", root),
        ("undo", root),
        ("curate", root, tmp_path / "list.csv"),
        ("split", root),
    ):
        said = one_line(here("dataset", *command), status=2)
        assert "manifest.jsonl, line 1" in said
    (tmp_path / "styles.txt").write_text("gothic")
    said = one_line(
        here("collect", tmp_path / "styles.txt", "-o", root, "--source", "openverse", "--quiet"), status=2
    )
    assert "manifest.jsonl, line 1" in said


def test_a_line_of_another_version_with_all_that_is_needed_is_read(here: Run, tmp_path: Path) -> None:
    root = tmp_path / "set"
    (root / "a").mkdir(parents=True)
    (root / "a" / "x.jpg").write_bytes(picture())
    (root / "manifest.jsonl").write_text(f"{kept(width=None, new=[1], bounds=[1, 2, 3, 4])}\n")
    assert here("dataset", "report", root).returncode == 0


def test_a_set_that_cannot_be_written_is_one_plain_line_and_stays(here: Run, tmp_path: Path) -> None:
    root = tmp_path / "set"
    (root / "a").mkdir(parents=True)
    (root / "a" / "x.jpg").write_bytes(picture())
    (root / "a" / "y.jpg").write_bytes(picture())
    (tmp_path / "list.csv").write_text("drop,a/x.jpg\n")
    assert here("dataset", "curate", root, tmp_path / "list.csv").returncode == 0
    (tmp_path / "list.csv").write_text("drop,a/y.jpg\n")
    before = (root / "manifest.jsonl").read_bytes()
    for locked in (root / "manifest.jsonl", root / "a", root, tmp_path / "set.dropped"):
        mode = locked.stat().st_mode
        locked.chmod(0o555 if locked.is_dir() else 0o444)
        for command in (("curate", root, tmp_path / "list.csv"), ("undo", root)):
            asked = [*AS_A_USER, PROGRAM, "dataset", *map(str, command)]
            finished = subprocess.run(asked, capture_output=True, text=True, check=False)
            assert str(locked) in one_line(finished, status=2)
        locked.chmod(mode)
    assert (root / "manifest.jsonl").read_bytes() == before
    assert (root / "a" / "y.jpg").is_file()
    assert here("dataset", "undo", root).returncode == 0


def test_a_credit_line_for_a_result_made_from_several(ask: Ask, here: Run, tmp_path: Path) -> None:
    assert ask("gothic\ndome\n", "--source", "openverse", "--per-class", 4).returncode == 0
    root = tmp_path / "set"
    known = {row["license"]: row for row in rows(root) if row["status"] == "kept"}
    assert {"by", "by-sa", "by-nc"} <= known.keys()
    one, two = (root / known[slug]["file"] for slug in ("by", "by-sa"))
    finished = here("dataset", "credit", one, two)
    assert finished.returncode == 0, finished.stderr
    assert finished.stdout.count("\n") == 1
    assert known["by"]["attribution"].rstrip(".") in finished.stdout
    assert "share" in finished.stderr
    assert "commercially" not in finished.stderr
    # A copy elsewhere is known by its bytes; the record of a result names what it was made from.
    copy = Path(shutil.copy(root / known["by-nc"]["file"], tmp_path / "nave.jpg"))
    record = {
        "command": "style",
        "arguments": {"content": str(copy), "styles": [str(one)], "size": 512, "output": str(two)},
    }
    (tmp_path / "run.json").write_text(json.dumps(record))
    finished = here("dataset", "credit", tmp_path / "run.json", "--from", root)
    assert finished.returncode == 0, finished.stderr
    assert known["by-nc"]["attribution"].rstrip(".") in finished.stdout
    assert known["by-sa"]["attribution"].rstrip(".") not in finished.stdout
    assert "commercially (NC)" in finished.stderr
    # A whole dataset, as a trained network has seen it.
    finished = here("dataset", "credit", root)
    assert "8 pictures by 3 creators" in finished.stdout
    # A stranger is not passed over.
    finished = here("dataset", "credit", copy, one)
    assert finished.returncode == 1
    assert "nave.jpg" in finished.stderr.splitlines()[-1]
    assert here("dataset", "credit", tmp_path / "none.jpg").returncode == 2


def test_a_picture_of_the_ground_is_credited_by_its_side_car(here: Run, tmp_path: Path) -> None:
    assert (
        here(
            "aerial",
            "--lat",
            1,
            "--lon",
            2,
            "--size-m",
            20,
            "--source",
            "demo",
            "-o",
            tmp_path / "g.png",
            "--quiet",
        ).returncode
        == 0
    )
    finished = here("dataset", "credit", tmp_path / "g.png")
    assert finished.returncode == 0, finished.stderr
    assert "made-up town" in finished.stdout
    assert "CC0" in finished.stdout
