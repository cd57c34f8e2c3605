"""`deepdesign collect` as a person runs it, against the strict servers and on the machine's own clock."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from techniques.cli import run
from techniques.datasets.spelling import suggestion
from techniques.datasets.testkit.commons import FakeCommons
from techniques.datasets.testkit.corpus import Work
from techniques.datasets.testkit.files import FakeFiles
from techniques.datasets.testkit.openverse import FakeOpenverse
from techniques.runs import data_folder
from tests.techniques.conftest import Run, one_line

Collect = Callable[..., CompletedProcess[str]]
FIELDS = {"command", "arguments", "seed", "device", "weights", "versions", "results", "metrics", "seconds"}


@pytest.fixture
def collect(works: list[Work], program: Run, tmp_path: Path) -> Iterator[Collect]:
    with (
        FakeFiles(works) as files,
        FakeOpenverse(works, files.url) as openverse,
        FakeCommons(works, files.url) as commons,
    ):

        def ask(text: str, *options: object, **variables: str) -> CompletedProcess[str]:
            (tmp_path / "styles.txt").write_text(text)
            ends = [f"openverse={openverse.endpoint}", f"commons={commons.endpoint}"]
            given = [part for end in ends for part in ("--endpoint", end)]
            return program(
                "collect", tmp_path / "styles.txt", "--allow-private", *given, *options, **variables
            )

        yield ask
        assert openverse.refused == commons.refused == files.refused == []


def test_a_class_list_becomes_a_licensed_dataset(tmp_path: Path, collect: Collect) -> None:
    out = tmp_path / "set"
    finished = collect("gothic\ndome\n\n", "-o", out, "--per-class", 4, "--contact", "me@example.edu")
    assert finished.returncode == 0, finished.stderr
    assert finished.stdout.strip() == str(out)
    assert "gothic: 4 of 4 pictures" in finished.stderr
    record = json.loads((out / "run.json").read_text())
    assert record.keys() >= FIELDS
    assert record["metrics"]["per_class"] == {"gothic": 4, "dome": 4}
    assert sorted(path.name for path in out.iterdir()) == [
        "ATTRIBUTION.md",
        "classes.json",
        "credits.csv",
        "credits.html",
        "dome",
        "gothic",
        "manifest.jsonl",
        "report.html",
        "run.json",
    ]


def test_it_goes_where_data_outlives_a_job(tmp_path: Path, collect: Collect) -> None:
    finished = collect(
        "dome", "--per-class", 1, "--source", "openverse", "--json", DEEPDESIGN_DATA=str(tmp_path / "kept")
    )
    assert finished.returncode == 0, finished.stderr
    last = json.loads(finished.stdout.splitlines()[-1])
    assert last["results"] == [str(tmp_path / "kept" / "styles")]
    assert last == json.loads((tmp_path / "kept" / "styles" / "run.json").read_text())
    assert data_folder({}, tmp_path) == Path("datasets")


def test_no_picture_is_no_success_and_the_spelling_is_hinted_at(tmp_path: Path, collect: Collect) -> None:
    finished = collect("babtistery", "-o", tmp_path / "set", "--contact", "me@example.edu", "--quiet")
    line = one_line(finished, status=1)
    assert "'babtistery' may be 'baptistery'" in line


def test_a_contact_is_asked_for_where_the_service_wants_one(tmp_path: Path, collect: Collect) -> None:
    line = one_line(collect("dome", "-o", tmp_path / "set"), status=2)
    assert "--contact" in line
    assert not (tmp_path / "set").exists()
    finished = collect("dome", "-o", tmp_path / "set", "--per-class", 1, DEEPDESIGN_CONTACT="me@example.edu")
    assert finished.returncode == 0, finished.stderr


def test_licences_are_chosen(tmp_path: Path, collect: Collect) -> None:
    out = tmp_path / "set"
    assert (
        collect(
            "gothic", "-o", out, "--source", "openverse", "--license", "cc0,by", "--per-class", 5
        ).returncode
        == 0
    )
    rows = [json.loads(line) for line in (out / "manifest.jsonl").read_text().splitlines()]
    assert {row["license"] for row in rows if row.get("status") == "kept"} <= {"cc0", "by"}


def test_a_dry_run_says_what_there_is_and_fetches_nothing(tmp_path: Path, collect: Collect) -> None:
    finished = collect("gothic\nnarthex", "-o", tmp_path / "set", "--dry-run", "--contact", "me@example.edu")
    assert finished.returncode == 0, finished.stderr
    assert "gothic: openverse has 24 for 'gothic'" in finished.stdout
    assert "narthex: openverse has 0 for 'narthex'" in finished.stdout
    finished = collect("gothic", "-o", tmp_path / "set", "--dry-run", "--json", "--contact", "me@example.edu")
    lines = [json.loads(line) for line in finished.stdout.splitlines()]
    claimed = [line for line in lines if line["event"] == "claim" and line["source"] == "openverse"]
    assert [(line["class"], line["count"]) for line in claimed] == [("gothic", 24)]
    assert not (tmp_path / "set").exists()


@pytest.mark.parametrize(
    ("text", "options", "words"),
    [
        ("", (), "names no class"),
        ("a: -b", (), "line 1"),
        ("dome", ("--source", "bing"), "--source bing"),
        ("dome", ("--license", "gpl"), "--license"),
        ("dome", ("--license", "by-nc", "--commercial"), "--commercial"),
        ("dome", ("--contact", "me\r\nX-Evil: 1"), "--contact"),
        ("dome", ("--per-class", "0"), "--per-class"),
        ("dome", ("--endpoint", "nowhere"), "--endpoint"),
    ],
)
def test_wrong_arguments_are_one_plain_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, options: tuple[str, ...], words: str
) -> None:
    (tmp_path / "styles.txt").write_text(text)
    fixed = ["collect", str(tmp_path / "styles.txt"), "-o", str(tmp_path / "set"), "--source", "openverse"]
    assert run([*fixed, *options]) == 2
    said = capsys.readouterr()
    assert words in said.err
    assert len(said.err.splitlines()) == 1
    assert said.out == ""
    assert not (tmp_path / "set").exists()


def test_a_list_that_is_no_list(tmp_path: Path, program: Run) -> None:
    (tmp_path / "latin.txt").write_bytes("gr\xfcn".encode("latin-1"))
    for name in ("latin.txt", "missing.txt", "work"):
        assert name in one_line(program("collect", tmp_path / name, "--source", "openverse"), status=2)


def test_private_servers_are_not_asked_unless_allowed(
    tmp_path: Path, program: Run, works: list[Work]
) -> None:
    (tmp_path / "styles.txt").write_text("dome")
    with FakeOpenverse(works, "http://127.0.0.1:9") as server:
        finished = program(
            *("collect", tmp_path / "styles.txt", "-o", tmp_path / "set", "--quiet", "--source", "openverse"),
            *("--endpoint", f"openverse={server.endpoint}"),
        )
        assert "private network" in one_line(finished, status=1)
        assert server.asked == []


def test_suggestions() -> None:
    assert suggestion("babtistery") == "baptistery"
    assert suggestion("pedastal") == "pedestal"
    assert suggestion("dome") == ""
    assert suggestion("xyzzy") == ""
