"""The dataset reader, against what students' folders really hold."""

import hashlib
import os
import shutil
import tracemalloc
import warnings

import numpy as np
import pytest
from PIL import Image

from techniques.datasets.manifest import Manifest
from techniques.errors import BadInputError, WorkFailedError
from techniques.meshes.mtl import unusable
from techniques.training import examine
from techniques.training.changes import changes
from techniques.training.dataset import read_dataset
from techniques.training.pool import Pool, memory_for_pictures
from techniques.training.problems import KINDS, counted
from tests.techniques.test_pictures import block
from tests.techniques.training.conftest import noise, save


def read(root, *, size=(64, 64), memory=1 << 26, **options):
    pool = Pool(root, size, memory=memory)
    return read_dataset(root, size=size, pool=pool, **options), pool


def kinds(dataset):
    return {name: len(found) for name, _, found in counted(dataset.problems)}


def test_classes_are_the_folders_and_every_fifth_picture_is_held_back(plain):
    dataset, pool = read(plain)

    assert dataset.classes == ("brick", "grass")
    assert dataset.counts("train") == (5, 5)
    assert dataset.counts("val") == (1, 1)
    assert dataset.problems == ()
    assert pool.pixels(0).shape == (80, 96, 3)


def test_a_camera_s_odd_exif_block_costs_no_picture(plain):
    exif = block([(0x0112, 3, 6), (0x0128, 4, 100_000)])
    with Image.open(plain / "brick" / "0.png") as picture:
        save(picture.convert("RGB"), plain / "brick" / "0.jpg", exif=exif, quality=95)
    (plain / "brick" / "0.png").unlink()

    dataset, _ = read(plain)

    assert dataset.problems == ()
    assert (dataset.examples[0].width, dataset.examples[0].height) == (80, 96)


def test_a_folder_with_a_name_that_is_not_utf_8_is_a_class(plain):
    name = os.fsdecode(b"caf\xe9")
    (plain / "brick").rename(plain / name)

    dataset, _ = read(plain)

    assert dataset.classes == (name, "grass") or dataset.classes == ("grass", name)
    assert dataset.problems == ()


def test_the_split_depends_on_the_seed_and_the_pictures_not_on_their_names(plain):
    def held(**options):
        dataset, _ = read(plain, **options)
        return {dataset.examples[index].sha256 for index in dataset.part("val")}

    first = held(seed=1)
    for path in list(plain.rglob("*.png")):
        path.rename(path.with_name(f"renamed {path.name}"))

    assert held(seed=1) == first
    assert any(held(seed=seed) != first for seed in range(2, 6))


def test_near_duplicates_never_stand_on_both_sides(tmp_path):
    root = tmp_path / "set"
    for label, name in enumerate("ab"):
        for number in range(5):
            picture = noise(50 * label + number, (200, 160))
            save(picture, root / name / f"{number}.png")
            save(picture.resize((120, 96)), root / name / f"{number} small.jpg", quality=60)
            save(picture, root / name / f"{number} again.png")

    for seed in range(4):
        dataset, _ = read(root, seed=seed)
        parts = {}
        for example in dataset.examples:
            parts.setdefault(example.group, set()).add(example.part)

        assert len(parts) == 10
        assert all(len(found) == 1 for found in parts.values())
        assert dataset.counts("val") == (3, 3)
    assert kinds(dataset) == {"duplicate": 10, "near-duplicate": 10}


def collected(root, creators):
    """Two classes of ten pictures, and a manifest that says who made each, as `collect` leaves it."""
    with Manifest(root) as manifest:
        for label, name in enumerate(("arch", "dome")):
            for number in range(10):
                file = f"{name}/{number}.png"
                save(noise(300 * label + number), root / file)
                row = {"source": "s", "source_id": file, "status": "kept", "reason": "", "class": name}
                row |= {"license": "by", "license_version": "4.0", "page_url": "", "attribution": "A"}
                manifest.decide({**row, "file": file, "creator": creators(name, number), "sha256": file})


def test_a_creators_pictures_never_stand_on_both_sides(tmp_path):
    root = tmp_path / "set"
    root.mkdir()
    collected(root, lambda name, number: f"photographer {number // 2}")

    for seed in range(6):
        dataset, _ = read(root, seed=seed)
        sides = {}
        for example in dataset.examples:
            sides.setdefault(int(example.path[5]) // 2, set()).add(example.part)

        assert all(len(found) == 1 for found in sides.values())
        assert dataset.counts("val") == (2, 2)
    assert kinds(dataset) == {"stray": 1}  # the manifest itself


def test_a_class_by_one_creator_is_divided_by_likeness_and_named(tmp_path):
    root = tmp_path / "wrapped" / "set"
    root.mkdir(parents=True)
    collected(root, lambda name, number: "only one" if name == "arch" else f"photographer {number // 5}")

    dataset, _ = read(tmp_path / "wrapped")

    assert dataset.counts("val") == (2, 5)
    assert {problem.where for problem in dataset.problems if problem.kind == "one-creator"} == {"arch"}


@pytest.mark.parametrize("line", ["no json", '{"row": "place", "file": "arch/0.png", "folder": "b", "x": 1}'])
def test_a_damaged_list_of_creators_is_named_and_likeness_still_divides(line, tmp_path):
    root = tmp_path / "set"
    root.mkdir()
    collected(root, lambda name, number: "a")
    (root / "manifest.jsonl").write_text(f"{line}\n")

    dataset, _ = read(root)

    assert kinds(dataset) == {"stray": 1, "unknown-creators": 1}
    assert dataset.counts("val") == (2, 2)


def test_train_val_and_test_folders_are_taken_as_they_are_but_for_leaks(plain, tmp_path):
    root = tmp_path / "parts"
    shutil.copytree(plain, root / "train")
    for number in range(3):
        for label, name in enumerate(("brick", "grass")):
            save(noise(500 + 10 * label + number), root / "valid" / name / f"{number}.png")
            save(noise(700 + 10 * label + number), root / "test" / name / f"{number}.png")
    shutil.copy(root / "train" / "brick" / "1.png", root / "test" / "brick" / "known.png")
    save(noise(9), root / "test" / "marble" / "0.png")

    dataset, _ = read(root)

    assert dataset.counts("train") == (6, 6)
    assert dataset.counts("val") == (3, 3)
    assert dataset.counts("test") == (3, 3)
    assert kinds(dataset) == {"leak": 1, "foreign-class": 1, "duplicate": 1}


def test_every_oddity_is_named_and_nothing_else_is_lost(plain):
    brick = plain / "brick"
    (plain / "empty").mkdir()
    (plain / ".ipynb_checkpoints").mkdir()
    save(noise(1), plain / "__MACOSX" / "brick" / "._0.png")
    save(noise(2), brick / ".ipynb_checkpoints" / "0-checkpoint.png")
    (brick / "._0.png").write_bytes(b"resource fork")
    (plain / "labels.csv").write_text("brick,0\n")
    (brick / "notes.txt").write_text("to do\n")
    (brick / "nothing.jpg").touch()
    whole = save(noise(3, (300, 200)), brick / "cut.jpg").read_bytes()
    (brick / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    save(noise(304).convert("CMYK"), brick / "inks.jpg")
    deep = np.random.default_rng(5).integers(0, 65535, (64, 64), np.uint16)
    save(Image.fromarray(deep), brick / "depth.png")
    frames = [noise(seed) for seed in (6, 7, 8)]
    save(frames[0], brick / "moves.gif", save_all=True, append_images=frames[1:])
    glass = noise(10).convert("RGBA")
    glass.putalpha(128)
    save(glass, brick / "glass.png")
    save(noise(11, (20, 20)), brick / "tiny.png")
    save(Image.new("1", (20_000, 20_000)), brick / "bomb.png")
    save(noise(12), brick / "Tower.png")
    save(noise(13), brick / "tower.PNG")
    save(noise(14), plain / "Grass" / "upper.png")
    shutil.copy(brick / "0.png", plain / "grass" / "both.png")
    (brick / "self").symlink_to(brick)
    os.mkfifo(brick / "pipe.jpg")

    dataset, _ = read(plain)

    assert kinds(dataset) == {
        "damaged": 1,
        "empty-file": 1,
        "not-a-picture": 1,
        "too-large": 1,
        "unreadable": 1,
        "hidden": 4,
        "stray": 2,
        "empty-class": 1,
        "merged-class": 1,
        "same-name": 1,
        "duplicate": 1,
        "two-classes": 1,
        "small": 1,
        "cmyk": 1,
        "deep": 1,
        "animated": 1,
        "transparent": 1,
    }
    assert dataset.classes == ("Grass", "brick")
    assert {e.path for e in dataset.examples if e.label == 1} >= {
        f"brick/{name}" for name in ("inks.jpg", "depth.png", "moves.gif", "glass.png", "tiny.png")
    }
    every_file = {str(path.relative_to(plain)) for path in plain.rglob("*") if not path.is_dir()}
    named = {problem.where for problem in dataset.problems} | {example.path for example in dataset.examples}
    assert {
        name for name in every_file if not any(name == n or name.startswith(f"{n}/") for n in named)
    } == set()


def test_every_kind_says_what_was_done():
    assert all(kind.title and kind.effect for kind in KINDS.values())


def test_one_picture_in_a_class_is_trained_on_and_named_as_not_measured(plain):
    save(noise(77), plain / "marble" / "only.png")

    dataset, _ = read(plain)

    assert dataset.counts("train") == (5, 5, 1)
    assert [problem.where for problem in dataset.problems] == ["marble"]
    assert kinds(dataset) == {"few": 1}


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda root: None, "does not exist"),
        (lambda root: root.mkdir(), "has no class folders"),
        (lambda root: root.write_text("x"), "is not a folder"),
        (lambda root: save(noise(1), root / "a.png"), "has no class folders, only 1 files"),
        (
            lambda root: save(noise(1), root / "only" / "a.png"),
            r"only one class with usable pictures \(only\)",
        ),
        (lambda root: [(root / n).mkdir(parents=True) for n in "ab"], "no usable pictures; 2 class folders"),
    ],
)
def test_what_is_no_dataset_is_refused_in_one_line(tmp_path, make, said):
    make(tmp_path / "set")

    with pytest.raises(BadInputError, match=said) as refused:
        read(tmp_path / "set")

    assert "\n" not in str(refused.value)


def test_a_folder_that_only_wraps_the_classes_is_stepped_into(plain, tmp_path):
    plain.rename(tmp_path / "inner")
    (tmp_path / "outer").mkdir()
    (tmp_path / "inner").rename(tmp_path / "outer" / "inner")
    (tmp_path / "outer" / "__MACOSX").mkdir()

    dataset, _ = read(tmp_path / "outer")

    assert dataset.classes == ("brick", "grass")
    assert kinds(dataset) == {"hidden": 1}


def test_the_hash_is_of_what_is_learnt(plain):
    before = read(plain)[0].sha256
    (plain / "brick" / "0.png").rename(plain / "brick" / "other name.png")
    renamed = read(plain)[0].sha256
    save(noise(999), plain / "brick" / "new.png")

    assert renamed == before
    assert read(plain)[0].sha256 != before


def test_what_changes_during_the_training_is_named(plain):
    dataset, pool = read(plain)
    assert changes(dataset) == []
    os.utime(plain / "brick" / "0.png", (1, 1))
    assert changes(dataset) == []
    save(noise(901), plain / "brick" / "1.png")
    (plain / "brick" / "2.png").unlink()
    save(noise(902), plain / "grass" / "late.png")

    assert [(problem.kind, problem.where) for problem in changes(dataset)] == [
        ("changed", "brick/1.png"),
        ("vanished", "brick/2.png"),
        ("added", "grass/late.png"),
    ]
    index = next(i for i, example in enumerate(dataset.examples) if example.path == "brick/1.png")
    assert pool.pixels(index).shape == (80, 96, 3)  # it was kept in memory


def test_a_changed_picture_that_must_be_read_again_stops_the_training(plain):
    dataset, pool = read(plain, memory=0)
    assert (pool.pixels(0) == read(plain)[1].pixels(0)).all()
    save(noise(901), plain / "brick" / "0.png")

    with pytest.raises(WorkFailedError, match=r"brick/0.png changed"):
        pool.pixels(0)
    assert changes(dataset)


def test_large_photographs_are_kept_small_and_upright(tmp_path):
    for name in "ab":
        exif = Image.Exif()
        exif[0x0112] = 6  # turned by 90 degrees
        save(noise(ord(name), (1600, 1200)), tmp_path / "set" / name / "turned.jpg", exif=exif)

    dataset, pool = read(tmp_path / "set")

    assert (dataset.examples[0].width, dataset.examples[0].height) == (1200, 1600)
    assert pool.pixels(0).shape == (107, 80, 3)


def test_memory_for_pictures_is_a_part_of_what_the_container_leaves(monkeypatch):
    monkeypatch.setattr("techniques.training.pool.available", lambda: 4 << 30)
    assert (memory_for_pictures(1), memory_for_pictures(2)) == (1 << 30, 1 << 29)
    monkeypatch.setattr("techniques.training.pool.available", lambda: 1 << 40)
    assert memory_for_pictures(1) == 8 << 30


def test_files_of_many_gigabytes_are_named_and_not_read_into_memory(plain):
    # Films under the names of pictures; with holes, so that they take no room here.
    for name, size in (("film.jpg", 10 << 30), ("short.jpg", 200 << 20)):
        with (plain / "brick" / name).open("wb") as film:
            film.write(b"\0\0\0\x18ftypmp42")
            film.truncate(size)
    with save(noise(55), plain / "brick" / "long.png").open("ab") as long:
        long.truncate(100 << 20)

    tracemalloc.start()
    dataset, _ = read(plain)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    found = {problem.where: problem for problem in dataset.problems}
    assert kinds(dataset) == {"not-a-picture": 1, "too-large": 1}
    assert found["brick/film.jpg"].detail == "10.7 GB"
    assert found["brick/short.jpg"].kind == "not-a-picture"
    whole = hashlib.sha256((plain / "brick" / "long.png").read_bytes()).hexdigest()
    assert [one.sha256 for one in dataset.examples if one.path == "brick/long.png"] == [whole]
    assert peak < 50 << 20


def test_a_file_that_changes_while_it_is_read_is_not_believed(plain, monkeypatch):
    def decoded_meanwhile(image, *given):
        seen = decode(image, *given)
        with (plain / "brick" / "1.png").open("ab") as file:
            file.write(b"more")
        return seen

    decode = examine._seen
    monkeypatch.setattr(examine, "_seen", decoded_meanwhile)

    with pytest.raises(examine.RefusedError, match="changed while it was read"):
        examine.look(plain, "brick/1.png", (64, 64))


@pytest.mark.parametrize(
    "read",
    [
        lambda path: examine.look(path.parent, path.name, (64, 64)),
        lambda path: unusable(path.read_bytes()),
    ],
)
def test_threads_leave_each_other_s_filters_of_warnings_alone(read, plain, monkeypatch):
    def filters_put_back_by_another_thread(*_given, **_named):
        raise AssertionError("a filter for a while is one for all threads")

    with monkeypatch.context() as patch:
        patch.setattr(warnings, "catch_warnings", filters_put_back_by_another_thread)
        read(plain / "brick" / "0.png")
