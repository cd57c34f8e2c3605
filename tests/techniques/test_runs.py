import errno
import fcntl
import json
import zipfile
from pathlib import Path

import pytest

from techniques.archives.unpack import Settings, unpack
from techniques.datasets.manifest import Manifest
from techniques.errors import BadInputError
from techniques.runs import MESH, data_folder, default_folder, occupied, place_for, weights_folder


def names(place):
    return [path.name for path in (place.picture, place.record, place.report)]


def test_a_picture_s_name_is_a_file_with_its_record_and_report_beside_it(tmp_path):
    place = place_for(tmp_path / "temple.JPG")

    assert names(place) == ["temple.JPG", "temple.run.json", "temple.html"]
    assert place.picture.parent == place.record.parent == tmp_path


@pytest.mark.parametrize("output", ["results", "results.v2", "run.2024"])
def test_any_other_name_is_a_folder(output, tmp_path):
    place = place_for(tmp_path / output)

    assert names(place) == ["result.png", "run.json", "report.html"]
    assert place.picture.parent == tmp_path / output


def test_results_go_where_the_platform_collects_them(tmp_path):
    assert default_folder({"DEEPDESIGN_OUTPUT": "/x"}, tmp_path) == Path("/x")
    assert default_folder({}, tmp_path) == Path("outputs")

    (tmp_path / "artifacts").mkdir()
    assert default_folder({}, tmp_path) == Path("outputs")  # no mount: what lies there would be lost

    (tmp_path / "outputs" / "pictures").mkdir(parents=True)
    assert default_folder({}, tmp_path) == tmp_path / "outputs" / "pictures"
    (tmp_path / "outputs" / "models").mkdir()
    assert default_folder({}, tmp_path) == Path("outputs")
    assert default_folder({}, Path("/nowhere")) == Path("outputs")


def test_a_default_folder_with_a_run_in_it_is_not_written_over(tmp_path, monkeypatch):
    monkeypatch.setenv("DEEPDESIGN_OUTPUT", str(tmp_path))
    first = place_for(None)
    assert first.picture == tmp_path / "result.png"

    first.record.write_text("{}")
    assert place_for(None).picture == tmp_path / "2" / "result.png"

    (tmp_path / "2").mkdir()
    place_for(None).checkpoint.write_text("interrupted")
    assert place_for(None).picture == tmp_path / "3" / "result.png"
    assert place_for(None, resume=True).picture == tmp_path / "2" / "result.png"


def test_to_resume_a_finished_run_in_the_default_folder_is_to_find_it(tmp_path, monkeypatch):
    monkeypatch.setenv("DEEPDESIGN_OUTPUT", str(tmp_path))
    for number in ("", "2"):
        (tmp_path / number).mkdir(exist_ok=True)
        record = {"results": [str(tmp_path / number / "result.png")]}
        (tmp_path / number / "run.json").write_text(json.dumps(record))
    assert place_for(None, resume=True).picture == tmp_path / "2" / "result.png"


def test_to_resume_where_only_others_were_finished_is_to_begin_beside_them(tmp_path, monkeypatch):
    monkeypatch.setenv("DEEPDESIGN_OUTPUT", str(tmp_path))
    (tmp_path / "run.json").write_text(json.dumps({"results": [str(tmp_path / "result.png")]}))

    assert place_for(None, resume=True, kind=MESH).result == tmp_path / "2" / "result.obj"


def test_a_run_that_was_killed_before_its_first_checkpoint_is_found(tmp_path, monkeypatch):
    monkeypatch.setenv("DEEPDESIGN_OUTPUT", str(tmp_path))
    (tmp_path / "run.json").write_text(json.dumps({"results": [str(tmp_path / "result.png")]}))
    second = place_for(None)
    second.lock.parent.mkdir()
    second.lock.touch()

    assert place_for(None, resume=True) == second


@pytest.mark.parametrize("name", ["result.png", "run.json", "report.html"])
def test_a_folder_with_somebody_else_s_files_is_refused(name, tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / name).write_text('{"results": ["photos"]}')

    with pytest.raises(BadInputError, match="Choose another"):
        place_for(tmp_path / "folder")
    assert (tmp_path / "folder" / name).read_text() == '{"results": ["photos"]}'


def test_a_record_of_another_picture_stays(tmp_path):
    (tmp_path / "a.run.json").write_text(json.dumps({"results": [str(tmp_path / "a.png")]}))

    assert place_for(tmp_path / "a.png").record == tmp_path / "a.run.json"
    with pytest.raises(BadInputError, match="another result"):
        place_for(tmp_path / "a.jpg")


def test_a_report_never_replaces_a_page_that_is_not_ours(tmp_path):
    (tmp_path / "index.html").write_text("<h1>my portfolio</h1>")

    with pytest.raises(BadInputError, match="not ours"):
        place_for(tmp_path / "index.png")


def test_a_place_is_for_one_run_and_its_empty_folders_go_with_it(tmp_path):
    place = place_for(tmp_path / "a" / "b")
    with occupied(place):
        assert place.lock.exists()
        with pytest.raises(BadInputError, match="another run"), occupied(place):
            pass
    assert not (tmp_path / "a").exists()

    with occupied(place):
        place.record.write_text(json.dumps({}))
    assert [path.name for path in (tmp_path / "a" / "b").iterdir()] == ["run.json"]


def test_a_lock_that_a_killed_run_left_does_not_keep_the_next_one_out(tmp_path):
    place = place_for(tmp_path)
    place.lock.touch()

    with occupied(place):
        pass
    assert not place.lock.exists()


def test_a_run_that_ends_while_another_begins_leaves_that_one_its_lock(tmp_path, monkeypatch):
    place, flock = place_for(tmp_path), fcntl.flock

    def ends_meanwhile(*given):
        monkeypatch.setattr(fcntl, "flock", flock)
        place.lock.unlink()
        flock(*given)

    monkeypatch.setattr(fcntl, "flock", ends_meanwhile)
    with occupied(place), pytest.raises(BadInputError, match="another run"), occupied(place):
        pass


def test_a_storage_without_locks_is_worked_on_all_the_same(tmp_path, monkeypatch):
    def refused(_handle, _how):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refused)
    with occupied(place_for(tmp_path / "a.png")), Manifest(tmp_path):
        (tmp_path / "a.png").write_bytes(b"1")
    left = tmp_path / ".unpacking-set-killed"
    left.mkdir()
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
        archive.writestr("b.txt", "1")
    unpack(tmp_path / "set.zip", None, Settings(), lambda *_: None)

    # Nobody can tell whether the run that it belongs to is still at work.
    assert {path.name for path in tmp_path.iterdir()} == {
        *("a.png", "manifest.jsonl", "set.zip", "set", left.name),
    }


def test_a_mesh_has_its_own_names(tmp_path):
    assert names(place_for(tmp_path / "house.glb", kind=MESH)) == [
        "house.glb",
        "house.run.json",
        "house.html",
    ]
    assert names(place_for(tmp_path / "house", kind=MESH)) == ["result.obj", "run.json", "report.html"]
    with pytest.raises(BadInputError, match=r"a mesh is not written as \.png"):
        place_for(tmp_path / "house.png", kind=MESH)


def test_a_default_folder_that_cannot_be_written_is_named_as_what_it_is(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("DEEPDESIGN_OUTPUT", str(tmp_path / "file" / "below"))

    with (
        pytest.raises(BadInputError, match=r"^\$DEEPDESIGN_OUTPUT: .* cannot be written"),
        occupied(place_for(None)),
    ):
        pass
    with pytest.raises(BadInputError, match=r"^-o: "), occupied(place_for(tmp_path / "file" / "a.png")):
        pass


def test_what_must_outlive_a_job_goes_to_the_storage_that_the_bootstrap_found(tmp_path):
    storage = tmp_path / "workspace"
    storage.mkdir()
    named = {"DEEPDESIGN_STORAGE": str(storage)}

    assert data_folder(named, tmp_path) == storage / "datasets"
    assert weights_folder(named, tmp_path) == storage / "weights"
    own = {**named, "DEEPDESIGN_DATA": "/own"}
    assert (data_folder(own, tmp_path), weights_folder(own, tmp_path)) == (Path("/own"), Path("/own/weights"))
    for gone in ({}, {"DEEPDESIGN_STORAGE": ""}, {"DEEPDESIGN_STORAGE": str(tmp_path / "gone")}):
        assert data_folder(gone, tmp_path) == Path("datasets")
        assert weights_folder(gone, tmp_path) == Path("weights")
