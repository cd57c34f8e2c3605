"""Of pictures that look alike the best stays, and nothing that hangs together is divided."""

import errno
import io
import json
import os
import random
import shutil
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from torchvision.datasets import ImageFolder

from techniques.datasets.contents import Item, contents, hashes
from techniques.datasets.manifest import Manifest
from techniques.datasets.places import dropped_folder, settle
from techniques.datasets.rows import Place, rows
from techniques.datasets.sides import Terms, write_sides
from techniques.datasets.similar import groups, weaker
from techniques.datasets.split import SplitError, assign, leaks, units
from techniques.datasets.testkit.corpus import Work
from tests.techniques.conftest import Run, one_line
from tests.techniques.datasets.conftest import Web


def _copy(work: Work, number: int, *, scale: float, licence: str = "by") -> Work:
    """The same picture as another museum has it: other bytes, other size."""
    with Image.open(io.BytesIO(work.data)) as image:
        size = (round(image.width * scale), round(image.height * scale))
        resized = image.resize(size, Image.Resampling.LANCZOS)
    written = io.BytesIO()
    resized.save(written, "JPEG", quality=70)
    changes = {"number": number, "data": written.getvalue(), "width": size[0], "height": size[1]}
    return Work(**{**vars(work), **changes, "licence": licence})


def _files(root: Path) -> list[str]:
    return sorted(str(path.relative_to(root)) for path in root.glob("*/*"))


def test_the_larger_of_two_copies_is_kept_and_another_picture_takes_the_room(
    tmp_path: Path, web: Web, works: list[Work]
) -> None:
    root = tmp_path / "set"
    gothic = [work for work in works if "gothic" in work.words and work.licence != "by-nd"][:6]
    web.openverse.works = [_copy(gothic[0], 901, scale=0.9), *gothic, _copy(gothic[1], 902, scale=1.5)]
    web.files._data |= {work.file: work.data for work in web.openverse.works}
    result = web.collect(root, "gothic", only="openverse", per_class=5)
    assert result.images == 5
    assert result.reasons["near-duplicate"] >= 1
    kept = [row for row in rows(root) if row["status"] == "kept"]
    assert len(groups([int(row["phash"], 16) for row in kept])) == 0
    (dropped,) = [row for row in rows(root) if row["status"] == "dropped"]
    assert dropped["source_id"].endswith("901")
    assert dropped["why"].startswith("looks like gothic/")
    assert _files(dropped_folder(root)) == [dropped["file"]]
    assert dropped["file"] not in (root / "credits.csv").read_text()
    # Asked for all there is: the larger copy, which comes last, replaces the smaller one.
    assert web.collect(root, "gothic", only="openverse", per_class=50).images == 6
    ids = {row["source_id"][-3:] for row in rows(root) if row["status"] == "kept"}
    assert "902" in ids
    assert f"{gothic[1].number:03d}" not in ids
    assert len(web.fetched) == len(set(web.fetched))


def test_undo_brings_dropped_pictures_back_for_good(
    tmp_path: Path, web: Web, works: list[Work], here: Run
) -> None:
    root = tmp_path / "set"
    web.openverse.works = [works[0], _copy(works[0], 901, scale=0.9)]
    web.files._data |= {work.file: work.data for work in web.openverse.works}
    web.collect(root, "gothic", only="openverse", per_class=9)
    before = _files(root)
    assert len(before) == 1
    assert here("dataset", "undo", root).returncode == 0
    assert len(_files(root)) == 2
    assert _files(dropped_folder(root)) == []
    web.collect(root, "gothic", only="openverse", per_class=9)
    assert len(_files(root)) == 2
    assert "nothing has been dropped" in one_line(here("dataset", "undo", root), status=2)


@pytest.mark.parametrize("where", ["before the move", "after the move"])
def test_a_move_that_was_cut_short_is_finished(tmp_path: Path, where: str) -> None:
    root = tmp_path / "set"
    (root / "a").mkdir(parents=True)
    (root / "a" / "x.jpg").write_bytes(b"x")
    with Manifest(root) as manifest:
        manifest.put(Place("a/x.jpg", "b"))
        if where == "after the move":
            settle(manifest, root)
    with Manifest(root) as manifest:
        settle(manifest, root)
    assert _files(root) == ["b/x.jpg"]
    assert not (root / "a").exists()


def _item(file: str, **row: object) -> Item:
    return Item(file, file.partition("/")[0], dict(row))


def test_best_is_largest_then_freest_then_sharpest() -> None:
    same = {"width": 100, "height": 100, "license": "by", "blur": 1.0}
    for better in ({"width": 101}, {"license": "cc0"}, {"blur": 2.0}):
        items = [_item("a/1.jpg", **same), _item("a/2.jpg", **{**same, **better}), _item("a/3.jpg", **same)]
        assert {one.item.file for one in weaker(items, [0, 1, 3])} == {"a/1.jpg", "a/3.jpg"}
        assert weaker(items, [0, 1, 3], keep={"a/1.jpg", "a/2.jpg", "a/3.jpg"}) == []


def test_a_row_of_slowly_changing_views_keeps_its_ends() -> None:
    items = [_item(f"a/{n}.jpg", width=100 - n, height=1) for n in range(4)]
    chain = [0, 0x3F, 0xFFF, 0x3FFFF]
    assert [one.item.file for one in weaker(items, chain)] == ["a/1.jpg", "a/3.jpg"]


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 2**32), st.integers(30, 150))
def test_no_unit_is_divided_and_what_was_decided_stays(seed: int, count: int) -> None:
    noise = random.Random(seed)
    items, seen = [], []
    for number in range(count):
        creator = f"p{noise.randrange(count)}" if noise.random() < 0.7 else ""
        items.append(_item(f"{noise.choice('ab')}/{number}-{noise.random()}.jpg", creator=creator))
        seen.append(noise.choice(seen) ^ 3 if seen and noise.random() < 0.2 else noise.getrandbits(64))
    half = count // 2
    shares = {"val": 0.2, "test": 0.1}
    try:
        early = assign(items[:half], units(items[:half], seen[:half]), shares)
    except SplitError:
        return
    together = units(items, seen)
    late = assign(items, together, shares, known=early.sides)
    assert late.sides.keys() == {item.file for item in items}
    assert leaks(late.sides, items, together) == []
    for unit in together:
        before = {early.sides[items[index].file] for index in unit if items[index].file in early.sides}
        if len(before) == 1:
            assert {late.sides[items[index].file] for index in unit} == before
        elif before:
            assert {late.sides[items[index].file] for index in unit} == {"train"} or "train" not in before
    for side in ("train", "val", "test"):
        assert {items[n].folder for n in range(count) if late.sides[items[n].file] == side} == {"a", "b"}


def test_shares_are_met_where_pictures_are_independent() -> None:
    noise = random.Random(2)
    items = [_item(f"{'ab'[n % 2]}/{noise.random()}.jpg") for n in range(2000)]
    seen = [noise.getrandbits(64) for _ in items]
    sides = assign(items, units(items, seen), {"val": 0.2, "test": 0.1}).sides
    assert 350 < list(sides.values()).count("val") < 450
    assert 160 < list(sides.values()).count("test") < 240


@pytest.fixture
def own(tmp_path: Path, photos: dict[str, Path]) -> Path:
    """A person's own class folders, without a manifest; two pictures of each class are copies."""
    root = tmp_path / "own"
    for name in ("china", "coffee"):
        (root / name).mkdir(parents=True)
        with Image.open(photos[name]) as image:
            for number in range(8):
                box = (number * 35, number * 20, number * 35 + 128, number * 20 + 128)
                image.convert("RGB").crop(box).save(root / name / f"{number}.png")
        with Image.open(root / name / "0.png") as image:
            image.save(root / name / "copy.jpg", quality=80)
    return root


def test_split_is_read_by_torchvision_and_leaks_nothing(own: Path, here: Run, tmp_path: Path) -> None:
    finished = here("dataset", "split", own, "--val", 0.3)
    assert finished.returncode == 0, finished.stderr
    out = tmp_path / "own.split"
    assert finished.stdout.strip() == str(out)
    train, val = ImageFolder(str(out / "train")), ImageFolder(str(out / "val"))
    assert train.classes == val.classes == ["china", "coffee"]
    assert len(train) + len(val) == 18
    sides = json.loads((out / "split.json").read_text())["sides"]
    for name in ("china", "coffee"):
        assert sides[f"{name}/0.png"] == sides[f"{name}/copy.jpg"]
    # The whole set is still a plain class folder.
    assert ImageFolder(str(own)).classes == ["china", "coffee"]
    before = _files(out / "train")
    assert here("dataset", "split", own, "--val", 0.3).returncode == 0
    assert _files(out / "train") == before


def test_a_picture_that_was_removed_leaves_the_split_and_others_stay(
    own: Path, here: Run, tmp_path: Path
) -> None:
    out = tmp_path / "sides"
    assert here("dataset", "split", own, "-o", out).returncode == 0
    before = json.loads((out / "split.json").read_text())["sides"]
    (own / "china" / "3.png").unlink()
    (out / "train" / "china" / "mine.png").write_bytes(b"of my own")
    assert here("dataset", "split", own, "-o", out).returncode == 0
    after = json.loads((out / "split.json").read_text())["sides"]
    assert after == {file: side for file, side in before.items() if file != "china/3.png"}
    assert not list(out.glob("*/china/3.png"))
    assert (out / "train" / "china" / "mine.png").exists()


@pytest.mark.parametrize("links", [True, False])
def test_a_picture_that_was_exported_anew_replaces_its_old_bytes(
    own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, links: bool
) -> None:
    def none(*_: object) -> None:
        raise OSError(errno.EXDEV, "another disk")

    if not links:
        monkeypatch.setattr(os, "link", none)
    out, terms = tmp_path / "sides", Terms(0.2, 0.0, 0, by_creator=True)
    sides = {"china/1.png": "train", "china/2.png": "val", "china/mine.png": "val"}
    shutil.copy(own / "china" / "3.png", own / "china" / "mine.png")
    first = {file: side for file, side in sides.items() if "mine" not in file}
    write_sides(own, out, first, terms)
    (out / "val" / "china" / "mine.png").write_bytes(b"put there by hand")
    untouched = (out / "val" / "china" / "2.png").stat()
    draft = own / "china" / "draft"
    draft.write_bytes(b"another picture")  # as a program saves that loses nothing: beside, then renamed
    draft.replace(own / "china" / "1.png")
    write_sides(own, out, sides, terms)
    assert (out / "train" / "china" / "1.png").read_bytes() == b"another picture"
    assert (out / "val" / "china" / "2.png").stat().st_ino == untouched.st_ino
    write_sides(own, out, sides, terms)
    assert (out / "val" / "china" / "mine.png").read_bytes() == b"put there by hand"
    assert not list(out.rglob("*.part"))


def test_a_split_that_dies_while_a_picture_changes_sides_leaves_it_on_one(
    own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, terms = tmp_path / "sides", Terms(0.2, 0.0, 0, by_creator=True)
    write_sides(own, out, {"china/1.png": "train", "china/2.png": "val"}, terms)
    turned = {"china/1.png": "val", "china/2.png": "train"}
    original, lives = Path.unlink, iter([1])

    def dies(path: Path, missing_ok: bool = False) -> None:
        next(lives)
        original(path, missing_ok)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "unlink", dies)
        with pytest.raises(StopIteration):
            write_sides(own, out, turned, terms)
    write_sides(own, out, turned, terms)
    assert _files(out / "train") == ["china/2.png"]
    assert _files(out / "val") == ["china/1.png"]


def test_a_class_that_hangs_together_is_refused(own: Path, here: Run) -> None:
    shutil.rmtree(own / "china")
    (own / "china").mkdir()
    for name in ("1.png", "2.png"):
        shutil.copy(own / "coffee" / "0.png", own / "china" / name)
    line = one_line(here("dataset", "split", own), status=2)
    assert "china" in line
    assert not own.with_name("own.split").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("split", "nowhere"), "no folder"),
        (("split", ".", "--val", "0"), "--val"),
        (("duplicates", "."), "no class folder"),
        (("undo", "."), "nothing"),
    ],
)
def test_wrong_arguments(here: Run, arguments: tuple[str, ...], words: str) -> None:
    assert words in one_line(here("dataset", *arguments), status=2)


def test_a_split_goes_neither_into_the_set_nor_over_other_things(
    own: Path, here: Run, tmp_path: Path
) -> None:
    assert "a folder is a class" in one_line(here("dataset", "split", own, "-o", own / "sides"), status=2)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").touch()
    assert "other things" in one_line(here("dataset", "split", own, "-o", tmp_path / "full"), status=2)


def test_a_strangers_split_leads_nowhere_else(own: Path, here: Run, tmp_path: Path) -> None:
    """What an earlier split names is linked to and deleted, so a name may not lead out of it."""
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/thesis.txt").write_text("two years")
    out = tmp_path / "theirs"
    (out / "train").mkdir(parents=True)
    anywhere = {"../../mine/thesis.txt": "train", "mine/thesis.txt": "..", "a/b": ["train"]}
    (out / "split.json").write_text(json.dumps({"sides": anywhere | {"a/b.png": "val"}}))
    assert here("dataset", "split", own, "-o", out).returncode == 0
    assert (tmp_path / "mine/thesis.txt").read_text() == "two years"
    # And one that came with the pictures does not put them elsewhere.
    saved = json.loads((own / "split.json").read_text())
    saved["sides"] = dict.fromkeys(saved["sides"], "../../mine")
    (own / "split.json").write_text(json.dumps(saved))
    assert here("dataset", "split", own, "-o", tmp_path / "again").returncode == 0
    assert sorted(path.name for path in (tmp_path / "mine").iterdir()) == ["thesis.txt"]


def test_a_set_s_own_split_of_another_program_is_not_replaced(own: Path, here: Run) -> None:
    for theirs in ('{"train": ["china/0.png"]}', '{"sides": {"china/0.png": "train"}}', "no JSON"):
        (own / "split.json").write_text(theirs)
        assert "split.json" in one_line(here("dataset", "split", own), status=2)
        assert (own / "split.json").read_text() == theirs
    assert not own.with_name("own.split").exists()


def test_a_split_that_cannot_be_written_is_said(own: Path, here: Run) -> None:
    assert "cannot be written" in one_line(here("dataset", "split", own, "-o", "/dev/null/x"), status=2)


def test_duplicates_are_listed(own: Path, here: Run) -> None:
    finished = here("dataset", "duplicates", own)
    assert sorted(finished.stdout.splitlines()) == [
        "china/0.png  china/copy.jpg",
        "coffee/0.png  coffee/copy.jpg",
    ]


def test_a_damaged_picture_has_no_hash_and_stops_a_split(own: Path, here: Run) -> None:
    (own / "china" / "0.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    items = contents(own, [])
    assert hashes(own, items).count(None) == 1
    assert "damaged" in one_line(here("dataset", "split", own), status=2)


def test_pictures_of_the_same_ground_stay_together() -> None:
    boxes = [[0, 0, 2, 2], [1, 1, 3, 3], [3, 0, 4, 2], [10, 0, 11, 1], [2.9, 2, 3.5, 2.5]]
    items = [_item(f"a/{index}.tif", bounds=box) for index, box in enumerate(boxes)]
    assert units(items, [index * 0x0101010101010101 for index in range(5)]) == [[0, 1, 4], [2], [3]]


def test_pictures_over_the_date_line_show_the_ground_of_both_ends_of_the_map() -> None:
    boxes = [[179.9, 0, 180.1, 1], [-180.1, 0, -179.9, 1], [-179.95, 0, -179.8, 1], [179.0, 0, 179.8, 1]]
    items = [_item(f"a/{index}.tif", bounds=box) for index, box in enumerate(boxes)]
    assert units(items, [index * 0x0101010101010101 for index in range(4)]) == [[0, 1, 2], [3]]
